"""The qstats collector."""

import pytest

from dropwatchd.collectors import AbsentError, qstats
from dropwatchd.kernel.host import Host
from tests import fixtures
from tests.fixtures.namespace import Namespace


def test_device_that_went_in_between() -> None:
    """A device that has no name any more is left out."""
    assert list(qstats.parse(fixtures.messages("made", "qstats"), {}, netns=None)) == []


def test_cards_come_with_what_they_have_counted() -> None:
    """A queue that is gone for a while has not begun at zero when it is back."""
    assert {reading.from_zero for reading in fixtures.readings("made", "qstats")} == {False}


@pytest.mark.kernel
def test_no_driver_tells() -> None:
    """The loopback device has no queues that could lose anything."""
    with Namespace() as namespace, pytest.raises(AbsentError):
        namespace.run(lambda: qstats.collect(Host()))
