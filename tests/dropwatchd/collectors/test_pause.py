"""The pause collector."""

import pytest

from dropwatchd.collectors import AbsentError, pause
from dropwatchd.kernel.host import Host
from tests import fixtures
from tests.fixtures.namespace import Namespace


def test_device_that_went_in_between() -> None:
    """A device that has no name any more is left out."""
    assert list(pause.parse(fixtures.messages("made", "pause"), {}, netns=None)) == []


@pytest.mark.kernel
def test_no_driver_counts() -> None:
    """The question is one that kernels understand, whatever devices there are."""
    with Namespace() as namespace:
        namespace.command("ip link add left type veth peer name right")
        with pytest.raises(AbsentError, match="names of the standards"):
            namespace.run(lambda: pause.collect(Host()))
