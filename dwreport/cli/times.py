"""Points in time as journalctl takes them: "1h", "2h30min ago", "2026-11-22 10:00", "yesterday", "@1763805600"."""

import re
from datetime import datetime, timedelta

from dwreport.cli.zones import zone

EXAMPLES = '"1h", "2h30min ago", "10:00", "2026-11-22 10:00", "yesterday", "now" or "@1763805600"'
NANO = 1_000_000_000
_LONGEST = 80
_DAY_NS = 86_400 * NANO

# systemd.time(7): a month is 30.44 days and a year 365.25 days.
_UNITS_NS = {unit: size for size, units in (
    (1_000, "us µs μs usec"),
    (1_000_000, "ms msec"),
    (NANO, "s sec second seconds"),
    (60 * NANO, "m min minute minutes"),
    (3_600 * NANO, "h hr hour hours"),
    (_DAY_NS, "d day days"),
    (7 * _DAY_NS, "w week weeks"),
    (2_630_016 * NANO, "M month months"),
    (31_557_600 * NANO, "y year years"),
) for unit in units.split()}

_TERM = re.compile(r"\s*([0-9]+)(?:\.([0-9]+))?\s*([a-zA-Zµμ]+)")
_EPOCH = re.compile(r"@(-?)([0-9]+)(?:\.([0-9]+))?")
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ABSOLUTE = re.compile(
    rf"(?:(?P<weekday>{'|'.join(f'{day[:3]}(?:{day[3:]})?' for day in _WEEKDAYS)}),?\s+)?"
    r"(?:(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2}))?"
    rf"(?:(?:^|[T\s]+|(?<=\s)){_CLOCK})?"
    r"\s*(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?|[A-Za-z][A-Za-z0-9_+/-]*)?",
)
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}


class _WrongDayError(ValueError):
    """A date and a day of the week that is not its own."""


def point(text: str, now_ns: int) -> int:
    """Return the nanoseconds since 1970 that a text means at the time `now_ns`; raise ValueError with a remedy.

    A span without a sign is that long ago. Times without a zone are of the local zone (TZ).
    """
    remedy = f"write {EXAMPLES}"
    try:
        time_ns = _point(text.strip()[:_LONGEST + 1], now_ns)
    except _WrongDayError as error:
        time_ns, remedy = None, str(error)
    except (ValueError, OverflowError, OSError):
        time_ns = None
    if time_ns is None or not -2**63 <= time_ns < 2**63:
        shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
        raise ValueError(f'"{shown}" is not a time; {remedy}')
    return time_ns


def _point(text: str, now_ns: int) -> int | None:
    if len(text) > _LONGEST:
        return None
    if text == "now":
        return now_ns
    if text in _DAYS:
        return _midnight(now_ns, _DAYS[text])
    if epoch := _EPOCH.fullmatch(text):
        sign, whole, fraction = epoch.groups()
        return (-1 if sign else 1) * _scaled(whole, fraction, NANO)
    span_ns = _signed_span(text)
    return _absolute(text, now_ns) if span_ns is None else now_ns + span_ns


def _signed_span(text: str) -> int | None:
    """Return a span as an offset from now, None when the text is none."""
    if text.endswith("ago"):
        return _negated(_span(text.removesuffix("ago")))
    if text.endswith("left"):
        return _span(text.removesuffix("left"))
    if text.startswith("+"):
        return _span(text[1:])
    return _negated(_span(text.removeprefix("-")))


def _negated(span_ns: int | None) -> int | None:
    return None if span_ns is None else -span_ns


def _span(text: str) -> int | None:
    """Return the length of "2h 30min"; None when the text is no span."""
    total, position, text = 0, 0, text.rstrip()
    while position < len(text):
        term = _TERM.match(text, position)
        if not term or term[3] not in _UNITS_NS:
            return None
        total += _scaled(term[1], term[2], _UNITS_NS[term[3]])
        position = term.end()
    return total if text.strip() else None


def _scaled(whole: str, fraction: str | None, unit: int) -> int:
    """Multiply a decimal number with a unit, exactly: a float has not enough digits for nanoseconds since 1970."""
    part = int(fraction) * unit // 10 ** len(fraction) if fraction else 0
    return int(whole) * unit + part


def _absolute(text: str, now_ns: int) -> int | None:
    match = _ABSOLUTE.fullmatch(text)
    if not match or not (match["year"] or match["hour"]):
        return None
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if match["year"]:
        year, month, day = (int(match[part]) for part in ("year", "month", "day"))
        wall = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - its zone may depend on it
        there = zone(match["zone"], wall)
    else:
        there = zone(match["zone"], datetime.fromtimestamp(now_ns // NANO))  # noqa: DTZ006 - local is meant
        today = datetime.fromtimestamp(now_ns // NANO, there)
        wall = today.replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None, fold=0)
    if match["weekday"] and match["weekday"][:3] != _WEEKDAYS[wall.weekday()][:3]:
        raise _WrongDayError(f"that day is a {_WEEKDAYS[wall.weekday()]}")
    return _epoch_ns(wall.replace(tzinfo=there)) + _scaled("0", match["fraction"], NANO)


def _midnight(now_ns: int, days: int) -> int:
    today = datetime.fromtimestamp(now_ns // NANO).replace(hour=0, minute=0, second=0)  # noqa: DTZ006 - local is meant
    return _epoch_ns(today + timedelta(days=days))


def _epoch_ns(time: datetime) -> int:
    return int(time.timestamp()) * NANO
