"""Drop events against the counters that must move with them: what agrees, and what one side alone has seen: pure.

Both are compared between the first and the last reading of the counters in the window: events are known to the
moment, counters every ten seconds. Events too near to one of these readings may be on either side of it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeVar

from dwreport.causes import Equality, equalities
from dwreport.evidence.facts import Facts
from dwreport.evidence.observed import Observed
from dwreport.evidence.possible import Possible
from dwreport.evidence.tally import Place

Verdict = Literal["agree", "counter-only", "events-only", "uncounted", "not looked", "not yet read", "open"]
_On = TypeVar("_On", Place, Observed)
_TOLERANCE = 10  # counts agree to within the events at the edges where these are less than a tenth
ELSEWHERE = "counters of that namespace are not recorded ([counters] namespaces)"
ABSENT = "no such counter was recorded there"
UNTOLD = "the source does not tell namespaces, and not the counters of all are recorded"
UNPLACED = "where they were dropped is not on record"
BLIND = "drops were not watched all the time"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counters and events of one place: `counted` packets against `events`, and `edge` more that may belong to them.

    `counters` are those that moved, or all where none did. `members` are the drops that were compared, of which the
    whole window has `drops`; of `others` it is not known, and `may` of them may count here too. `because` says why
    both sides differ, where that is known.
    """

    equality: Equality
    place: Place
    counters: Mapping[str, int]
    counted: int
    events: int
    edge: int
    verdict: Verdict
    because: str
    members: Sequence[Observed]
    drops: int
    others: Sequence[Observed] = ()
    may: int = 0

    @property
    def unexplained(self) -> int:
        """Return how many packets the counters have for sure beyond all events of the report."""
        if self.verdict not in {"counter-only", "open"}:
            return 0
        hidden = sum(drop.between(self.equality.per)[1] for drop in self.others if drop.total is None)
        return max(0, self.counted - self.drops - max(0, self.may - hidden))


class Part(NamedTuple):
    """What counters have of drops that several have counted, and the cause that these name, if any."""

    counters: Mapping[str, int]
    cause: str | None


