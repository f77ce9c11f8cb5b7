"""The earlier window that another one is compared with: --with before, yesterday, last-week, or a time."""

from bisect import bisect
from datetime import datetime, timedelta
from time import localtime

from dwreport.cli.times import NANO, point

Span = tuple[int, int]
_DAYS = {"yesterday": 1, "last-week": 7}
_FIRST_NS = -2**63  # that SQLite has


def earlier(text: str, window: Span, now_ns: int) -> Span:
    """Return the window that a text means before another one; raise ValueError with a remedy.

    A day earlier is the same time of the day before in the local zone, which is 23 or 25 hours where clocks are set.
    """
    since_ns, until_ns = window
    length_ns = until_ns - since_ns
    if text == "before":
        found = since_ns - length_ns, since_ns
    elif days := _DAYS.get(text):
        found = _days_before(since_ns, days), _days_before(until_ns, days)
        if found[0] >= found[1]:  # of an hour that came twice
            found = found[1] - length_ns, found[1]
    else:
        start_ns = _start(text, now_ns)
        found = start_ns, start_ns + length_ns
    if found[0] >= since_ns:
        raise ValueError(f'"{text}" is not earlier than --since; write before, yesterday, last-week or an earlier time')
    if found[0] < _FIRST_NS:
        raise ValueError(f'"{text}" is before all times; give a later --since')
    return found


def _start(text: str, now_ns: int) -> int:
    try:
        return point(text, now_ns)
    except ValueError as error:
        raise ValueError(f'{error}, or "before" or "last-week"') from None


def _days_before(time_ns: int, days: int) -> int:
    """Return the same time of an earlier day; of a time that clocks left out there, when they were set."""
    seconds, rest_ns = divmod(time_ns, NANO)
    wall = datetime.fromtimestamp(seconds) - timedelta(days=days)  # noqa: DTZ006 - local is meant
    early, late = sorted(int(wall.replace(fold=fold).timestamp()) for fold in (0, 1))
    if localtime(early).tm_hour != wall.hour or localtime(early).tm_min != wall.minute:
        offset_s = localtime(early).tm_gmtoff
        return (early + bisect(range(early, late), False, key=lambda s: localtime(s).tm_gmtoff != offset_s)) * NANO  # noqa: FBT003
    return early * NANO + rest_ns
