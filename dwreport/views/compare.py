"""What changed between two windows: one row for each cause in a place, now and in an earlier window."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dropwatchd.history.read.patterns import matches, printed
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO
from dwreport.evidence.ask import gather
from dwreport.evidence.coverage import Coverage
from dwreport.evidence.filters import Filters
from dwreport.evidence.recorded import Span, recorded
from dwreport.findings import support
from dwreport.findings.change import Change, Changed, Side, changes
from dwreport.findings.finding import Finding, event_of
from dwreport.findings.rank import Findings, findings
from dwreport.findings.renames import Rename, renames
from dwreport.render.heading import warning
from dwreport.report.answer import Answer, Column, Section
from dwreport.report.arrange import keeps, left
from dwreport.report.columns import text
from dwreport.report.gaps import answered, assessed, gap_section
from dwreport.report.rows import GapRow, Moment
from dwreport.report.wanted import Wanted
from dwreport.text import clean, clock, duration, fraction, number, window
from dwreport.views._lead import hidden, lead, unjudged

_LATELY_NS = 30 * NANO  # ago, a daemon that lives has written
_UNWATCHED = "unknown"
Earlier = Callable[[Span], Span]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A cause in a place; a count is None where none was seen, and that is not to say that there was none.

    `ratio` is of packets per time watched. `interfaces` are those that had most of the packets, then and now. The two
    windows are told with each, for where rows stand alone.
    """

    change: Change
    now: int | None
    then: int | None
    ratio: float | None
    severity: str | None
    title: str
    interfaces: Sequence[str]
    netns: str | None
    host: str
    since: Moment
    until: Moment
    then_since: Moment
    then_until: Moment


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One of the two windows, and how far it was watched (0..1)."""

    window: str
    since: Moment
    until: Moment
    status: str
    fraction: float


@dataclass(frozen=True, slots=True)
class _Window:
    """What is found in one window."""

    reader: Reader
    judged: Coverage
    found: Findings
    side: Side

    @property
    def watched_ns(self) -> int:
        return self.judged.watched_ns(self.side.window)


def view(reader: Reader, wanted: Wanted, earlier: Earlier) -> Answer:
    """Show what changed since an earlier window: what is new, gone, grown, shrunk."""
    scope = replace(reader.scope, until_ns=_written_until(reader))
    since_ns, until_ns = earlier((scope.since_ns, scope.until_ns))
    now, then = (_look(reader.of(one))
                 for one in (scope, replace(scope, since_ns=since_ns, until_ns=until_ns, runs=())))
    names = {**then.side.names, **now.side.names}
    known = renames(reader.of(replace(scope, since_ns=since_ns, runs=())).events())
    known = [one for one in known if one.time_ns >= since_ns]
    is_open = any(_is_asked(scope, one.old.interface or "") != _is_asked(scope, one.name) for one in known)
    found = changes(*(replace(one.side, names=names, renames=known, is_open=one.side.is_open or is_open)
                      for one in (now, then)))
    rows = [_row(one, now, then) for one in found if keeps(wanted, one.subject.severity)]
    several = {run.hostname for one in (now, then) for run in one.side.known.runs}
    answer = answered(
        now.reader, now.judged,
        [_windows(now, then), Section("changes", rows, _columns(rows), rows, record=ChangeRow,
                                      notes=[*_notes(now, then, rows), *_renamed(known, found)],
                                      tone=lambda row: row.severity),
         gap_section(now.reader, now.judged), _gaps(then)],
        _lead(now, then, rows), hidden(now.reader, now.found))
    return replace(answer, beside=_beside(now, then), sections=_placed(answer, several))


def _written_until(reader: Reader) -> int:
    """Return up to when the window was written: of the last seconds, nothing can be said yet that is worth comparing.

    Drops and counters are written one after another; what is the first of these to end is the end of both.
    """
    scope, now_ns = reader.scope, reader.now_ns
    living = {run.run_id for run in reader.runs() if not run.ended}
    ends = [watch.until_ns for watch in reader.watches()
            if watch.run_id in living and not watch.ending and watch.until_ns > now_ns - _LATELY_NS]
    end_ns = min([scope.until_ns, now_ns, *ends])
    return end_ns if end_ns > scope.since_ns else min(scope.until_ns, now_ns)


def _look(reader: Reader) -> _Window:
    """Find what the summary of a window has as findings."""
    scope = reader.scope
    totals = reader.drops(scope.since_ns, scope.until_ns - scope.since_ns)
    evidence = gather(reader, totals)
    found = findings(evidence, Filters(scope, reader.namespaces()))
    is_open = bool(found.open) or (scope.filtered and reader.may_match() > 0)
    near = {(total.host, event_of(total.drop.key)) for total in totals if not total.drop.count}
    side = Side(found.found, recorded(reader), (scope.since_ns, scope.until_ns), evidence.facts.names, is_open, near)
    return _Window(reader, assessed(reader), found, side)


def _is_asked(scope: Scope, name: str) -> bool:
    return matches(scope.interface, {name, printed(name)})


def _renamed(known: Sequence[Rename], found: Sequence[Changed]) -> list[str]:
    """Say which devices of the rows had another name."""
    told = {finding.basis.place for one in found for finding in one.findings}
    return [f"{clean(one.old.interface or '')} was renamed to {clean(one.name)} at "
            f"{clock(one.time_ns, '%Y-%m-%d %H:%M:%S')}: what it lost before is told under its new name."
            for one in known if one.old in told]


def _row(one: Changed, now: _Window, then: _Window) -> ChangeRow:
    return ChangeRow(
        one.change, one.now.known, one.then.known, one.ratio, one.subject.severity, one.subject.title,
        list(dict.fromkeys(_interfaces(one.findings))), one.subject.netns, one.subject.host,
        *map(Moment, (*now.side.window, *then.side.window)))


def _interfaces(found: Iterable[Finding]) -> Iterator[str]:
    for finding in found:
        yield from (fact.interface for fact in finding.who if isinstance(fact, support.OnInterface))


def _columns(rows: Sequence[ChangeRow]) -> list[Column[ChangeRow]]:
    placed = any(row.interfaces or row.netns not in {None, "init"} for row in rows)
    return [
        Column("SEVERITY", lambda row: str(row.severity or "unknown").upper()),
        Column("CHANGE", _change, wraps=True),
        Column("NOW", lambda row: _count(row.now), right=True),
        Column("THEN", lambda row: _count(row.then), right=True),
        Column("CAUSE", lambda row: text(row.title), wraps=True),
        *([Column("WHERE", _where, wraps=True)] if placed else []),
    ]


def _change(row: ChangeRow) -> str:
    """Say by how much, too: a loss that has grown a little is not one that has grown a hundred times."""
    if row.ratio is None or row.change.startswith("same"):
        return row.change
    word, _, rest = row.change.partition(" ")
    return f"{word} ×{row.ratio:,.3g} {rest}".replace(",", " ").rstrip()


def _count(count: int | None) -> str:
    return _UNWATCHED if count is None else number(count)


def _where(row: ChangeRow) -> str:
    shown = ", ".join(map(text, row.interfaces)) or text(None)
    return shown if row.netns in {None, "init"} else f"{shown} ({text(row.netns)})"


def _windows(now: _Window, then: _Window) -> Section[ComparedRow]:
    rows = [ComparedRow(name, Moment(one.side.window[0]), Moment(one.side.window[1]), one.judged.status,
                        one.judged.fraction) for name, one in (("now", now), ("then", then))]
    columns: list[Column[ComparedRow]] = [
        Column("", lambda row: row.window),
        Column("WINDOW", lambda row: window(row.since.ns, row.until.ns), wraps=True),
        Column("LENGTH", lambda row: duration(row.until.ns - row.since.ns), right=True),
        Column("WATCHED", _watched, right=True),
    ]
    return Section("windows", rows, columns, rows)


def _watched(row: ComparedRow) -> str:
    """Say how much; where drops were missed of a time that was watched, it was not all."""
    if row.status == "blind":
        return "nothing"
    return "partly" if row.status == "partial" and row.fraction == 1 else fraction(row.fraction)


def _notes(now: _Window, then: _Window, rows: Sequence[ChangeRow]) -> list[str]:
    """Say what is compared where that is not the counts that are shown; each host has its own time."""
    if now.watched_ns == then.watched_ns or all(row.ratio is None for row in rows):
        return []
    hosts = {run.hostname for one in (now, then) for run in one.side.known.runs}
    watched = f": {duration(now.watched_ns)} now, {duration(then.watched_ns)} then" if len(hosts) == 1 else ""
    return [f"What has grown or shrunk is told by packets per time watched{watched}."]


def _lead(now: _Window, then: _Window, rows: Sequence[ChangeRow]) -> list[str]:
    """Return what to say first: of windows without any loss, whether that is none or none that was seen."""
    if rows:
        return [*unjudged(now.reader, now.found),
                *(f"Then: {line}" for line in unjudged(then.reader, then.found))]
    if some := [*now.found.found, *then.found.found]:
        return left(some, rows)
    return [line for one in (now, then) for line in lead(one.reader, one.judged, one.found)]


def _beside(now: _Window, then: _Window) -> list[str]:
    """Say how far the earlier window was watched, and which hosts were not there: those that were may be all of it."""
    if then.judged.status == "blind":
        return ["Not watched then: whether anything is new is not known."]
    absent = sorted({run.hostname for run in now.side.known.runs} - {run.hostname for run in then.side.known.runs})
    return [*(f"Then: {line}" for line in warning(answered(then.reader, then.judged, ()))),
            *([f"Not watched then: {clean(', '.join(absent))}."] if absent else [])]


def _gaps(then: _Window) -> Section[GapRow]:
    section = gap_section(then.reader, then.judged)
    return replace(section, title="What was not seen then") if section.title else replace(section, notes=())


def _placed(answer: Answer, hosts: set[str]) -> Sequence[Section[Any]]:
    """Say whose a row is, where a host is in the earlier window alone: else the answer does so."""
    if len(hosts) < 2 or len(answer.hosts()) > 1:
        return answer.sections
    windows, rows, *rest = answer.sections
    host: Column[ChangeRow] = Column("HOST", lambda row: clean(row.host), wraps=True)
    return [windows, replace(rows, columns=[*rows.columns, host]), *rest]
