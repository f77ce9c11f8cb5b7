"""The report as a page to look at: what the summary, the time line and the ledger say, of one snapshot."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dropwatchd.history.read.reader import DropTotal, Reader
from dropwatchd.model import NANO
from dwreport.findings.finding import Finding
from dwreport.report.answer import Column, Section
from dwreport.report.columns import ShownDrop, drop_columns
from dwreport.report.counters import every_counter
from dwreport.report.gaps import gap_columns
from dwreport.report.rows import GapRow, gap_row
from dwreport.report.sheet import Sheet
from dwreport.report.unseen import unseen_section
from dwreport.report.wanted import Wanted
from dwreport.text import time_format
from dwreport.views.summary import Summary, summary
from dwreport.views.timeline import events_section, rows_of, several_of, steps_of

MOST = 200        # rows of a table; findings too
_MOST_STEPS = 400  # two or three points of a screen are one
_LONG_NS, _HOUR_S = 48 * 3600 * NANO, 3600  # of long windows hours have their sums on record, which are read at once


def sheet(reader: Reader, wanted: Wanted, filters: Sequence[str] = ()) -> Sheet:
    """Return what the page shows; the filters are told to whoever gets it, who has not chosen them."""
    report = summary(reader, replace(wanted, top=MOST))
    scope = reader.scope
    least_s = _HOUR_S if min(scope.until_ns, reader.now_ns) - scope.since_ns > _LONG_NS else 0
    steps = steps_of(reader, _MOST_STEPS, least_s)
    totals = reader.drops(steps.start, steps.step)
    events = events_section(reader, MOST)
    rows = rows_of(reader, wanted, steps, totals, several_of(reader, steps))
    return Sheet(report.answer, report.shown, rows, steps.step,
                 _shapes(report.found, totals), events.shown, [
                     _drops(report, reader), every_counter(_rows(report, "counters")), events, _gaps(report),
                     unseen_section(reader)], filters)


def _shapes(found: Sequence[Finding], totals: Sequence[DropTotal]) -> list[Mapping[int, int] | None]:
    """Return how each finding's drops spread over the steps of the time line; of a part of drops nobody knows."""
    shapes = {(total.host, total.drop.key): total.shape for total in totals}
    return [sum((shapes[drop] for drop in finding.drops if drop in shapes), Counter()) if finding.shape else None
            for finding in found]


def _rows(report: Summary, key: str) -> Sequence[Any]:
    return next(section.rows for section in report.answer.sections if section.key == key)


def _drops(report: Summary, reader: Reader) -> Section[ShownDrop]:
    """Return the kinds of drops, each with the numbers of its findings in place of a chart."""
    scope = reader.scope
    section: Section[ShownDrop] = next(section for section in report.answer.sections if section.key == "drops")
    columns = drop_columns(sum(row.count for row in _rows(report, "drops")),
                           time_format(scope.since_ns, scope.until_ns), None)
    finding: Column[ShownDrop] = Column("FINDING", lambda shown: ", ".join(f"#{number}" for number in shown.findings),
                                        key=lambda shown: min(shown.findings, default=None))
    return replace(section, title="Drops by reason and place", columns=[finding, *columns])


def _gaps(report: Summary) -> Section[GapRow]:
    """Return what was not seen: what cost drops before what cost detail, where these are too many."""
    scope, gaps = report.answer.scope, report.answer.coverage.gaps
    rows = [gap_row(gap) for gap in gaps]
    shown = rows if len(rows) <= MOST else sorted(rows, key=lambda row: row.effect == "detail")
    return Section("gaps", rows, gap_columns(time_format(scope.since_ns, scope.until_ns)), shown,
                   title="What was not seen", record=GapRow)
