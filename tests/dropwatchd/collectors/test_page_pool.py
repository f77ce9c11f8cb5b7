"""The page_pool collector."""

import pytest

from dropwatchd.collectors import AbsentError, page_pool
from dropwatchd.kernel.host import Host
from tests import fixtures
from tests.fixtures.namespace import Namespace


def test_pools_without_a_device() -> None:
    """One whose device has gone is left out, as is one of a device that has no name any more."""
    assert {dict(reading.key.labels)["pool"] for reading in fixtures.readings("made", "page_pool")} == {"18", "19"}
    assert list(page_pool.parse(fixtures.messages("made", "page-pools"), {}, netns=None)) == []


def test_a_pool_begins_at_zero() -> None:
    """Its number is never given again, so that a card that comes back has other pools."""
    assert {reading.from_zero for reading in fixtures.readings("made", "page_pool")} == {True}


@pytest.mark.kernel
def test_kernels_without_these_statistics() -> None:
    """That is no failure; nor is a kernel with them where no driver has a pool."""
    with Namespace() as namespace, pytest.raises(AbsentError, match=r"page pools|pool of pages"):
        namespace.run(lambda: page_pool.collect(Host()))
