"""What --follow writes: rows of drops as they come, findings as they grow, and when silence means nothing."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.stops import stops
from dropwatchd.model import NANO, Effect
from dwreport.evidence.coverage import SILENT_NS, speaks_of_drops
from dwreport.report.arrange import keeps
from dwreport.report.columns import window_columns
from dwreport.report.rows import WindowRow, window_row
from dwreport.report.wanted import Wanted
from dwreport.text import clock, counted, duration, number
from dwreport.views._found import Found, findings_of
from dwreport.views._growth import Growth, begin, look

_FOREVER_NS = 2**62
_TIMES = "%H:%M:%S"
_WIDTHS = {"COUNT": 9, "REASON": 22, "PROTO": 6, "WHERE": 34, "INTERFACE": 16}
_COLUMNS = [column for column in window_columns(_TIMES) if column.header != "LAST"]


class Update(NamedTuple):
    """Rows, as people see them below `titles`, and what is said beside them. `seen` has them never come again."""

    rows: Sequence[Any]
    titles: str
    shown: Sequence[str]
    said: Sequence[str]
    seen: Callable[[], None]


class Followed(Protocol):
    """What is followed; to look at it changes nothing, for a query may run twice."""

    def scope(self, now_ns: int) -> tuple[int, int]:
        """Return the window to look at."""
        ...

    def look(self, reader: Reader) -> Update:
        """Return what is new."""
        ...


class Rows:
    """Rows of drops: each packet in one of them, and counted once. With a begin, what is there from then on as well."""

    def __init__(self, wanted: Wanted, now_ns: int, since_ns: int | None) -> None:
        self._wanted = wanted
        self._since_ns = since_ns
        self._is_first = True
        self._growth = begin(now_ns if since_ns is None else since_ns, now_ns)

    def scope(self, _now_ns: int) -> tuple[int, int]:
        """Return the window to look at."""
        return self._growth.floor_ns, _FOREVER_NS

    def look(self, reader: Reader) -> Update:
        """Return the rows with what is new in them."""
        grown = look(reader, self._growth)
        new = [one for one in grown.new if not self._is_first or (
            self._since_ns is not None and one[1].drop.last_ns >= self._since_ns)]
        rows = [row for row in (window_row(host, window) for host, window in new) if keeps(self._wanted, row.harm)]
        said = [f"{counted(grown.missed, 'more drop')} of earlier times came on record; dwreport drops shows them"] \
            if grown.missed else []
        if grown.open and not (self._is_first and self._since_ns is None):
            said.append(f"{counted(grown.open, 'more drop')} may match: names or samples that tell are not on record")
        return Update(rows, _line([column.header for column in _COLUMNS]), [_cells(row) for row in rows],
                      said, lambda: self._seen(grown.now))

    def _seen(self, now: Growth) -> None:
        self._growth, self._is_first = now, False


def _cells(row: WindowRow) -> str:
    return _line([column.cell(row) for column in _COLUMNS])


def _line(cells: Sequence[str]) -> str:
    padded = (cell.rjust(_WIDTHS.get(column.header, 8)) if column.right else cell.ljust(_WIDTHS.get(column.header, 8))
              for cell, column in zip(cells, _COLUMNS, strict=True))
    return "  ".join(padded).rstrip()


class Findings:
    """Findings of a window that goes along with the time: those that are there, and then each that is new or grows."""

    def __init__(self, wanted: Wanted, span_ns: int) -> None:
        self._wanted = wanted
        self._span_ns = span_ns
        self._known: dict[str, tuple[int, int]] = {}

    def scope(self, now_ns: int) -> tuple[int, int]:
        """Return the window to look at."""
        return now_ns - self._span_ns, now_ns

    def look(self, reader: Reader) -> Update:
        """Return the findings that are new, or have more packets; benign ones are for programs, and for who asks."""
        window = findings_of(reader, self._wanted)
        new = [one for one in window.found if self._is_new(one)]
        told = [one for one in new if one.row.severity != "benign" or self._wanted.severities]
        return Update([one.row for one in new], "", [_finding(one, window.end_ns) for one in told], [],
                      lambda: self._seen(window.found))

    def _is_new(self, one: Found) -> bool:
        """Say whether packets came: the window leaves some behind meanwhile."""
        count, last_ns = self._known.get(one.known_by, (0, 0))
        return (one.finding.last_ns or 0) > last_ns or (one.finding.last_ns is None and one.row.count > count)

    def _seen(self, found: Sequence[Found]) -> None:
        self._known = {one.known_by: (one.row.count, one.finding.last_ns or 0) for one in found}


def _finding(one: Found, end_ns: int) -> str:
    severity = str(one.row.severity or "unknown").upper()
    return f"{clock(end_ns)}  {severity:8}{number(one.row.count):>10}  {' · '.join([one.row.title, *one.told])}"


NoticeKey = tuple[object, ...]


class Notices:
    """What must be known beside the rows: that nothing is written any more, and what was not seen."""

    def __init__(self, since_ns: int) -> None:
        self._since_ns = since_ns
        self._told: set[NoticeKey] = set()

    def look(self, reader: Reader) -> dict[NoticeKey, str]:
        """Return what was not told yet, each by what it is known by; `tell` has it never come again."""
        found: dict[NoticeKey, str] = {}
        for stop in stops(reader):
            silent_ns = abs(reader.now_ns - stop.until_ns)  # the clock may have been set back since
            if silent_ns > SILENT_NS or stop.ending is not None:
                why = "dropwatchd has ended" if stop.ending is not None else "dropwatchd stalls, or has died"
                found["silent", stop.host, why] = (
                    f"nothing is recorded on {stop.host} since {clock(stop.until_ns)}: {why}; whether packets are "
                    "dropped is unknown")
            elif any(key[:2] == ("silent", stop.host) for key in self._told):
                found["back", stop.host] = f"dropwatchd records again on {stop.host}"
        for gap in reader.gaps():
            if gap.effect != Effect.DETAIL and gap.until_ns >= self._since_ns and speaks_of_drops(gap):
                lost = "an unknown number of" if gap.lost is None else number(gap.lost)
                found["gap", gap.host, gap.since_ns, gap.cause, gap.scope] = (
                    f"{lost} drops missed from {clock(gap.since_ns)} on, for "
                    f"{duration(max(gap.until_ns - gap.since_ns, NANO // 1000))}: {gap.cause}")
        return {key: text for key, text in found.items() if key not in self._told}

    def tell(self, found: dict[NoticeKey, str]) -> list[str]:
        """Take these as told, and return them."""
        back = {key[1] for key in found if key[0] == "back"}
        told = {key for key in self._told if key[0] != "silent" or key[1] not in back}
        self._told = told | {key for key in found if key[0] != "back"}
        return list(found.values())
