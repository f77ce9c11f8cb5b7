"""How a report shows findings: all of them to programs, the harmful first to people, benign ones in a line."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dwreport.findings import support
from dwreport.findings.finding import Confidence, Finding
from dwreport.report.answer import Column, Section
from dwreport.report.columns import moment, text
from dwreport.report.rows import Moment, plain
from dwreport.report.wording import words
from dwreport.text import clean, counted, number

_MOST = 12  # findings that a person reads
_MOST_KINDS = 3
_FROM_WIDTH = 100  # of terminals that show when a finding began


@dataclass(frozen=True, slots=True)
class Details:
    """The facts behind the texts of a finding, one for each in their order, with numbers as numbers."""

    evidence: Sequence[dict[str, object]]
    who: Sequence[dict[str, object]]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A row of `findings`; times are None where counters alone saw the loss."""

    title: str
    severity: str | None
    count: int
    first: Moment | None
    last: Moment | None
    evidence: Sequence[str]
    who: Sequence[str]
    advice: str | None
    confidence: Confidence
    hosts: Sequence[str]
    details: Details


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as people see it: with a number to speak of it."""

    number: int
    row: FindingRow

    @property
    def host(self) -> str:
        """Return whose loss it is."""
        return ", ".join(self.row.hosts)


def finding_row(finding: Finding) -> FindingRow:
    """Return a row of `findings`."""
    first, last = (None if ns is None else Moment(ns) for ns in (finding.first_ns, finding.last_ns))
    return FindingRow(
        finding.title, finding.severity, finding.count, first, last, [words(fact) for fact in finding.evidence],
        [words(fact) for fact in finding.who], finding.advice, finding.confidence, finding.hosts,
        Details([_detail(fact) for fact in finding.evidence], [_detail(fact) for fact in finding.who]))


def _detail(fact: support.Fact | support.Who) -> dict[str, object]:
    """Return a fact with its kind: the name of its class, as JSON writes names."""
    return {"kind": re.sub(r"(?<!^)([A-Z])", r"_\1", type(fact).__name__).lower(), **plain(fact)}


def findings_section(found: Sequence[Finding], times: str) -> Section[Shown]:
    """Return the findings as a section; programs find them last in a report."""
    rows = [finding_row(finding) for finding in found]
    grave = [row for row in rows if row.severity != "benign"]
    shown = [Shown(place, row) for place, row in enumerate(grave[:_MOST], 1)]
    benign = [finding for finding in found if finding.severity == "benign"]
    return Section(None, rows, _columns(times), shown, notes=_notes(len(grave) - len(shown), benign), below=_below,
                   tone=lambda shown: shown.row.severity)


def _columns(times: str) -> list[Column[Shown]]:
    return [
        Column("FINDING", lambda shown: f"{shown.number}  {str(shown.row.severity or 'unknown').upper()}"),
        Column("CAUSE", lambda shown: text(shown.row.title), wraps=True),
        Column("PACKETS", lambda shown: number(shown.row.count), right=True),
        Column("FIRST", lambda shown: moment(shown.row.first, times), from_width=_FROM_WIDTH),
        Column("LAST", lambda shown: moment(shown.row.last, times)),
    ]


def _below(shown: Shown) -> list[tuple[str, ...]]:
    """Return who, the evidence, and the next step, each from a line of its own."""
    row = shown.row
    who, evidence = (tuple(clean(part) for part in parts) for parts in (row.who, row.evidence))
    advice = (f"next: {text(row.advice)}",) if row.advice else ()
    return [line for line in (who, (*evidence, f"confidence {row.confidence}"), advice) if line]


def _notes(folded: int, benign: Sequence[Finding]) -> list[str]:
    notes = [f"and {counted(folded, 'more finding')}; --format json shows all"] if folded else []
    if benign:
        kinds: Counter[str] = Counter()
        for finding in benign:
            kinds[finding.title] += finding.count
        titles = "; ".join(clean(title) for title, _count in kinds.most_common(_MOST_KINDS))
        more = "; ..." if len(kinds) > _MOST_KINDS else ""
        notes.append(f"benign: {counted(kinds.total(), 'packet')} of {counted(len(kinds), 'expected kind')} "
                     f"({titles}{more})")
    return notes
