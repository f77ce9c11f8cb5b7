"""How a report shows incidents: a line for each burst or lasting loss, and below it who, and what is not known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dropwatchd.model import NANO
from dwreport.findings.bursts import Kind
from dwreport.findings.finding import State
from dwreport.report.answer import Column
from dwreport.report.brief import Until
from dwreport.report.columns import about, moment, text
from dwreport.report.rows import Moment
from dwreport.text import clean, counted, duration, number

_WIDE = 90  # characters of a terminal that has room for peaks
_LONG_S = 10
JUST_BEFORE_NS = 60 * NANO  # that is watched and quiet where an onset is sure
_KINDS = {"persistent": "never ceases for long: bursts above it are part of it, and have lines of their own",
          "recurring": "comes again and again: greater ones have lines of their own"}


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """A burst of a loss, or a loss that lasts or recurs; of those, bursts above what is usual are a part.

    The time of `onset` lies within `onset_seconds` (0 is exact), and `onset_is_sure` where the minute before was
    watched and quiet; so does that of `end`. `state` is None where the record does not tell whether it is over. The
    peak is the highest number of drops per second, over `peak_seconds`, in the step of time that had the most; usual is
    what there is all the time, or 0.
    """

    kind: Kind
    severity: str | None
    title: str
    count: int
    at_least: int
    at_most: int
    about: bool
    onset: Moment
    onset_seconds: float
    onset_is_sure: bool
    end: Moment
    end_seconds: float
    state: State | None
    peak_per_second: float
    peak_seconds: float
    peak: Moment
    usual_per_second: float
    interfaces: Sequence[str]
    netns: str | None
    who: Sequence[str]
    host: str


def columns(times: str, until: Until) -> list[Column[IncidentRow]]:
    """Return the columns of incidents, of a window that is on record so far."""
    return [
        Column("SEVERITY", lambda row: str(row.severity or "unknown").upper()),
        Column("ONSET", lambda row: moment(row.onset, times)),
        Column("END", lambda row: _goes_on(until.of([row.host]).told) if row.state == "going on" else
               moment(row.end, times), wraps=True),
        Column("PACKETS", about, right=True),
        Column("PEAK", lambda row: f"{_rate(row.peak_per_second)}/s", right=True, from_width=_WIDE),
        Column("CAUSE", lambda row: text(row.title), wraps=True),
        Column("WHERE", _where, wraps=True, firm=True),
    ]


def _goes_on(at: str | None) -> str:
    return f"going on at {at}" if at else "going on"


def told(row: IncidentRow, times: str, since_ns: int) -> list[tuple[str, ...]]:
    """Return who, and when to what precision, each from a line of its own; the window begins at `since_ns`."""
    return [line for line in (tuple(clean(part) for part in row.who), tuple(_when(row, times, since_ns))) if line]


def folded(rows: Sequence[IncidentRow]) -> tuple[list[IncidentRow], list[str]]:
    """Return the incidents that a person reads, and a line of those that do no harm."""
    benign = [row for row in rows if row.severity == "benign"]
    if not benign:
        return list(rows), []
    packets = counted(sum(row.count for row in benign), "packet")
    return [row for row in rows if row.severity != "benign"], [
        f"benign: {counted(len(benign), 'incident')} of {packets}; --severity benign shows them"]


def _when(row: IncidentRow, times: str, since_ns: int) -> Iterator[str]:
    if row.kind != "burst":
        yield _KINDS[row.kind]
    lasted_ns = row.end.ns - row.onset.ns
    lasted = f"lasted {duration(lasted_ns)}" if lasted_ns else "at one moment"
    yield lasted + (", over" if row.state == "over" else "")
    if lasted_ns > row.peak_seconds * NANO:
        yield f"peak at {moment(row.peak, times)}, for {duration(int(row.peak_seconds * NANO))}"
    if row.state is None:
        yield "whether it is over is not on record"
    if row.usual_per_second:
        yield f"usually {_rate(row.usual_per_second)}/s"
    if not row.onset_is_sure:
        is_begin = row.onset.ns - JUST_BEFORE_NS < since_ns
        yield f"may have begun before{' this window' if is_begin else ': not all of the minute before was watched'}"
    for what, seconds in (("onset", row.onset_seconds), ("end", row.end_seconds)):
        if seconds >= _LONG_S:
            yield f"{what} known to within {duration(int(seconds * NANO))}"


def _rate(rate: float) -> str:
    return number(round(rate)) if rate >= _LONG_S else f"{rate:.2g}"


def _where(row: IncidentRow) -> str:
    shown = ", ".join(map(text, row.interfaces)) or text(None)
    return shown if row.netns in {None, "init"} else f"{shown} ({text(row.netns)})"
