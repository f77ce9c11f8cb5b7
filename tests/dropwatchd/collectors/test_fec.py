"""The fec collector."""

import pytest

from dropwatchd.collectors import AbsentError, fec
from dropwatchd.kernel.host import Host
from tests import fixtures
from tests.fixtures.namespace import Namespace


def test_the_total_is_told_and_not_the_lanes() -> None:
    """What a driver does not count is left out: it has not counted none."""
    found = {reading.key.name: reading.value for reading in fixtures.readings("made", "fec")}
    assert found == {"corrected_blocks": 1000, "uncorrectable_blocks": 7}


def test_device_that_went_in_between() -> None:
    """A device that has no name any more is left out."""
    assert list(fec.parse(fixtures.messages("made", "fec"), {}, netns=None)) == []


@pytest.mark.kernel
def test_no_driver_counts() -> None:
    """The question is one that kernels understand."""
    with Namespace() as namespace, pytest.raises(AbsentError, match="forward error correction"):
        namespace.run(lambda: fec.collect(Host()))
