"""Rows that are held small are the rows that they were."""

from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.model import Drop, DropKey, Interface, Kind, Location, Window
from dwreport.report.held import HeldWindows
from dwreport.report.rows import window_row

_TIME = st.integers(0, 2**62)
_KEY = st.builds(DropKey, st.builds(Location, st.sampled_from(["f", "g"]), st.integers(0, 2)),
                 st.builds(Kind, st.sampled_from(["NO_SOCKET", None])),
                 st.builds(Interface, st.integers(1, 2), st.just(3), st.sampled_from(["eth0", None])))
_WINDOW = st.builds(Window, _TIME, _TIME, st.builds(Drop, _KEY, _TIME, st.none() | _TIME, _TIME, _TIME))


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), _WINDOW), max_size=20))
def test_held_windows_are_the_same_rows(windows: list[tuple[str, Window]]) -> None:
    """One by one, from the end, in slices; unknown bytes stay unknown."""
    rows = [window_row(host, window) for host, window in windows]
    held = HeldWindows(windows)
    assert list(held) == rows
    assert [held[-index] for index in range(1, len(rows) + 1)] == rows[::-1]
    assert (list(held[1:5]), list(held[::-1][:2]), bool(held)) == (rows[1:5], rows[::-1][:2], bool(rows))
