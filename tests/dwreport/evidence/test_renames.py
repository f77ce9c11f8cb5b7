"""Devices that were renamed between two readings: their counters are read under the next name."""

from dataclasses import replace

import pytest

from dropwatchd.history.read.reader import LoggedEvent
from dwreport.evidence.compare import Evidence
from tests.dwreport.conftest import START_NS
from tests.dwreport.made import BLUE, HOST, INIT, counted, counter, drop, key


def _renamed(old: str, new: str, netns: int = INIT) -> LoggedEvent:
    return LoggedEvent(HOST, START_NS, "link renamed", new, f"was {old}", netns)


def _found(drops: dict[str, int], moved: dict[str, int], *events: LoggedEvent) -> list[tuple[str | None, str, int]]:
    """Return (interface, verdict, packets that no event accounts for) of each comparison with rx_dropped."""
    given = counted([drop(key("UNHANDLED_PROTO", "__netif_receive_skb_core", interface=name), count)
                     for name, count in drops.items()],
                    [counter("link/rx_dropped", count, interface=name) for name, count in moved.items()])
    return [(one.place.interface, one.verdict, one.unexplained)
            for one in Evidence(replace(given, events=events)).agreements if "link/rx_dropped" in one.counters]


@pytest.mark.parametrize(("drops", "moved", "events"), [
    ({"old": 6, "new": 15}, {"new": 21}, (("old", "new"),)),
    ({"old": 6}, {"new": 6}, (("old", "new"),)),
    ({"a": 1, "b": 2, "c": 3}, {"c": 6}, (("a", "b"), ("b", "c"))),
    ({"one": 3, "two": 4, "spare": 1}, {"one": 5, "two": 3}, (("one", "spare"), ("two", "one"), ("spare", "two"))),
])
def test_what_happened_under_either_name_is_one_number(
    drops: dict[str, int], moved: dict[str, int], events: tuple[tuple[str, str], ...],
) -> None:
    """Of names that were exchanged too: no loss that counters alone saw, and no event that they did not."""
    [(interface, verdict, unexplained)] = _found(drops, moved, *(_renamed(*names) for names in events))
    assert (interface, verdict, unexplained) == (events[-1][1], "agree", 0)


def test_another_device_is_not_meant() -> None:
    """Of another name, or of the same one in another namespace."""
    found = _found({"eth0": 6}, {"eth1": 6}, _renamed("eth2", "eth1"), _renamed("eth0", "eth1", BLUE))
    assert ("eth1", "counter-only", 6) in found


def test_more_than_was_dropped_under_all_names_is_still_a_loss() -> None:
    """What is left over of it."""
    assert _found({"old": 6, "new": 15}, {"new": 25}, _renamed("old", "new")) == [("new", "counter-only", 4)]
