"""Drop events against the counters that must move with them: what agrees, and what one side alone has seen: pure.

Both are compared between the first and the last reading of the counters in the window: events are known to the
moment, counters every ten seconds. Events too near to one of these readings may be on either side of it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dropwatchd.history.aligned import AlignedDrop
from dropwatchd.model import DropKey
from dwreport.evidence.record import Evidence
from dwreport.evidence.tally import Place
from dwreport.reconcile.algebra import UNSPECIFIED, Equality, equalities

Verdict = Literal["agree", "counter-only", "events-only", "uncounted", "not looked", "not yet read"]
_TOLERANCE = 10  # counts agree to within the events at the edges where these are less than a tenth
ELSEWHERE = "counters of that namespace are not recorded ([counters] namespaces)"
ABSENT = "no such counter was recorded there"
UNTOLD = "the source does not tell namespaces, and not the counters of all are recorded"
BLIND = "drops were not watched all the time"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counters and events of one place: `counted` packets against `events`, and `edge` more that may belong to them.

    `counters` are those that moved, or all where none did. `keys` are the drops that were compared, of which the
    whole window has `drops`; `others` is how many of the host's other drops may count here too. `because` says why
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
    keys: frozenset[DropKey]
    drops: int
    others: int = 0

    @property
    def unexplained(self) -> int:
        """Return how many packets the counters have beyond the events, unless others may have counted here too."""
        over = self.counted - self.drops if self.verdict == "counter-only" else 0
        return over if over > self.others else 0


def reconcile(found: Evidence) -> list[Agreement]:
    """Compare every equality wherever its counters moved or its events happened, parts of a total in any case."""
    return [agreement for equality in equalities() for agreement in _compare(equality, found)
            if agreement.verdict == "agree" or not equality.optional]


def _compare(equality: Equality, found: Evidence) -> Iterator[Agreement]:
    drops = [drop for reason in equality.reasons for drop in found.by_reason.get(reason, ())
             if equality.concerns(drop.key, reason)]
    moved = found.tally.moved(equality)
    read = found.read_in(equality)
    for host in sorted({place.host for place in (*read, *moved)} | {drop.host for drop in drops}):
        own = [drop for drop in drops if drop.host == host]
        told = all(_is_told(equality, drop.key) for drop in own)
        places = {place for place in moved if place.host == host} | {_at(equality, drop) for drop in own}
        if equality.total:  # that this part did not move rules out a cause
            places |= {place for place in read if place.host == host}
        for place in sorted(places, key=str) if told else [Place(host)]:
            here = [drop for drop in own if not told or _at(equality, drop) == place]
            yield _judged(equality, place, here, moved, found)


def _is_told(equality: Equality, key: DropKey) -> bool:
    """Say whether a drop tells where it would have been counted: NET_DM knows no namespace."""
    return (equality.per == "host" or key.interface.netns is not None) and (
        equality.per != "interface" or key.interface.name is not None)


def _at(equality: Equality, drop: AlignedDrop) -> Place:
    if equality.per == "host":
        return Place(drop.host)
    interface = drop.key.interface
    return Place(drop.host, interface.netns, interface.name if equality.per == "interface" else None)


def _judged(equality: Equality, place: Place, drops: list[AlignedDrop], moved: Mapping[Place, Counter[str]],
            found: Evidence) -> Agreement:
    here = [there for there in moved if place.covers(there)]
    counters = sum((moved[there] for there in here), Counter[str]())
    counted = max(0, counters.total() - sum(found.tally.less(equality, there) for there in here))
    whole = equality.per == "host"
    inside = sum(drop.host_inside if whole else drop.inside for drop in drops)
    most = sum(drop.host_at_most if whole else drop.at_most for drop in drops)
    total = sum(drop.count for drop in drops)
    verdict, because = _verdict(equality, place, (counted, inside, most, total), found)
    return Agreement(equality, place, counters or dict.fromkeys(equality.counters, 0), counted, inside, most - inside,
                     verdict, because, frozenset(drop.key for drop in drops), total,
                     _others(equality, place, found) if verdict == "counter-only" else 0)


def _others(equality: Equality, place: Place, found: Evidence) -> int:
    """Return how many other drops may count with the equality's counters: on one side of a device, or both."""
    return sum(drop.host_at_most for drop in found.drops
               if drop.host == place.host and (found.reason(drop.host, drop.key) or UNSPECIFIED) in equality.also
               and (equality.per != "netns" or place.netns is None or drop.key.interface.netns in {None, place.netns})
               and (not equality.is_alone or equality.reasons[0] in found.candidates(drop.host, drop.key)))


def _verdict(  # noqa: PLR0911 - one line for each verdict
        equality: Equality, place: Place, counts: tuple[int, int, int, int], found: Evidence) -> tuple[Verdict, str]:
    """Judge what was counted against the events that were, and may have been, between the readings, and all events."""
    counted, inside, most, total = counts
    if not equality.counters:
        return "uncounted", equality.uncounted
    if total and not found.has_read(equality, place):
        return "not looked", _not_looked(equality, place, found)
    if (total and not inside and not counted) or most < counted <= total:
        return "not yet read", ""
    if counted > most:
        return "counter-only", BLIND if found.blind else equality.unseen
    if inside < counted < most:
        return ("agree" if (most - inside) * _TOLERANCE <= counted else "not yet read"), ""
    if counted in {inside, most} or (counted and equality.fewer):
        return "agree", "" if counted in {inside, most} else equality.fewer
    return "events-only", equality.uncounted or (UNTOLD if place.netns is None and equality.per != "host" else "")


def _not_looked(equality: Equality, place: Place, found: Evidence) -> str:
    """Say why counters were not read: there are none, or nobody reads that namespace's."""
    if place.netns is None or found.has_read_any(place):
        return equality.uncounted or ABSENT
    return ELSEWHERE if any(there.host == place.host for there in found.read_in(equality)) else ""
