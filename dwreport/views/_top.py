"""What is lost now: the findings of the last time, each with its rate, for a screen of any size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dropwatchd.history.read.reader import Reader
from dropwatchd.model import NANO
from dwreport.render.heading import heading, nothing, warning
from dwreport.report.gaps import answered
from dwreport.report.wanted import Wanted
from dwreport.text import clock, duration, number
from dwreport.views._found import Found, Window, findings_of

_NOW_NS = 10 * NANO  # rates are of so long a time, up to the end of the record
_INDENT = 4   # of the second line
TITLES = f"{'NOW/s':>9}{'PACKETS':>11}  SEV  CAUSE"
_SEVERITIES = {"harmful": "HARM", "suspect": "SUSP", "benign": "ok", None: "?"}


@dataclass(frozen=True, slots=True)
class Row:
    """A finding in two lines, and what colours it."""

    severity: str | None
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Screen:
    """What a screen shows from top to bottom; `warnings` are what must be known before the figures are read."""

    head: str
    warnings: Sequence[str]
    total: str
    rows: Sequence[Row]


def screen(reader: Reader, wanted: Wanted) -> Screen:
    """Return what is lost, the greatest rate first among what is equally harmful."""
    window = findings_of(reader, wanted)
    answer = replace(answered(reader, window.coverage, []), filters=wanted.filters)
    rates = [(rate(one, window), one) for one in window.found]
    rates.sort(key=lambda pair: -(pair[0] or 0))
    rates.sort(key=lambda pair: _ORDER.index(pair[1].row.severity))
    length_ns = window.end_ns - reader.scope.since_ns
    packets, now = sum(one.row.count for one in window.found), sum(each or 0 for each, _one in rates)
    told = nothing(window.coverage, reader.scope) if not window.found else [
        f"{number(packets)} packets in {duration(length_ns)}, {_rate(now)} a second now"]
    return Screen(" · ".join(heading(answer)), warning(answer), f"{clock(window.end_ns)}  {' '.join(told)}".rstrip(),
                  [_row(each, one) for each, one in rates])


_ORDER = ["harmful", "suspect", None, "benign"]


def rate(one: Found, window: Window) -> float | None:
    """Return packets a second in the last ten seconds on record; None where counters alone saw them."""
    if not one.finding.shape:
        return None
    chart = window.chart
    last = (window.end_ns - 1 - chart.start_ns) // chart.step_ns
    steps = range(max(0, last + 1 - -(-_NOW_NS // chart.step_ns)), last + 1)
    begin_ns = max(chart.start_ns + steps.start * chart.step_ns, chart.since_ns)
    count = sum(one.finding.shape.get(step, 0) for step in steps)
    return count * NANO / max(1, window.end_ns - begin_ns)


def _row(now: float | None, one: Found) -> Row:
    severity = one.row.severity
    first = f"{'-' if now is None else _rate(now):>9}{number(one.row.count):>11}  {_SEVERITIES[severity]:5}"
    return Row(severity, f"{first}{one.row.title}", " " * _INDENT + " · ".join(one.told))


def _rate(value: float) -> str:
    return number(round(value)) if value >= 10 or not value else f"{value:.1f}"