class Evidence:
    """The facts of a report, and how its drops compare with the counters."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        found = [agreement for equality in equalities() for agreement in _compare(equality, facts)]
        self.agreements = [agreement for agreement in found
                           if agreement.verdict == "agree" or not agreement.equality.optional]
        self._partial = [agreement for agreement in found
                         if agreement.verdict == "events-only" and agreement.equality.closer and agreement.counted]

    @cached_property
    def drops(self) -> list[Observed]:
        """Return the drops of the report: what its filters, and its edges, leave."""
        return [drop for drop in self.facts.drops if drop.shown]

    @cached_property
    def _compared(self) -> Mapping[Observed, list[int]]:
        return _index(agreement.members for agreement in self.agreements)

    def totalled(self, subjects: Iterable[tuple[str, Place]]) -> list[Agreement]:
        """Return the comparisons of parts of these totals, each in a place."""
        return [self.agreements[number] for number in sorted({n for one in subjects for n in self._totalled[one]})]

    @cached_property
    def _totalled(self) -> Mapping[tuple[str, Place], list[int]]:
        found = defaultdict[tuple[str, Place], list[int]](list)
        for number, agreement in enumerate(self.agreements):
            if agreement.equality.total:
                found[agreement.equality.total, agreement.place].append(number)
        return found

    @cached_property
    def _possible(self) -> Mapping[Observed, list[int]]:
        return _index(agreement.others if agreement.verdict == "open" else () for agreement in self.agreements)

    def compared(self, drops: Iterable[Observed]) -> list[Agreement]:
        """Return the comparisons that these drops took part in."""
        return self._of(self._compared, drops)

    def possible(self, drops: Iterable[Observed]) -> list[Agreement]:
        """Return those of counters that have as many packets to spare as these drops, for all that is known."""
        return self._of(self._possible, drops)

    def parts(self, drops: Sequence[Observed]) -> list[Part]:
        """Return the parts of which just these drops are made, where counters that add up to them name a cause of some.

        Then a counter says of a part what it would say of all, had there been no others: a link was down for a while
        among full queues, a table was full while rules dropped.
        """
        members = set(drops)
        own = [agreement for agreement in self.compared(drops)
               if set(agreement.members) == members and agreement.events == agreement.drops]
        for whole in own:
            if whole.verdict == "agree" and whole.counted == whole.drops and whole.equality.closer:
                return _parts(whole.counters, whole.equality)
            if whole.verdict == "events-only":
                for other in self._partial:
                    if (other.place == whole.place and other.counted + whole.counted == whole.events
                            and set(other.members) == members):
                        return _parts({**whole.counters, **other.counters}, other.equality)
        return []

    def _of(self, index: Mapping[Observed, list[int]], drops: Iterable[Observed]) -> list[Agreement]:
        return [self.agreements[number] for number in sorted({n for drop in drops for n in index.get(drop, ())})]


def _parts(counters: Mapping[str, int], equality: Equality) -> list[Part]:
    """Return the part of each counter that names a cause, and the rest; nothing where that is no more than one."""
    moved = {name: delta for name, delta in counters.items() if delta}
    rest = {name: delta for name, delta in moved.items() if name not in equality.closer}
    found = [Part({name: delta}, equality.closer[name]) for name, delta in moved.items() if name in equality.closer]
    found += [Part(rest, None)] if rest else []
    return found if len(found) > 1 else []


def _index(groups: Iterable[Iterable[Observed]]) -> Mapping[Observed, list[int]]:
    found: dict[Observed, list[int]] = defaultdict(list)
    for number, drops in enumerate(groups):
        for drop in drops:
            found[drop].append(number)
    return found


def _compare(equality: Equality, facts: Facts) -> Iterator[Agreement]:
    """Compare wherever counters moved or events happened, parts of a total in any case."""
    drops = [drop for reason in equality.reasons for drop in facts.by_reason.get(reason, ())
             if equality.concerns(drop.key, reason)]
    moved, read, possible = _Moved(equality, facts), facts.read_in(equality), Possible(equality, facts)
    read_on, moved_on, dropped_on = _by_host(read), _by_host(moved.places), _by_host(drops)
    for host in sorted({*read_on, *moved_on, *dropped_on}):
        own = dropped_on.get(host, [])
        placed = [drop for drop in own if _is_placed(equality, drop)]
        if own and not placed:
            yield _judged(possible, Place(host), own, moved)
            continue
        here: dict[Place, list[Observed]] = {place: [] for place in moved_on.get(host, ())}
        if equality.total:  # that this part did not move rules out a cause
            here |= {place: [] for place in read_on.get(host, ()) if place not in here}
        for drop in placed:
            here.setdefault(_at(equality, drop, facts), []).append(drop)
        for place in sorted(here, key=str):
            yield _judged(possible, place, here[place], moved)
        if len(placed) < len(own):
            yield _unplaced(equality, host, [drop for drop in own if not _is_placed(equality, drop)])


def _by_host(those: Iterable[_On]) -> Mapping[str, list[_On]]:
    found = defaultdict[str, list[_On]](list)
    for one in those:
        found[one.host].append(one)
    return found


def _is_placed(equality: Equality, drop: Observed) -> bool:
    """Say whether a drop tells where it would have been counted: NET_DM knows no namespace."""
    return (equality.per == "host" or drop.netns is not None) and (
        equality.per != "interface" or drop.interface is not None)


def _at(equality: Equality, drop: Observed, facts: Facts) -> Place:
    if equality.per == "host":
        return Place(drop.host)
    if equality.per == "netns":
        return Place(drop.host, drop.netns)
    return facts.device(drop.host, drop.netns, drop.interface)


def _unplaced(equality: Equality, host: str, drops: Sequence[Observed]) -> Agreement:
    """Return that these were not compared, among others that were."""
    inside, most = _sums(equality, drops)
    return Agreement(equality, Place(host), dict.fromkeys(equality.counters, 0), 0, inside, most - inside, "uncounted",
                     UNPLACED, drops, sum(drop.count for drop in drops))


class _Counts(NamedTuple):
    """What was counted, the events that were and may have been between the readings, all, and what else may count."""

    counted: int
    inside: int
    most: int
    total: int
    may: int


class _Moved:
    """The counters of an equality that moved, by place."""

    def __init__(self, equality: Equality, facts: Facts) -> None:
        self.places = facts.tally.moved(equality)
        self._less = facts.tally.less(equality)
        self._within: dict[Place, list[Place]] = defaultdict(list)
        for place in self.places:
            for whole in place.around():
                self._within[whole].append(place)

    def at(self, place: Place) -> tuple[Counter[str], int]:
        """Return the counters of a place, or of all within it, and how many packets they are that count here."""
        here = [place] if place in self.places else self._within.get(place, [])
        counters: Counter[str] = Counter()
        for there in here:
            counters.update(self.places[there])
        return counters, max(0, counters.total() - sum(self._less[there] for there in here))


def _judged(possible: Possible, place: Place, drops: Sequence[Observed], moved: _Moved) -> Agreement:
    equality, facts = possible.equality, possible.facts
    counters, counted = moved.at(place)
    inside, most = _sums(equality, drops)
    total = sum(drop.count for drop in drops)
    others = possible.at(place, drops, counted - most) if counted > most else []
    may = _sums(equality, others)[1]
    verdict, because = _verdict(equality, place, _Counts(counted, inside, most, total, may), facts)
    return Agreement(equality, place, counters or dict.fromkeys(equality.counters, 0), counted, inside, most - inside,
                     verdict, because, drops, total, others, may)


def _sums(equality: Equality, drops: Iterable[Observed]) -> tuple[int, int]:
    both = [drop.between(equality.per) for drop in drops]
    return sum(inside for inside, _most in both), sum(most for _inside, most in both)


def _verdict(  # noqa: PLR0911 - one line for each verdict
        equality: Equality, place: Place, counts: _Counts, facts: Facts) -> tuple[Verdict, str]:
    """Judge what was counted against the events."""
    counted, inside, most, total, may = counts
    if not equality.counters:
        return "uncounted", equality.uncounted
    if total and not facts.has_read(equality, place):
        return "not looked", _not_looked(equality, place, facts)
    if (total and not inside and not counted) or most < counted <= total:
        return "not yet read", ""
    if counted > most + may:
        return "counter-only", BLIND if facts.blind else equality.unseen
    if counted > most:
        return "open", ""
    if inside < counted < most:
        return ("agree" if (most - inside) * _TOLERANCE <= counted else "not yet read"), ""
    if counted in {inside, most} or (counted and equality.fewer):
        return "agree", "" if counted in {inside, most} else equality.fewer
    return "events-only", equality.uncounted or (UNTOLD if place.netns is None and equality.per != "host" else "")


def _not_looked(equality: Equality, place: Place, facts: Facts) -> str:
    """Say why counters were not read: there are none, or nobody reads that namespace's."""
    if place.netns is None or facts.has_read_any(place):
        return equality.uncounted or ABSENT
    return ELSEWHERE if any(there.host == place.host for there in facts.read_in(equality)) else ""
