"""What changed between two windows of a history: the same cause in the same place, now and then: pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from dwreport.causes import Harm
from dwreport.evidence.coverage import Coverage, assess
from dwreport.evidence.recorded import Recorded, Span
from dwreport.findings.finding import Basis, Event, Finding
from dwreport.findings.rank import RANK
from dwreport.findings.renames import Rename, renamed
from dwreport.text import named_netns

Change = Literal[
    "new", "new or unseen then", "new or named otherwise then", "gone", "gone or unseen now",
    "gone or named otherwise now", "grown", "shrunk", "same", "grown as far as seen", "shrunk as far as seen",
    "same as far as seen"]
_Trend = Literal["grown", "shrunk", "same"]
_AS_SEEN: dict[_Trend, Change] = {
    "grown": "grown as far as seen", "shrunk": "shrunk as far as seen", "same": "same as far as seen"}
_ALIKE = 0.9  # of the greater one: what differs by less is the same


class Subject(NamedTuple):
    """A cause in a place; a namespace is that of the same name in any boot, and one without a name only itself."""

    title: str
    severity: Harm | None
    host: str
    netns: str | None
    nameless: int | None
    interface: str | None

    def may_be(self, other: "Subject") -> bool:
        """Say whether nothing that is on record of their places tells them apart."""
        return all(mine is None or theirs is None or mine == theirs
                   for mine, theirs in zip(self[2:], other[2:], strict=True))


@dataclass(frozen=True)
class Side:
    """One of two windows: its findings, how far it was watched, and what namespaces are called in both.

    `is_open` says that the filters may have left out what matches them. `near` are drops that may lie within, or just
    outside. `renames` are those of devices, up to the end of the newer one.
    """

    found: Sequence[Finding]
    known: Recorded
    window: Span
    names: Mapping[int, str]
    is_open: bool = False
    near: AbstractSet[tuple[str, Event]] = frozenset()
    renames: Sequence[Rename] = ()

    def by_subject(self) -> dict[Subject, list[Finding]]:
        """Return the findings; those of one cause and place are of several boots, or of namespaces of one name."""
        found: dict[Subject, list[Finding]] = defaultdict(list)
        for finding in self.found:
            found[self.subject(finding)].append(finding)
        return found

    def subject(self, finding: Finding) -> Subject:
        """Return what a finding is about; a device by the name that it has got since."""
        seen_ns = self.window[0] if finding.last_ns is None else finding.last_ns
        place = renamed(finding.basis.place, seen_ns, self.renames)
        name = named_netns(place.netns, self.names)
        nameless = place.netns if name and not self._is_named(place.netns) else None
        return Subject(finding.title, finding.severity, place.host, name, nameless, place.interface)

    def coverage(self, basis: Basis) -> Coverage:
        """Judge how far that was watched by which a finding was seen: of counters, by the worst of their readers."""
        if basis.seen_by != "counters":
            return self.watched(basis.place.host, basis.seen_by)
        each = [self._read(basis, collector) for collector in basis.collectors]
        return min(each, key=lambda one: (one.status == "complete", one.fraction),
                   default=self.watched(basis.place.host, "counters"))

    def watched(self, host: str, asked: str) -> Coverage:
        """Judge how far something was watched on a host."""
        return assess(self._of(host), self.window, asked)

    def _read(self, basis: Basis, collector: str) -> Coverage:
        """Judge how far a collector read the counters of a place."""
        own = self._of(basis.place.host)
        watches = [watch for watch in own.watches if watch.what != "counters"
                   or (watch.name == collector and self._is_same(watch.netns, basis.place.netns))]
        return assess(replace(own, watches=watches), self.window, "counters")

    def _of(self, host: str) -> Recorded:
        known = self.known
        return replace(known, runs=[run for run in known.runs if run.hostname == host],
                       watches=[watch for watch in known.watches if watch.host == host],
                       ledger=[gap for gap in known.ledger if gap.host in {None, host}], absent=())

    def _is_same(self, one: int | None, other: int | None) -> bool:
        """Say whether two namespaces are one, or have one name; where none is told, it is the whole host."""
        return None in {one, other} or one == other or (
            self._is_named(one) and named_netns(one, self.names) == named_netns(other, self.names))

    def _is_named(self, netns: int | None) -> bool:
        return netns is not None and not self.names.get(netns, "net:[").startswith("net:[")


@dataclass(frozen=True, slots=True)
class Amount:
    """So many packets in a window, `least` to `most` for sure; with `is_sure` there were no others of the kind."""

    count: int
    least: int
    most: int
    watched_ns: int
    is_sure: bool

    @property
    def known(self) -> int | None:
        """Return the count; a zero that is not sure is no zero."""
        return self.count if self.count or self.is_sure else None


@dataclass(frozen=True, slots=True)
class Changed:
    """A cause in a place, now and then; `ratio` is of packets per time watched, None where one has none."""

    subject: Subject
    change: Change
    now: Amount
    then: Amount
    ratio: float | None
    findings: Sequence[Finding]


def changes(now: Side, then: Side) -> list[Changed]:
    """Return what is found in any of two windows: the harmful first, of these what is new, then what changed most."""
    mine, theirs = now.by_subject(), then.by_subject()
    found = [_changed(subject, (now, mine), (then, theirs)) for subject in dict.fromkeys([*mine, *theirs])]
    return sorted(found, key=_order)


def _order(one: Changed) -> tuple[int, bool, bool, int, str]:
    return (RANK[one.subject.severity], one.change != "new", not one.change.startswith("new"),
            -abs(one.now.count - one.then.count), one.subject.title)


_Sided = tuple[Side, Mapping[Subject, Sequence[Finding]]]


def _changed(subject: Subject, now: _Sided, then: _Sided) -> Changed:
    findings = [*now[1].get(subject, ()), *then[1].get(subject, ())]
    bases = [finding.basis for finding in findings]
    alike = _seen_alike(now[0], then[0], bases)
    # A change of a counter is of the window in which it ends, though it began in the one before.
    spill = then[0].window[1] >= now[0].window[0] and any(
        basis.seen_by == "counters" and basis.least < basis.most for basis in bases)
    own, other = (_amount(subject, side, bases, alike=alike, spill=spill) for side in (now, then))
    ratio = _ratio(own, other)
    is_otherwise = _is_otherwise(subject, bases, now if other.count else then)
    word = _word(own, other, ratio, is_otherwise)
    if is_otherwise:  # a zero of that name is none of these packets
        own, other = (replace(amount, is_sure=False) for amount in (own, other))
    return Changed(subject, word, own, other, ratio, findings)


def _amount(subject: Subject, sided: _Sided, bases: Sequence[Basis], *, alike: bool,
            spill: bool) -> Amount:
    """Add up one side; with `spill`, what counters have of the other one may be of this one too."""
    side, found = sided
    own = found.get(subject, ())
    judged = min((side.coverage(basis) for basis in bases), key=lambda one: (one.status == "complete", one.fraction))
    near = any((subject.host, event) in side.near for basis in bases for event in basis.events)
    return Amount(
        sum(finding.count for finding in own), sum(finding.basis.least for finding in own),
        sum(finding.basis.most for finding in own), judged.watched_ns(side.window),
        is_sure=judged.status == "complete" and alike and not side.is_open and not near
        and (bool(own) or not spill))


def _seen_alike(now: Side, then: Side, bases: Iterable[Basis]) -> bool:
    """Say whether what counters alone saw could have been seen as events in one window only: it is what is left."""
    hosts = {basis.place.host for basis in bases if basis.seen_by == "counters"}
    pairs = [(now.watched(host, "software").status, then.watched(host, "software").status) for host in hosts]
    return all(one == other != "partial" for one, other in pairs)


def _is_otherwise(subject: Subject, bases: Sequence[Basis], sided: _Sided) -> bool:
    """Say whether a window has the same loss, for all that is known, under another title or in a place less known."""
    events = {event for basis in bases for event in basis.events}
    return any(other != subject and subject.may_be(other)
               and (other.title == subject.title or any(events & finding.basis.events for finding in findings))
               for other, findings in sided[1].items())


def _ratio(now: Amount, then: Amount) -> float | None:
    """Return packets per time watched now, to those then; where all of both was watched alike, that is of counts."""
    if not (now.count and then.count and now.watched_ns and then.watched_ns):
        return None
    if now.watched_ns == then.watched_ns:
        return now.count / then.count
    return now.count / then.count * (then.watched_ns / now.watched_ns)


def _word(now: Amount, then: Amount, ratio: float | None, is_otherwise: bool) -> Change:  # noqa: FBT001 - a fact
    """Say what changed, and no more than is known."""
    if not then.count:
        if not (then.is_sure and now.least):
            return "new or unseen then"
        return "new or named otherwise then" if is_otherwise else "new"
    if not now.count:
        if not (now.is_sure and then.least):
            return "gone or unseen now"
        return "gone or named otherwise now" if is_otherwise else "gone"
    rate = now.count / then.count if ratio is None else ratio
    trend = _trend(rate)
    low = rate * (now.least / now.count) / (then.most / then.count)
    high = rate * (now.most / now.count) * then.count / then.least if then.least else float("inf")
    is_sure = now.is_sure and then.is_sure and ratio is not None and _trend(low) == _trend(high)
    return trend if is_sure else _AS_SEEN[trend]


def _trend(ratio: float) -> _Trend:
    if ratio < _ALIKE:
        return "shrunk"
    return "grown" if ratio > 1 / _ALIKE else "same"
