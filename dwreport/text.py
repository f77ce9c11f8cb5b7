"""Text for people: names made harmless, numbers, times, spans and charts of one line."""

import re
import shlex
import time
from collections.abc import Mapping, Sequence

from dropwatchd.history.read.patterns import printed
from dropwatchd.model import Interface

NANO = 1_000_000_000
_YEAR_NS = 360 * 86_400 * NANO
_BARS = " ▁▂▃▄▅▆▇█"
_UNKNOWN = "░"  # of a time that was not watched
_ESCAPE = r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})"  # as the daemon and reports write what is not printable
CHART = frozenset(_BARS + _UNKNOWN)


def clean(text: str) -> str:
    """Show control, format, bidirectional and unprintable characters as escapes: names of a system are hostile text."""
    return text if text.isprintable() else printed(text)


def quoted(name: str) -> str:
    """Quote a word of a command; one that is shown with escapes as bash reads them, or it would name another thing."""
    shown = printed(name)
    if not re.search(_ESCAPE, shown):
        return shlex.quote(name)
    backslashed = re.sub(rf"({_ESCAPE})|\\", lambda found: found[1] or 2 * "\\", shown)
    return "$'" + backslashed.replace("'", "\\'") + "'"


def number(value: int) -> str:
    """Group digits by threes: 15 012."""
    return f"{value:,}".replace(",", " ")


def counted(value: int, noun: str, plural: str = "") -> str:
    """Return 1 drop, 15 012 drops."""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {plural or f'{noun}s'}"


def share(part: int, whole: int) -> str:
    """Round down to whole percents: nothing but all is 100 %, nothing but none is 0 %."""
    percent = part * 100 // whole if whole else 0
    return f"{percent} %" if percent or not part else "<1 %"


def fraction(value: float) -> str:
    """Round down to hundredths of a percent: nothing but all is 100 %, nothing but none is 0 %."""
    hundredths = int(value * 10_000)
    if not hundredths:
        return "<0.01 %" if value > 0 else "0 %"
    return f"{hundredths / 100:.2f} %" if value < 1 else "100 %"


def time_format(since_ns: int, until_ns: int) -> str:
    """Return the strftime format that tells the times of a window apart, as short as it may be."""
    first, last = time.localtime(since_ns // NANO), time.localtime((until_ns - 1) // NANO)
    return _short(first, last) + ("" if first.tm_gmtoff == last.tm_gmtoff else " %Z")  # an hour may come twice


def _short(first: time.struct_time, last: time.struct_time) -> str:
    if first[:3] == last[:3]:
        return "%H:%M:%S"
    return "%m-%d %H:%M:%S" if first.tm_year == last.tm_year else "%Y-%m-%d %H:%M"


def clock(time_ns: int, pattern: str = "%H:%M:%S") -> str:
    """Show local time."""
    return time.strftime(pattern, time.localtime(time_ns // NANO))


def between(first_ns: int, last_ns: int, pattern: str) -> str:
    """Show two times in one: 10:30:07-10:33:41, 11-22 10:30:07-10:33:41, 11-22 10:30:07 - 11-23 10:33:41."""
    first, last = clock(first_ns, pattern), clock(last_ns, pattern)
    if first == last:
        return first
    date, blank, _time = pattern.rpartition(" %H:")
    if not blank:
        return f"{first}-{last}"
    same_day = clock(first_ns, date) == clock(last_ns, date)
    return f"{first}-{last.removeprefix(clock(last_ns, date) + ' ')}" if same_day else f"{first} - {last}"


def window(since_ns: int, until_ns: int) -> str:
    """Show a window in local time, with its zone: 2026-11-22 10:00:00-11:00:00 UTC.

    Where its ends have different offsets, each has its own: 2026-10-25 01:30:00 CEST (+02:00) - 02:30:00 CET (+01:00).
    """
    since, until = time.localtime(since_ns // NANO), time.localtime(until_ns // NANO)
    pattern = "%H:%M:%S" if since[:3] == until[:3] else "%Y-%m-%d %H:%M:%S"
    joint = "-" if since[:3] == until[:3] else " - "
    begin = time.strftime("%Y-%m-%d %H:%M:%S", since)
    if since.tm_gmtoff != until.tm_gmtoff:
        return f"{begin} {_zone(since)} - {time.strftime(pattern, until)} {_zone(until)}"
    return f"{begin}{joint}{time.strftime(pattern, until)} {clean(until.tm_zone)}"


def _zone(local: time.struct_time) -> str:
    offset = time.strftime("%z", local)
    return f"{clean(local.tm_zone)} ({offset[:3]}:{offset[3:]})"


_UNITS = {"ns": 1, "us": 1000, "ms": 1_000_000}


def duration(span_ns: int) -> str:
    """Show a span in the unit that fits: 1.1 s, 4 min 10 s, 2 h 3 min, 3 d 4 h."""
    seconds = span_ns / NANO
    for size, unit in ((1000, "ns"), (1_000_000, "us"), (NANO // 10, "ms")):
        if span_ns < size:
            return f"{span_ns / _UNITS[unit]:.3g} {unit}"
    if seconds < 60:
        return f"{seconds:.1f} s"
    for size, unit, small, small_unit in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole} {unit} {rest // small} {small_unit}" if rest // small else f"{whole} {unit}"
    return f"{seconds:.1f} s"


def sparkline(counts: Sequence[int | None]) -> str:
    """Draw counts as blocks; whatever is not zero is visible, and what is not known is no zero."""
    top = max((count or 0 for count in counts), default=0) or 1
    return "".join(_UNKNOWN if count is None else _BARS[-(-count * (len(_BARS) - 1) // top)] for count in counts)


def axis(since_ns: int, until_ns: int, width: int) -> str:
    """Return the times at both ends of a chart, as its title: 10:00              11:00.

    They are written so that they differ, as far as there is room for that.
    """
    span_ns = until_ns - since_ns
    days = ["%m-%d", "%Y-%m-%d", "%Y-%m", "%Y"] if span_ns > 86_400 * NANO else ["%H:%M", "%H:%M:%S"]
    both = [[time.strftime(pattern, time.localtime(end // NANO)) for end in (since_ns, until_ns)] for pattern in days]
    fit = [ends for ends in both if 2 * len(ends[0]) < width]
    whole = [ends for ends in fit if _is_told(span_ns, *ends)]
    left, right = next(iter(whole or fit), ("", ""))
    return f"{left}{right:>{width - len(left)}}" if left else ""


def _is_told(span_ns: int, left: str, right: str) -> bool:
    """Say whether the ends of a chart tell its length: a year from a day to the same one is none."""
    return left != right and (span_ns < _YEAR_NS or len(left) != len("11-29") or ":" in left)


def bar(count: int, top: int, width: int) -> str:
    """Draw a bar; whatever is not zero is visible."""
    return "█" * -(-count * width // top) if top else ""


def netns_text(interface: Interface) -> str | None:
    """Return a namespace's name, "net:[4026532290]" for one without, None for an unknown one."""
    if interface.netns_name:
        return interface.netns_name
    return None if interface.netns is None else f"net:[{interface.netns_inode or interface.netns}]"


def named_netns(number: int | None, names: Mapping[int, str]) -> str | None:
    """Return the name of a namespace of which only the number is at hand, which is none to be shown."""
    return None if number is None else names.get(number, "a namespace without a name")
