"""What the settings of devices decide: which end of a pair refused packets, and where a tunnel leads."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dropwatchd.history.read.reader import DeviceRow
from dropwatchd.history.read.settings import Level
from dropwatchd.model import NANO
from dwreport.evidence.settings import Settings, Span
from dwreport.evidence.tally import Place
from tests.dwreport.conftest import START_NS
from tests.dwreport.made import BLUE, HOST, INIT, counter, drop, facts, findings, key, looked, packet

HERE, THERE = Place(HOST, INIT, "eth0"), Place(HOST, BLUE, "eth1")
PAIR = [DeviceRow(HOST, INIT, "eth0", "veth", None, "#7 in another namespace"),
        DeviceRow(HOST, BLUE, "eth1", "veth", None, "#2 in another namespace")]
BEFORE, AFTER = START_NS - NANO, START_NS + 9 * NANO


def level(name: str, value: int, since_ns: int = BEFORE, until_ns: int = AFTER, labels: str = "{}") -> Level:
    return Level(HOST, BLUE, 7, "eth1", name, labels, value, since_ns, until_ns)


def told(levels: list[Level], length: int = 1342, refused: int = 20, devices: Sequence[DeviceRow] = PAIR) -> set[str]:
    """Return the headlines of 20 drops on the way to the other end, of which it has counted so many."""
    dropped = key("NOT_SPECIFIED", "__dev_forward_skb2")
    given = facts([drop(dropped, 20)], [counter("link/tx_dropped", 20, interface="eth0"),
                                        counter("link/rx_dropped", refused, BLUE, "eth1")],
                  [packet(dropped, length=length - 14)],
                  looked("link/tx_dropped") | looked("link/rx_dropped", netns=BLUE),
                  devices=devices, settings=Settings(lambda: levels))
    return {finding.title for finding in findings(given)}


TOO_BIG = "The other end of a pair takes smaller packets than this one sends"
DOWN = "The device was down or nobody was attached to it"
OPEN = "The other end of a veth pair was down or its MTU too small"


@pytest.mark.parametrize(("levels", "length", "title"), [
    ([level("mtu", 1000), level("up", 1)], 1342, TOO_BIG),
    ([level("mtu", 1000), level("up", 1)], 1019, TOO_BIG),
    ([level("mtu", 1000), level("up", 1)], 1018, OPEN),  # a header of 14 bytes and a tag of 4 may pass
    ([level("mtu", 1000), level("up", 0)], 1342, DOWN),
    ([level("mtu", 1000)], 1342, OPEN),
    ([level("mtu", 1500, until_ns=START_NS), level("mtu", 1000, since_ns=START_NS + 1), level("up", 1)], 1342, OPEN),
    ([level("mtu", 1000), level("up", 1, until_ns=START_NS)], 1342, OPEN),
])
def test_other_end_of_a_pair(levels: list[Level], length: int, title: str) -> None:
    """Decided by its MTU and state where these were read before and after, and the same all the while."""
    assert title in told(levels, length)


def test_other_end_is_known_by_what_it_counted_and_points_back_to() -> None:
    """A device of the same number elsewhere may be that of another pair."""
    levels = [level("mtu", 1000), level("up", 1)]
    assert TOO_BIG in told(levels)
    assert OPEN in told(levels, refused=19)
    assert OPEN in told(levels, devices=[PAIR[0], replace(PAIR[1], peer="#3 in another namespace")])
    assert OPEN in told(levels, devices=[PAIR[0]])
    assert OPEN in told(levels, devices=[replace(PAIR[0], kind="macvlan"), PAIR[1]])


def test_other_end_in_the_same_namespace_has_a_name() -> None:
    near = DeviceRow(HOST, INIT, "eth0", "veth", None, "eth9")
    assert Settings().other_end(HERE, 2, {HERE: near}) == Place(HOST, INIT, "eth9")


@pytest.mark.parametrize(("levels", "title"), [
    ([1], "The receive queue of a tunnel device was full"), ([0], "A tunnel's receive queue was full"),
    ([], "A tunnel's receive queue was full"),
])
def test_a_tunnel_that_was_up_had_a_full_queue(levels: list[int], title: str) -> None:
    """The function drops for nothing else; the gauge says that the device was not down."""
    dropped = key("NOT_SPECIFIED", "gro_cells_receive", netns=BLUE, interface="eth1")
    up = [level("up", value) for value in levels]
    given = facts([drop(dropped, 20)], kernel="6.18.0", settings=Settings(lambda: up))
    assert [finding.title for finding in findings(given)] == [title]


def test_a_setting_that_moved_is_none() -> None:
    one = Settings(lambda: [level("mtu", 1500, 0, 10), level("mtu", 1000, 20, 30)])
    assert [one.value(THERE, "mtu", Span(*span)) for span in ((0, 10), (5, 25), (20, 30), (25, 31), (12, 13))] == [
        1500, None, 1000, None, None]


def test_a_tunnel_that_had_several_other_ends_is_not_named() -> None:
    one, other = ('{"address": "192.0.2.9"}', '{"address": "192.0.2.8"}')
    ends = [level("remote", 1, labels=one), level("remote", 0, labels=other)]
    assert Settings(lambda: ends).remote(THERE) == "192.0.2.9"
    both = [*ends, level("remote", 1, labels=other)]
    assert Settings(lambda: both).remote(THERE) is None
    assert Settings().remote(THERE) is None
