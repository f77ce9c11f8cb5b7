"""How a report shows findings: all of them to programs, the harmful first to people, benign ones in a line."""

from collections.abc import Sequence
from typing import cast

from dwreport.findings.finding import Finding
from dwreport.report.answer import Column, Moment, Row, Section
from dwreport.report.columns import UNKNOWN, text
from dwreport.text import clean, clock, counted, number

_MOST = 12  # findings that a person reads
_MOST_KINDS = 3
_FROM_WIDTH = 100  # of terminals that show when a finding began


def finding_row(finding: Finding) -> dict[str, object]:
    """Return a row of `findings`; times are None where counters alone saw the loss."""
    first, last = (None if ns is None else Moment(ns) for ns in (finding.first_ns, finding.last_ns))
    return {
        "title": finding.title, "severity": finding.severity, "count": finding.count, "first": first, "last": last,
        "evidence": list(finding.evidence), "who": list(finding.who), "advice": finding.advice,
        "confidence": finding.confidence, "hosts": list(finding.hosts),
    }


def findings_section(found: Sequence[Finding], times: str) -> Section:
    """Return the findings as a section; programs find them last in a report."""
    rows = [finding_row(finding) for finding in found]
    grave = [row for row in rows if row["severity"] != "benign"]
    shown = [{**row, "number": place, "host": ", ".join(cast("list[str]", row["hosts"]))}
             for place, row in enumerate(grave[:_MOST], 1)]
    benign = [finding for finding in found if finding.severity == "benign"]
    return Section(None, rows, _columns(times), shown=shown, notes=_notes(len(grave) - len(shown), benign),
                   below=_below)


def _columns(times: str) -> list[Column]:
    return [
        Column("FINDING", lambda row: f"{row['number']}  {str(row['severity'] or 'unknown').upper()}"),
        Column("CAUSE", lambda row: text(row["title"]), wraps=True),
        Column("PACKETS", lambda row: number(cast("int", row["count"])), right=True),
        Column("FIRST", lambda row: _time(row["first"], times), from_width=_FROM_WIDTH),
        Column("LAST", lambda row: _time(row["last"], times)),
    ]


def _time(moment: object, times: str) -> str:
    return clock(moment.ns, times) if isinstance(moment, Moment) else UNKNOWN


def _below(row: Row) -> list[tuple[str, ...]]:
    """Return who, the evidence, and the next step, each from a line of its own."""
    who, evidence = (tuple(clean(part) for part in cast("list[str]", row[name])) for name in ("who", "evidence"))
    sure = f"confidence {row['confidence']}"
    return [line for line in (who, (*evidence, sure), (f"next: {text(row['advice'])}",) if row["advice"] else ())
            if line]


def _notes(folded: int, benign: Sequence[Finding]) -> list[str]:
    notes = [f"and {counted(folded, 'more finding')}; --format json shows all"] if folded else []
    if benign:
        count = counted(sum(finding.count for finding in benign), "packet")
        titles = "; ".join(clean(finding.title) for finding in benign[:_MOST_KINDS])
        more = "; ..." if len(benign) > _MOST_KINDS else ""
        notes.append(f"benign: {count} of {counted(len(benign), 'expected kind')} ({titles}{more})")
    return notes
