"""How a report shows findings: all of them to programs, the harmful first to people, benign ones in a line."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from dwreport.findings import support
from dwreport.findings.finding import Confidence, Finding, State
from dwreport.report.answer import Column, Command, Line, Section
from dwreport.report.brief import Until, parts, when, where
from dwreport.report.chart import Chart
from dwreport.report.columns import about, text
from dwreport.report.rows import Moment, plain
from dwreport.report.wanted import Wanted
from dwreport.report.wording import words
from dwreport.text import clean, counted

_MOST = 12  # findings that a person reads
_PER = 2       # steps of a report in a character of a finding's chart
_CHART = 60    # characters of a terminal that has room for charts
_INDENT = 2    # of what stands below a finding


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
    number: int
    state: State | None
    at_least: int
    at_most: int
    about: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as people see it: with when it was, where, when and who in brief, its chart, and where."""

    row: FindingRow
    when: str
    brief: Sequence[str]
    chart: str
    placed: bool
    where: str = ""

    @property
    def host(self) -> str:
        """Return whose loss it is."""
        return ", ".join(self.row.hosts)


def finding_row(finding: Finding, number: int = 1) -> FindingRow:
    """Return a row of `findings`, with the number that people ask for it by."""
    first, last = (None if ns is None else Moment(ns) for ns in (finding.first_ns, finding.last_ns))
    return FindingRow(
        finding.title, finding.severity, finding.count, first, last, [words(fact) for fact in finding.evidence],
        [words(fact) for fact in finding.who], finding.advice, finding.confidence, finding.hosts,
        Details([_detail(fact) for fact in finding.evidence], [_detail(fact) for fact in finding.who]), number,
        finding.state, finding.basis.least, finding.basis.most, finding.basis.about)


def _detail(fact: support.Fact | support.Who) -> dict[str, object]:
    """Return a fact with its kind: the name of its class, as JSON writes names."""
    return {"kind": re.sub(r"(?<!^)([A-Z])", r"_\1", type(fact).__name__).lower(), **plain(fact)}


def every_shown(found: Sequence[Finding], chart: Chart, until: Until) -> list[Shown]:
    """Return all findings as people see them, in their order, which is their number."""
    return [Shown(finding_row(finding, place), when(finding, until), parts(finding, until),
                  chart.line(finding.shape, _PER) if finding.shape else "", finding.placed, where(finding, until))
            for place, finding in enumerate(found, 1)]


def findings_section(found: Sequence[Finding], every: Sequence[Shown], chart: Chart, wanted: Wanted,
                     most: int | None = None) -> Section[Shown]:
    """Return the findings, each as it is shown, as a section; programs find them last in a report.

    People see `most`, or as many as they want.
    """
    chosen = [shown for shown in every if wanted.finding in {None, shown.row.number}]
    grave = [shown for shown in chosen if shown.row.severity != "benign" or wanted.finding]
    benign = [] if wanted.finding else [finding for finding in found if finding.severity == "benign"]
    shown = grave[:wanted.top or most or _MOST]
    return Section(None, [shown.row for shown in chosen], _columns(chart.title(_PER), shown), shown,
                   notes=_notes(len(grave) - len(shown), benign, wanted), below=partial(_below, verbose=wanted.verbose),
                   tone=lambda shown: shown.row.severity, indent=_INDENT, most_lines=None if wanted.verbose else 2,
                   repeats=True)


def _columns(chart: str, rows: Sequence[Shown]) -> list[Column[Shown]]:
    drawn = any(shown.chart for shown in rows)
    return [
        Column("FINDING", lambda shown: f"{shown.row.number} {str(shown.row.severity or 'unknown').upper()}"),
        Column("PACKETS", lambda shown: about(shown.row), right=True),
        Column("CAUSE", lambda shown: text(shown.row.title), wraps=True),
        *([Column(chart, lambda shown: shown.chart, from_width=_CHART)] if drawn else []),
    ]


def _below(shown: Shown, *, verbose: bool) -> list[Line]:
    """Return who, the evidence if it is wanted, and the next step, each from a line of its own."""
    row = shown.row
    brief, who = (tuple(clean(part) for part in parts) for parts in (shown.brief, row.who))
    evidence = (*(clean(part) for part in row.evidence), f"confidence {row.confidence}")
    there = "" if shown.placed else ", in its namespace, which is not on record"
    advice = [Command(f"next{there}: ", text(row.advice))] if row.advice else []
    return [*(line for line in (((shown.when,), who, evidence) if verbose else (brief,)) if line), *advice]


def _notes(folded: int, benign: Sequence[Finding], wanted: Wanted) -> list[str]:
    notes = [f"and {counted(folded, 'more finding')}; --format json shows all"] if folded else []
    if benign:
        kinds: Counter[str] = Counter()
        for finding in benign:
            kinds[finding.title] += finding.count
        named = "; ".join(clean(title) for title, _count in kinds.most_common())
        notes.append(f"benign: {counted(kinds.total(), 'packet')} of {counted(len(kinds), 'expected kind')}"
                     f"{f' ({named})' if wanted.verbose else ''}")
    return notes
