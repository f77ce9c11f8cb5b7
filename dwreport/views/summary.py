"""The default view: findings, drops by place, the counters that moved, and what was not seen."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

from dropwatchd.history.reader import DropTotal, Reader
from dwreport.evidence.ask import gather
from dwreport.findings.rank import findings
from dwreport.render.heading import nothing
from dwreport.report.answer import Answer, Row, Section
from dwreport.report.columns import counter_columns, drop_columns
from dwreport.report.findings import findings_section
from dwreport.report.gaps import assessed, gap_section
from dwreport.report.rows import COUNTER_FIELDS, TOTAL_FIELDS, counter_row, total_row
from dwreport.text import axis, counted, number, sparkline, time_format

_MOST = 20       # kinds of drops that a person reads; more are summed up
_BUCKETS = 24    # of the chart
_ONLY_COUNTED = "No drop event was recorded, but counters saw losses."
_KINDS = ("drop", "error", "pressure", None)  # of counters that tell something; ordinary traffic is "info"


def view(reader: Reader) -> Answer:
    """Show findings, drops by place, the counters that moved, and what was not seen."""
    scope = reader.scope
    judged, totals = assessed(reader), reader.drops(scope.since_ns, -(-(scope.until_ns - scope.since_ns) // _BUCKETS))
    found = findings(gather(reader, totals), filtered=scope.filtered)
    causes = findings_section(found, time_format(scope.since_ns, scope.until_ns))
    lead = [] if totals else [_ONLY_COUNTED] if found else nothing(judged, scope)
    return Answer(
        scope, reader.now_ns, reader.runs(), judged,
        [causes, _drops(reader, totals), _counters(reader), gap_section(reader, judged)],
        lead=lead, extra={"findings": causes.rows},
    )


def _drops(reader: Reader, totals: Sequence[DropTotal]) -> Section:
    scope, rows = reader.scope, [total_row(total) for total in totals]
    columns = drop_columns(sum(total.drop.count for total in totals), time_format(scope.since_ns, scope.until_ns),
                           chart_title=axis(scope.since_ns, scope.until_ns, _BUCKETS))
    return Section("drops", rows, columns, shown=_shown(totals[:_MOST], rows), notes=_notes(totals),
                   fields=TOTAL_FIELDS)


def _shown(totals: Sequence[DropTotal], rows: Sequence[Row]) -> list[Row]:
    """Add what only people need: a chart, and whether a function drops in more than one place."""
    places = {total.drop.key.location for total in totals}
    several = Counter((place.symbol, place.module) for place in places)
    return [{
        **row,
        "chart": sparkline([total.shape[step] for step in range(_BUCKETS)]),
        "ambiguous": several[total.drop.key.location.symbol, total.drop.key.location.module] > 1,
    } for total, row in zip(totals, rows, strict=False)]


def _notes(totals: Sequence[DropTotal]) -> list[str]:
    notes = []
    if len(totals) > _MOST:
        rest = counted(sum(total.drop.count for total in totals[_MOST:]), "drop")
        notes.append(f"and {counted(len(totals) - _MOST, 'more kind')} with {rest}; --format csv shows all")
    if straddling := sum(total.straddling for total in totals):
        notes.append(f"Up to {number(straddling)} of these were dropped just outside the window: they are counted in "
                     "time spans that reach beyond its edges.")
    return notes


def _counters(reader: Reader) -> Section:
    rows = [counter_row(total) for total in reader.counters()]
    telling = sorted((row for row in rows if row["kind"] in _KINDS), key=_weight)[:_MOST]
    rest = len(rows) - len(telling)
    note = f"and {counted(rest, 'more counter')}, ordinary traffic among them; dwreport counters shows all"
    return Section("counters", rows, counter_columns(), title="Counters that moved", shown=telling,
                   notes=[note] if rest else [], fields=COUNTER_FIELDS)


def _weight(row: Row) -> tuple[int, int]:
    """Sort drops before errors before pressure, and much before little."""
    return _KINDS.index(cast("str | None", row["kind"])), -abs(cast("int", row["delta"]))
