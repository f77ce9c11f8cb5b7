"""What every view says beside its own rows: how far its window was watched, and the gaps."""

from collections.abc import Mapping, Sequence
from typing import Any

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.stops import stops
from dwreport.evidence.coverage import NOT_WRITTEN, Coverage, assess
from dwreport.evidence.recorded import Recorded, recorded
from dwreport.report.answer import Answer, Column, Section
from dwreport.report.columns import moment, text
from dwreport.report.rows import GapRow, gap_row
from dwreport.text import counted, duration, number, time_format

_MOST = 20  # gaps that a person reads beside a report
_EFFECTS = {"blind": "nothing was seen", "partial": "some drops were missed", "detail": "counted, with less detail"}


def assessed(reader: Reader, asked: str | None = None, known: Recorded | None = None) -> Coverage:
    """Judge how far the report's window was watched, as far as it has passed: for drops, or for what is asked.

    `known` is what the history was asked before, if it was.
    """
    scope = reader.scope
    window = (scope.since_ns, min(scope.until_ns, reader.now_ns))
    return assess(known or recorded(reader), window, asked or scope.origin)


def answered(reader: Reader, judged: Coverage, sections: Sequence[Section[Any]], lead: Sequence[str] = (),
             extra: Mapping[str, object] | None = None) -> Answer:
    """Return sections with what every report says of its window."""
    runs = reader.runs()
    return Answer(reader.scope, reader.now_ns, runs, judged, sections, lead, extra or {}, () if runs else stops(reader))


def gap_section(reader: Reader, coverage: Coverage) -> Section[GapRow]:
    """Return what cost drops as a section for people, the rest in a line; programs find all under "coverage"."""
    scope = reader.scope
    costly = [gap for gap in coverage.gaps if gap.effect != "detail"][:_MOST]
    rest = len(coverage.gaps) - len(costly)
    if costly:
        title, note = "What was not seen", f"and {counted(rest, 'more gap')}"
    else:
        title, note = "", f"Every drop was counted, some with less detail ({counted(rest, 'gap')})"
    return Section(None, [], gap_columns(time_format(scope.since_ns, scope.until_ns)),
                   [gap_row(gap) for gap in costly], title=title,
                   notes=[f"{note}; dwreport coverage shows all"] if rest else [])


def gap_columns(times: str) -> list[Column[GapRow]]:
    """Return the columns of the ledger."""
    return [
        Column("FROM", lambda row: moment(row.since, times), key=lambda row: row.since.ns),
        Column("UNTIL", lambda row: moment(row.until, times), key=lambda row: row.until.ns),
        Column("LASTED", lambda row: duration(_lasted_ns(row)), right=True, key=_lasted_ns),
        Column("LOST", lambda row: "unknown" if row.lost is None else number(row.lost), right=True,
               key=lambda row: row.lost),
        Column("EFFECT", _effect, wraps=True),
        Column("CAUSE", _cause, wraps=True),
    ]


def _lasted_ns(row: GapRow) -> int:
    return row.until.ns - row.since.ns


def _effect(row: GapRow) -> str:
    """Say what a gap costs; what is not written yet may be written the next moment."""
    return "not known yet" if row.cause == NOT_WRITTEN else _EFFECTS.get(row.effect, text(row.effect))


def _cause(row: GapRow) -> str:
    scope = "" if row.scope == "drops" else f" ({text(row.scope)})"
    return f"{text(row.cause)}{scope}" + (f"\n{text(row.detail)}" if row.detail else "")
