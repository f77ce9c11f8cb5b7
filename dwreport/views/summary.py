"""The default view: findings, drops by place, the counters that moved, and what was not seen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import click

from dropwatchd.history.read.reader import DropTotal, Reader
from dropwatchd.model import DropKey
from dwreport.causes import of_drop
from dwreport.evidence.ask import gather
from dwreport.evidence.filters import Filters
from dwreport.evidence.recorded import Recorded, recorded
from dwreport.findings.across import across
from dwreport.findings.finding import Finding
from dwreport.findings.lasting import Lasting
from dwreport.findings.rank import findings
from dwreport.report.across import CauseRow, cause_rows, cause_section, watched_hosts
from dwreport.report.answer import Answer, Section
from dwreport.report.arrange import keeps, left
from dwreport.report.brief import until_of
from dwreport.report.chart import Chart, chart_of
from dwreport.report.columns import ShownDrop, drop_columns
from dwreport.report.counters import counter_rows, counter_section
from dwreport.report.findings import FindingRow, Shown, every_shown, findings_section
from dwreport.report.gaps import answered, assessed, gap_section
from dwreport.report.rows import TotalRow, total_row
from dwreport.report.wanted import Wanted
from dwreport.text import counted, number, time_format
from dwreport.views._lead import hidden, lead, unjudged

_FEW = 4         # findings below those causes that several hosts have
_MOST = 20       # kinds of drops that a person reads; more are summed up


@dataclass(frozen=True, slots=True)
class Summary:
    """The report, its section of findings, and these themselves, each as it is shown."""

    answer: Answer
    causes: Section[Shown]
    found: Sequence[Finding]
    shown: Sequence[Shown]


def view(reader: Reader, wanted: Wanted) -> Answer:
    """Show findings, drops by place, the counters that moved, and what was not seen."""
    return summary(reader, wanted).answer


def summary(reader: Reader, wanted: Wanted) -> Summary:
    """Return the report with what is behind it."""
    reader.expect_counters()
    scope, known = reader.scope, recorded(reader)
    chart = chart_of(reader, known)
    judged, totals = assessed(reader, known=known), reader.drops(chart.start_ns, chart.step_ns)
    evidence = gather(reader, totals)
    until = until_of(reader, judged)
    found = findings(evidence, Filters(scope, reader.namespaces()),
                     Lasting(known, until.end_ns, chart.step_ns, scope.origin, until.ends))
    kept = [finding for finding in found.found if keeps(wanted, finding.severity)]
    shown = every_shown(kept, chart, until)
    shared = _shared(reader, known, kept)
    causes = findings_section(kept, shown, chart, wanted, most=_FEW if shared else None)
    rows = [total for total in totals if keeps(wanted, _harm(total))]
    counters = counter_section(counter_rows(reader))
    answer = answered(
        reader, judged,
        [*shared, causes, _drops(reader, rows, chart, wanted, kept), counters, gap_section(reader, judged)],
        lead=[*left([total.drop for total in totals], rows), *unjudged(reader, found)] if totals else
        lead(reader, judged, found, shows_findings=True),
        extra={"findings": causes.rows, **hidden(reader, found)})
    return Summary(answer, causes, kept, shown)


def _shared(reader: Reader, known: Recorded, found: Sequence[Finding]) -> list[Section[CauseRow]]:
    """Return the causes that several hosts have, where there are several."""
    hosts = watched_hosts(reader, found)
    shared = [one for one in across(found, known.clocks_off) if len(one.hosts) > 1]
    section = cause_section(cause_rows(shared, len(hosts)), time_format(reader.scope.since_ns, reader.scope.until_ns))
    return [replace(section, key=None)] if shared else []


def _harm(total: DropTotal) -> str | None:
    cause = of_drop(total.drop.key)
    return cause.harm if cause else None


def finding(reader: Reader, wanted: Wanted) -> Answer:
    """Show one finding of the report, with its evidence; raise click.ClickException where there is no such finding."""
    whole = summary(reader, wanted)
    if not whole.causes.rows:
        raise click.ClickException(f"there is no finding #{wanted.finding} in this window; dwreport with the same "
                                   "options shows those that are, with their numbers")
    section = replace(whole.causes, key="findings", record=FindingRow)
    return replace(whole.answer, sections=[section], extra={}, lead=())


def _drops(reader: Reader, totals: Sequence[DropTotal], chart: Chart, wanted: Wanted,
           found: Sequence[Finding]) -> Section[ShownDrop]:
    scope, rows = reader.scope, [total_row(total) for total in totals]
    most = wanted.top or _MOST
    columns = drop_columns(sum(total.drop.count for total in totals), time_format(scope.since_ns, scope.until_ns),
                           chart.title())
    return Section("drops", rows, columns, _shown(totals[:most], rows, chart, found), notes=_notes(totals, most),
                   record=TotalRow)


def _shown(totals: Sequence[DropTotal], rows: Sequence[TotalRow], chart: Chart,
           found: Sequence[Finding]) -> list[ShownDrop]:
    """Add what only people need: a chart, whether a function drops in more than one place, and the findings."""
    numbers: dict[tuple[str, DropKey], list[int]] = {}
    for place, finding in enumerate(found, 1):
        for drop in finding.drops:
            numbers.setdefault(drop, []).append(place)
    places = {total.drop.key.location for total in totals}
    several = Counter((place.symbol, place.module) for place in places)
    return [ShownDrop(row, chart.line(total.shape),
                      several[row.location.symbol, row.location.module] > 1,
                      numbers.get((total.host, total.drop.key), ()))
            for total, row in zip(totals, rows, strict=False)]


def _notes(totals: Sequence[DropTotal], most: int) -> list[str]:
    notes = []
    if len(totals) > most:
        rest = counted(sum(total.drop.count for total in totals[most:]), "drop")
        notes.append(f"and {counted(len(totals) - most, 'more kind')} with {rest}; --format csv shows all")
    whole = [total for total in totals if not total.about]
    least = sum(total.drop.count - total.straddling for total in whole)
    most = sum(total.at_most for total in whole)
    if least < most:
        notes.append(f"Up to {number(sum(total.straddling for total in whole))} of these were dropped just outside "
                     f"the window: at its edges, drops are apportioned by time ({number(least)} to {number(most)} in "
                     "all).")
    return notes
