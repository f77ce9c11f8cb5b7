"""What a history holds to compare: drops, counters that moved, and which counters were read where."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, get_args

from dropwatchd.history.aligned import AlignedDrop
from dropwatchd.history.reader import CounterTotal
from dropwatchd.model import DropKey
from dwreport import causes
from dwreport.evidence.tally import Place, Tally, written
from dwreport.packets.headers import Trait
from dwreport.reconcile.algebra import Equality, candidates_of, equalities, reason_of

Means = Literal["counters", "packets", "names", "others"]
Looked = Iterable[tuple[str, str, str, int | None]]


def _counted_at(equality: Equality, drop: AlignedDrop) -> Place:
    return Place(drop.host) if equality.per == "host" else Place(drop.host, drop.key.interface.netns)


class Told(NamedTuple):
    """The reason of drops for which the kernel gave none, and by what it is known."""

    reason: str
    means: Means


class Sampled(NamedTuple):
    """Traits that every packet has, and such as a packet may have: one that was cut short may have any."""

    every: AbstractSet[str] = frozenset()
    some: AbstractSet[str] = frozenset(get_args(Trait))


@dataclass(frozen=True)
class Evidence:
    """Drops and counters between two readings of the counters.

    `looked` are the (host, collector, name, netns) of counters that were read, moved or not. `settled` are reasons
    of drops for which the kernel gave none. `blind` says whether drops went unseen. `kernels` are the releases that
    each host ran; `sampled`, what the packets have of a drop that were sampled.
    """

    drops: Sequence[AlignedDrop]
    counters: Sequence[CounterTotal]
    looked: Looked = ()
    blind: bool = False
    settled: Mapping[tuple[str, DropKey], Told] = field(default_factory=dict)
    kernels: Mapping[str, Collection[str]] = field(default_factory=dict)
    sampled: Mapping[tuple[str, DropKey], Sampled] = field(default_factory=dict)

    @cached_property
    def tally(self) -> Tally:
        """Return by how much counters moved; levels that go up and down are none."""
        return Tally(total for total in self.counters if not total.gauge and total.delta > 0)

    @cached_property
    def _read(self) -> Mapping[str, set[Place]]:
        """Return the namespaces that each counter was read in; one that moved was read."""
        places: dict[str, set[Place]] = defaultdict(set)
        for host, collector, name, netns in self.looked:
            places[written(collector, name)].add(Place(host, netns))
        for total in self.counters:
            places[written(total.collector, total.name)].add(Place(total.host, total.netns))
        return places

    @cached_property
    def by_reason(self) -> Mapping[str | None, list[AlignedDrop]]:
        """Return the drops by their reason, as far as it is known."""
        found: dict[str | None, list[AlignedDrop]] = defaultdict(list)
        for drop in self.drops:
            found[self.reason(drop.host, drop.key)].append(drop)
        return found

    def reason(self, host: str, key: DropKey) -> str | None:
        """Return the reason of a drop."""
        told = self.settled.get((host, key))
        return reason_of(key) or (told.reason if told else None)

    def candidates(self, host: str, key: DropKey) -> tuple[str, ...]:
        """Return what a drop may have been that has no sure reason."""
        return candidates_of(key, self.kernels.get(host, ()))

    def read_in(self, equality: Equality) -> set[Place]:
        """Return the namespaces in which any of the counters was read."""
        return {place for name in equality.counters for place in self._read.get(name, ())}

    def has_read(self, equality: Equality, place: Place) -> bool:
        """Say whether any of the counters was read in a place."""
        return any(there.host == place.host and (place.netns in {None, there.netns} or equality.per == "host")
                   for there in self.read_in(equality))

    def has_read_any(self, place: Place) -> bool:
        """Say whether counters of a namespace were read at all."""
        return any(there[:2] == place[:2] for places in self._read.values() for there in places)

    def refuted(self, drop: AlignedDrop, reason: str) -> str | None:
        """Return a counter that would have moved had a drop been for this reason, and rested."""
        return next((equality.counters[0] for equality in equalities()
                     if equality.counters and not equality.uncounted and not equality.optional
                     and equality.concerns(drop.key, reason) and self._rested(equality, drop)), None)

    def fits(self, drop: AlignedDrop, reason: str) -> bool | None:
        """Say whether all sampled packets are such as are dropped for a reason; None where they may be."""
        known, sampled = causes.written(reason), self.sampled.get((drop.host, drop.key), Sampled())
        trait = known.packets if known else None
        return None if trait is None or trait in sampled.some - sampled.every else trait in sampled.every

    def _rested(self, equality: Equality, drop: AlignedDrop) -> bool:
        """Say whether counters were read before and after a drop, where it is counted, and none of them moved."""
        place, whole = _counted_at(equality, drop), equality.per == "host"
        inside = drop.host_inside if whole else drop.inside
        return ((whole or place.netns is not None) and inside == drop.count and not self._moved(equality, place)
                and self.has_read(equality, place))

    def _moved(self, equality: Equality, place: Place) -> bool:
        return any(self.delta(name, place) for name in equality.counters)

    def delta(self, name: str, place: Place) -> int | None:
        """Return by how much a counter moved in a place, None where it was not read."""
        read = any(place.covers(there) for there in self._read.get(name, ()))
        return self.tally.delta(name, place) if read else None
