"""Windows conserve counts, whatever is added in whatever order and however much time resolution is given up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.model import NANO, Drop, DropKey, Interface, Kind, Location, Window
from dropwatchd.pipeline.windows import Windows, merge

KEYS = [DropKey(Location(name), Kind("NO_SOCKET"), Interface(1, index, "eth0"))
        for name in ("a", "b", "c") for index in (1, 2)]


@st.composite
def some_drops(draw: st.DrawFn) -> Drop:
    first_ns = draw(st.integers(0, 3_500 * NANO))
    return Drop(draw(st.sampled_from(KEYS)), draw(st.integers(1, 1 << 40)), draw(st.none() | st.integers(0, 1 << 50)),
                first_ns, first_ns + draw(st.integers(0, NANO)))


def _counts(windows: list[Window]) -> Counter[DropKey]:
    total: Counter[DropKey] = Counter()
    for window in windows:
        total[window.drop.key] += window.drop.count
    return total


def _sum(drops: list[Drop]) -> Counter[DropKey]:
    total: Counter[DropKey] = Counter()
    for drop in drops:
        total[drop.key] += drop.count
    return total


@given(st.lists(some_drops(), max_size=60), st.integers(1, 20))
def test_counts_are_conserved_under_any_limit(drops: list[Drop], limit: int) -> None:
    """What goes in comes out, key by key, also when windows are folded to stay within the limit."""
    windows = Windows(limit=limit)
    for drop in drops:
        windows.add(drop)
    taken = windows.take()
    assert _counts(taken) == _sum(drops)
    assert len(taken) <= max(limit, len(KEYS))  # all drops are of one hour, the widest window
    assert not len(windows)


@given(st.lists(some_drops(), max_size=40))
def test_every_drop_lies_in_its_window(drops: list[Drop]) -> None:
    """A window begins at a multiple of its width, and its first drop is inside."""
    windows = Windows()
    for drop in drops:
        windows.add(drop)
    for window in windows.take():
        assert window.start_ns % window.width_ns == 0
        assert window.start_ns <= window.drop.first_ns < window.start_ns + window.width_ns
        assert window.drop.first_ns <= window.drop.last_ns


@given(st.lists(some_drops(), max_size=40), st.lists(some_drops(), max_size=40), st.integers(1, 20))
def test_windows_put_back_lose_nothing(written: list[Drop], newer: list[Drop], limit: int) -> None:
    """What could not be written is merged with what came since, and never pretends to a finer time than it had."""
    windows = Windows(limit=limit)
    for drop in written:
        windows.add(drop)
    taken = windows.take()
    for drop in newer:
        windows.add(drop)
    windows.put_back(taken)
    again = windows.take()
    assert _counts(again) == _sum(written) + _sum(newer)
    assert min((w.width_ns for w in again), default=0) >= max((w.width_ns for w in taken), default=0)


def test_after_a_storm_windows_are_narrow_again() -> None:
    """Resolution is given up until the windows are taken, and no longer."""
    windows = Windows(limit=1)
    for second in (1, 200):
        windows.add(Drop(KEYS[0], 1, 1, second * NANO, second * NANO))
    assert [window.width_ns for window in windows.take()] > [NANO]
    windows.add(Drop(KEYS[0], 1, 1, 5 * NANO, 5 * NANO))
    assert [(window.start_ns, window.width_ns) for window in windows.take()] == [(5 * NANO, NANO)]


def test_windows_that_come_back_keep_their_width() -> None:
    """They say when their drops happened, and that was known to some seconds only."""
    windows = Windows(limit=1)
    for second in (1, 200):
        windows.add(Drop(KEYS[0], 1, 1, second * NANO, second * NANO))
    wide = windows.take()
    windows.put_back(wide)
    assert windows.take() == wide


def test_unknown_octets_stay_unknown() -> None:
    """A sum with an unknown part is unknown, not smaller."""
    one = Drop(KEYS[0], 1, 100, 5, 6)
    assert merge(one, Drop(KEYS[0], 2, None, 1, 2)) == Drop(KEYS[0], 3, None, 1, 6)
    assert merge(one, Drop(KEYS[0], 2, 11, 7, 9)) == Drop(KEYS[0], 3, 111, 5, 9)
