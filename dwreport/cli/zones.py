"""Time zones by name, offset or abbreviation: what a report prints can be asked for."""

import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_HOUR_S = 3600
# Abbreviations that stand for one offset: those of RFC 5322 (obs-zone) and of Europe. As zones of the tz database,
# CET or EST5EDT would have summer time, though 02:30 CET never is CEST.
_OFFSETS_S = {name: hours * _HOUR_S for name, hours in {
    "UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
}.items()}


def zone(text: str | None, wall: datetime) -> tzinfo | None:
    """Return a zone from its name, offset or abbreviation; None is the local one; raise ValueError.

    An abbreviation is taken as the local zone has it at the wall-clock time, at any time of its year, or else as it is
    known: IST is that of Dublin in Dublin, and unknown elsewhere.
    """
    if text is None:
        return None
    if text in {"Z", "UTC", "GMT"}:
        return UTC
    if text[0] in "+-":
        digits = text[1:].replace(":", "").ljust(4, "0")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return timezone(-offset if text[0] == "-" else offset)
    offset_s = _local(text, wall)
    if offset_s is None:
        offset_s = _OFFSETS_S.get(text)
    return _named(text) if offset_s is None else timezone(timedelta(seconds=offset_s), text)


def _local(text: str, wall: datetime) -> int | None:
    """Return the offset that an abbreviation stands for here: at that time if it is in use, else ordinarily."""
    for fold in (0, 1):
        there = time.localtime(wall.replace(fold=fold).timestamp())
        if there.tm_zone == text:
            return there.tm_gmtoff
    ordinary = dict(zip(time.tzname, (-time.timezone, -time.altzone), strict=True))
    return ordinary.get(text)


def _named(text: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 15 ms that only a zone's name is worth

    try:
        return ZoneInfo(text)
    except (KeyError, OSError) as error:
        raise ValueError(text) from error
