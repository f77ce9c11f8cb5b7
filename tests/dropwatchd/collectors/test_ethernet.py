"""The ethernet collector."""

import pytest

from dropwatchd.collectors import AbsentError, ethernet, ethtool
from dropwatchd.kernel import generic
from dropwatchd.kernel.host import Host
from tests import fixtures
from tests.fixtures.namespace import Namespace


def test_device_that_went_in_between() -> None:
    """A device that has no name any more is left out."""
    assert list(ethernet.parse(fixtures.messages("made", "ethernet"), {}, netns=None)) == []


@pytest.mark.kernel
def test_drivers_with_names_of_their_own_are_left_to_these() -> None:
    """The question is one that kernels understand: each device answers, and veth has nothing to say here."""
    with Namespace() as namespace:
        namespace.command("ip link add left type veth peer name right")
        assert len(namespace.run(lambda: generic.dump("ethtool", (ethernet._STATS_GET, ethernet._REQUEST)))) == 3
        with pytest.raises(AbsentError, match="standards"):
            namespace.run(lambda: ethernet.collect(Host()))
        assert namespace.run(lambda: ethtool.having((1, 2, 4711))) == {2}
