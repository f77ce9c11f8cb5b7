"""The default view: findings, drops by place, the counters that moved, and what was not seen."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.reader import DropTotal, Reader
from dropwatchd.history.scope import Scope
from dwreport.evidence.ask import gather
from dwreport.evidence.filters import Filters
from dwreport.findings.rank import findings
from dwreport.report.answer import Answer, Section
from dwreport.report.columns import ShownDrop, drop_columns
from dwreport.report.counters import counter_rows, counter_section
from dwreport.report.findings import findings_section
from dwreport.report.gaps import assessed, gap_section
from dwreport.report.rows import TotalRow, total_row
from dwreport.text import axis, counted, number, sparkline, time_format
from dwreport.views._lead import hidden, lead, unjudged

_MOST = 20       # kinds of drops that a person reads; more are summed up
_BUCKETS = 24    # of the chart, about


def view(reader: Reader) -> Answer:
    """Show findings, drops by place, the counters that moved, and what was not seen."""
    scope = reader.scope
    judged, totals = assessed(reader), reader.drops(*_steps(scope)[:2])
    evidence = gather(reader, totals)
    found = findings(evidence, Filters(scope, reader.namespaces()))
    causes = findings_section(found.found, time_format(scope.since_ns, scope.until_ns))
    counters = counter_section(counter_rows(reader))
    return Answer(
        scope, reader.now_ns, reader.runs(), judged,
        [causes, _drops(reader, totals), counters, gap_section(reader, judged)],
        lead=unjudged(reader, found) if totals else lead(reader, judged, found, shows_findings=True),
        extra={"findings": causes.rows, **hidden(reader, found)})


def _drops(reader: Reader, totals: Sequence[DropTotal]) -> Section[ShownDrop]:
    scope, rows = reader.scope, [total_row(total) for total in totals]
    columns = drop_columns(sum(total.drop.count for total in totals), time_format(scope.since_ns, scope.until_ns),
                           axis(scope.since_ns, scope.until_ns, _steps(scope).steps))
    shown = _shown(totals[:_MOST], rows, _steps(scope).steps)
    return Section("drops", rows, columns, shown, notes=_notes(totals), record=TotalRow)


class _Steps(NamedTuple):
    """The steps of the chart: where they begin, how long each is, and how many there are."""

    start_ns: int
    step_ns: int
    steps: int


def _steps(scope: Scope) -> _Steps:
    """Part the window; one of more than half a day into whole hours, whose sums are on record."""
    span_ns = scope.until_ns - scope.since_ns
    if span_ns <= _BUCKETS * HOUR_NS // 2:
        return _Steps(scope.since_ns, -(-span_ns // _BUCKETS), _BUCKETS)
    start_ns = scope.since_ns - scope.since_ns % HOUR_NS
    step_ns = max(1, round(span_ns / _BUCKETS / HOUR_NS)) * HOUR_NS
    return _Steps(start_ns, step_ns, -(-(scope.until_ns - start_ns) // step_ns))


def _shown(totals: Sequence[DropTotal], rows: Sequence[TotalRow], steps: int) -> list[ShownDrop]:
    """Add what only people need: a chart, and whether a function drops in more than one place."""
    places = {total.drop.key.location for total in totals}
    several = Counter((place.symbol, place.module) for place in places)
    return [ShownDrop(row, sparkline([total.shape[step] for step in range(steps)]),
                      several[row.location.symbol, row.location.module] > 1)
            for total, row in zip(totals, rows, strict=False)]


def _notes(totals: Sequence[DropTotal]) -> list[str]:
    notes = []
    if len(totals) > _MOST:
        rest = counted(sum(total.drop.count for total in totals[_MOST:]), "drop")
        notes.append(f"and {counted(len(totals) - _MOST, 'more kind')} with {rest}; --format csv shows all")
    least = sum(total.drop.count - total.straddling for total in totals)
    most = sum(total.at_most for total in totals)
    if least < most:
        notes.append(f"Up to {number(sum(total.straddling for total in totals))} of these were dropped just outside "
                     f"the window: at its edges, drops are apportioned by time ({number(least)} to {number(most)} in "
                     "all).")
    return notes
