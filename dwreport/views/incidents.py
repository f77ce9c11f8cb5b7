"""When losses came in bursts, and which never cease: onset, peak, end, cause, where and who."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import click

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.read.lives import lives
from dropwatchd.history.read.reader import DropTotal, Reader
from dropwatchd.model import NANO
from dwreport.causes import of_drop
from dwreport.evidence.ask import gather
from dwreport.evidence.coverage import NEVER_WAS, assess
from dwreport.evidence.facts import Facts
from dwreport.evidence.observed import Observed, observe
from dwreport.evidence.recorded import Recorded, recorded
from dwreport.evidence.tally import Place
from dwreport.findings.bursts import Burst, bursts
from dwreport.findings.ends import Senders
from dwreport.findings.finding import State
from dwreport.findings.group import Group, groups
from dwreport.findings.lasting import Lasting
from dwreport.findings.owners import owners
from dwreport.findings.support import OnInterface
from dwreport.report.answer import Answer, Section
from dwreport.report.arrange import keeps, left
from dwreport.report.brief import Until, until_of
from dwreport.report.gaps import answered, assessed, gap_section
from dwreport.report.incidents import JUST_BEFORE_NS, IncidentRow, columns, folded, told
from dwreport.report.rows import Moment
from dwreport.report.wanted import Wanted
from dwreport.report.wording import words
from dwreport.text import netns_text, time_format
from dwreport.views._edges import Edges
from dwreport.views._groups import EXACT
from dwreport.views._lead import events_lead, hidden

_STEPS_NS = (60 * NANO, 300 * NANO, HOUR_NS)
_MOST_STEPS = 900  # of a shorter length, else hours are taken, which have their sums on record
_SAMPLES = 200


class Subject(NamedTuple):
    """What has incidents: a cause in a place."""

    title: str
    severity: str | None
    host: str
    netns: str | None
    interface: str | None


@dataclass(frozen=True)
class _Lived:
    """A burst as Lasting judges what lasts."""

    first_ns: int | None
    last_ns: int | None
    count: int
    shape: Mapping[int, int]


def view(reader: Reader, wanted: Wanted) -> Answer:
    """Show when losses came in bursts, and which never cease: onset, peak, end, cause, where and who."""
    scope, judged = reader.scope, assessed(reader)
    until = until_of(reader, judged)
    found = _Found(reader, until, wanted.by)
    kept = {subject: totals for subject, totals in found.subjects.items() if keeps(wanted, subject.severity)}
    rows = sorted((row for subject, totals in kept.items() for row in found.rows(subject, totals)),
                  key=lambda row: (row.onset.ns, row.title))
    times = time_format(scope.since_ns, scope.until_ns)
    is_whole = wanted.arranged or "benign" in wanted.severities
    shown, notes = (rows, []) if is_whole else folded(rows)
    section = Section("incidents", rows, columns(times, until), shown, record=IncidentRow,
                      tone=lambda row: row.severity, below=lambda row: told(row, times, scope.since_ns), indent=2,
                      notes=notes, repeats=True)
    return answered(reader, judged, [section, gap_section(reader, judged)],
                    left([total.drop for total in found.totals], rows)
                    or events_lead(reader, judged, any_drops=bool(rows)), hidden(reader))


@dataclass(frozen=True)
class _Own:
    """The drops from an onset to an end."""

    reader: Reader
    totals: Sequence[DropTotal]
    drops: Sequence[Observed]
    has_sockets: bool  # on record that lost packets, of this host in the window

    @property
    def count(self) -> int:
        return sum(total.drop.count for total in self.totals)

    @property
    def told(self) -> Sequence[object]:
        """Return interfaces, ports, addresses and owners."""
        return [*self._senders.told(), *self._owners()]

    @cached_property
    def _senders(self) -> Senders:
        return Senders(self.drops)

    def _owners(self) -> Iterator[object]:
        """Yield whose sockets lost packets meanwhile, of each cause: no filter by interface knows sockets."""
        if not self.has_sockets:
            return
        all_of_it = self.reader.of(self.reader.scope.unfiltered())
        facts = Facts(self.drops, all_of_it.counters())
        for drop in self.drops:
            group = Group("reason", "", of_drop(drop.key), [drop], Place(drop.host, drop.netns))
            yield from owners(group, Senders([drop]), facts)


class _Found:
    """The drops of a window by cause and place, and what is on record of the time around them."""

    def __init__(self, reader: Reader, until: Until, by: Sequence[str]) -> None:
        scope = reader.scope
        if unknown := [name for name in by if name not in EXACT]:
            raise click.UsageError(f"incidents has no --by {unknown[0]}; it has {', '.join(EXACT)}")
        self.by = by
        self.reader, self.known = reader, recorded(reader)
        self.until = until
        span_ns = min(scope.until_ns, reader.now_ns) - scope.since_ns
        self.step_ns = next((step for step in _STEPS_NS if step * _MOST_STEPS >= span_ns), HOUR_NS)
        self.start_ns = scope.since_ns // self.step_ns * self.step_ns
        self.totals = [total for total in reader.drops(self.start_ns, self.step_ns) if total.drop.count]

    @cached_property
    def subjects(self) -> Mapping[Subject, Sequence[DropTotal]]:
        """Return drops by their cause and place, as findings have them, or by what is asked for."""
        if self.by:
            return self._asked
        known = {(drop.host, drop.key): group for group in groups(gather(self.reader, self.totals))
                 for drop in group.drops}
        found: dict[Subject, list[DropTotal]] = defaultdict(list)
        for total in self.totals:
            group, interface = known[total.host, total.drop.key], total.drop.key.interface
            found[Subject(group.title, group.cause.harm if group.cause else None, total.host, netns_text(interface),
                          interface.name if group.place.interface else None)].append(total)
        return found

    @property
    def _asked(self) -> Mapping[Subject, Sequence[DropTotal]]:
        """Return drops by what they are to be added up by, each host's apart; their severity where it is one."""
        by: dict[tuple[str, str], list[DropTotal]] = defaultdict(list)
        for total in self.totals:
            by[total.host, ", ".join(EXACT[name](total) or "-" for name in self.by)].append(total)
        found = {}
        for (host, title), totals in by.items():
            severities = {EXACT["severity"](total) for total in totals}
            severity = severities.pop() if len(severities) == 1 else None
            found[Subject(title, severity, host, None, None)] = totals
        return found

    def rows(self, subject: Subject, totals: Sequence[DropTotal]) -> Iterator[IncidentRow]:
        """Yield the incidents of a cause in a place."""
        shape: Counter[int] = sum((total.shape for total in totals), Counter())
        steps = range((self._end_ns(subject.host) - self.start_ns - 1) // self.step_ns + 1)
        parts = bursts(shape, steps, self._blind(subject.host))
        single = [part for part in parts if part.kind == "burst"]
        after = {id(part): following for part, following in pairwise(single)}
        for part in parts:
            yield self._row(subject, totals, part, shape, after.get(id(part)))

    def _row(self, subject: Subject, totals: Sequence[DropTotal], part: Burst, shape: Mapping[int, int],
             following: Burst | None) -> IncidentRow:
        within = {step: count for step, count in shape.items() if part.first <= step <= part.last}
        worst = max(within, key=lambda step: (within[step], -step))
        keys = {(total.host, total.drop.key) for total in totals}
        edges = Edges(self._reader(subject.host), keys, part, worst, within[worst], self.start_ns, self.step_ns)
        own = self._own(edges, subject.host, totals)
        state = self._state(_Lived(edges.onset.time_ns, edges.end.time_ns, own.count, within),
                            subject.host, None if following is None else self.start_ns + following.first * self.step_ns)
        who = own.told
        return IncidentRow(
            part.kind, subject.severity, subject.title, own.count, sum(total.at_least for total in own.totals),
            sum(total.at_most for total in own.totals), any(total.about for total in own.totals),
            Moment(edges.onset.time_ns), edges.onset.within_ns / NANO, self._is_quiet_before(edges, subject.host),
            Moment(edges.end.time_ns), edges.end.within_ns / NANO, state, edges.peak.rate,
            edges.peak.width_ns / NANO, Moment(edges.peak.since_ns), part.usual / self.step_ns * NANO,
            [fact.interface for fact in who if isinstance(fact, OnInterface)], subject.netns,
            list(dict.fromkeys(words(fact) for fact in who if not isinstance(fact, OnInterface))), subject.host)

    def _end_ns(self, host: str) -> int:
        return self.until.of([host]).end_ns

    def _blind(self, host: str) -> set[int]:
        """Return the steps of which something was not watched on a host."""
        scope, until_ns = self.reader.scope, self._end_ns(host)
        gaps = assess(self._of(host), (scope.since_ns, until_ns), scope.origin).own
        return {step for gap in gaps
                if gap.effect == "blind" and gap.cause != NEVER_WAS and gap.until_ns > self.start_ns
                for step in range(max(0, gap.since_ns - self.start_ns) // self.step_ns,
                                  (min(gap.until_ns, until_ns) - 1 - self.start_ns) // self.step_ns + 1)}

    def _is_quiet_before(self, edges: Edges, host: str) -> bool:
        """Say whether the time just before was watched, and nothing of the kind dropped then: within the window."""
        onset_ns = edges.onset.time_ns
        window = onset_ns - JUST_BEFORE_NS, onset_ns
        return window[0] >= self.reader.scope.since_ns and self._is_watched(window, host)

    def _is_watched(self, window: tuple[int, int], host: str) -> bool:
        return assess(self._of(host), window, self.reader.scope.origin).status == "complete"

    def _state(self, lived: _Lived, host: str, next_ns: int | None) -> State | None:
        """Return whether it is over: by the time after it that was watched without a break, up to another burst."""
        last_ns, until_ns = lived.last_ns or 0, self._end_ns(host)
        end_ns = max(last_ns + 1, min(until_ns, next_ns or until_ns))
        gaps = assess(self._of(host), (last_ns, end_ns), self.reader.scope.origin).own
        seen_ns = min([end_ns, *(gap.since_ns for gap in gaps if gap.effect != "detail" and gap.lost != 0)])
        state = Lasting(self._of(host), seen_ns, self.step_ns, self.reader.scope.origin).state(lived)
        return None if state == "going on" and seen_ns < until_ns else state

    def _reader(self, host: str) -> Reader:
        """Return what reads the rows of one host: what others have is not looked through for each incident."""
        runs = self._runs.get(host, ()) if len(self._runs) > 1 else ()
        return self.reader.of(replace(self.reader.scope, runs=runs or self.reader.scope.runs))

    @cached_property
    def _runs(self) -> Mapping[str, tuple[str, ...]]:
        """Return what scopes name the runs of each host by."""
        hosts, found = {run.run_id: run.hostname for run in self.known.runs}, defaultdict[str, list[str]](list)
        for life in lives(self.reader):
            if life.run in hosts:
                found[hosts[life.run]].append(life.known_by)
        return {host: tuple(names) for host, names in found.items()}

    def _of(self, host: str) -> Recorded:
        """Return what is recorded of a host, but for counters, which make many watches and tell nothing here."""
        return self._parts.get(host) or replace(self.known, runs=(), watches=(), ledger=(), absent=())

    @cached_property
    def _parts(self) -> Mapping[str | None, Recorded]:
        of_all = [gap for gap in self.known.ledger if gap.host is None]
        return {host: replace(part, watches=[watch for watch in part.watches if watch.what != "counters"],
                              ledger=[*of_all, *part.ledger]) for host, part in self.known.by_host.items()}

    def _own(self, edges: Edges, host: str, totals: Sequence[DropTotal]) -> "_Own":
        """Return what was dropped from onset to end, and whose packets these were."""
        keys = {(total.host, total.drop.key) for total in totals}
        narrow = replace(self._reader(host).scope, since_ns=edges.onset.time_ns, until_ns=edges.end.time_ns + 1)
        reader = self.reader.of(narrow)
        found = [total for total in reader.drops(narrow.since_ns, narrow.until_ns - narrow.since_ns)
                 if (total.host, total.drop.key) in keys]
        packets = [packet for packet in reader.packets(_SAMPLES) if (packet.host, packet.key) in keys]
        return _Own(reader, found, observe([], found, packets, {}), host in self._owners)

    @cached_property
    def _owners(self) -> set[str]:
        """Return the hosts of which sockets are on record that lost packets."""
        return {row.host for row in self.reader.of(self.reader.scope.unfiltered()).counters()
                if row.collector == "sockets"}
