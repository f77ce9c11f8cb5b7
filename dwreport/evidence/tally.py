"""The counter side of a comparison: sums by host, namespace and interface that count no packet twice: pure."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, cast

from dropwatchd.history.read.reader import CounterTotal
from dwreport.causes import Equality


class Place(NamedTuple):
    """Where a counter counts: None for a whole host, and for a whole namespace."""

    host: str
    netns: int | None = None
    interface: str | None = None

    def covers(self, other: "Place") -> bool:
        """Say whether the other lies within this place, or is it."""
        return all(mine in {None, theirs} for mine, theirs in zip(self, other, strict=True))

    def around(self) -> "set[Place]":
        """Return all places that this one lies within, itself among them."""
        return {Place(self.host, netns, interface)
                for netns in (None, self.netns) for interface in (None, self.interface)}


def written(collector: str, name: str) -> str:
    """Write a counter as the algebra does."""
    return name if name[:1].isupper() else f"{collector}/{name}"


class Tally:
    """By how much counters moved."""

    def __init__(self, totals: Iterable[CounterTotal], kinds: Mapping[Place, str | None],
                 renamed: Mapping[Place, Place] | None = None) -> None:
        """Take counters, of what kind the devices are that they count for, as far as it is on record, and renames."""
        self._kinds = kinds
        self._renamed = renamed or {}
        self._totals: dict[str, list[CounterTotal]] = defaultdict(list)
        self._placed: dict[tuple[str, Place], list[CounterTotal]] = defaultdict(list)
        for total in totals:
            name = written(total.collector, total.name)
            self._totals[name].append(total)
            for place in Place(total.host, total.netns, total.interface).around():
                self._placed[name, place].append(total)

    def moved(self, equality: Equality) -> dict[Place, Counter[str]]:
        """Return by how much each counter of an equality moved, in each of its places."""
        found: dict[Place, Counter[str]] = defaultdict(Counter)
        for name in equality.counters:
            for place, delta in self._sums(name, equality):
                found[place][name] += delta
        return found

    def less(self, equality: Equality) -> Counter[Place]:
        """Return how much of that is compared elsewhere, in each place."""
        found: Counter[Place] = Counter()
        for name in equality.less:
            found.update(dict(self._sums(name, equality)))
        return found

    def delta(self, name: str, place: Place) -> int:
        """Return by how much one counter moved in a place."""
        return sum(total.delta for total in self.rows(name, place))

    def rows(self, name: str, place: Place) -> list[CounterTotal]:
        """Return the single counters of a name that moved in a place, the most first."""
        return sorted(self._placed.get((name, place), ()), key=lambda row: -row.delta)

    def _sums(self, name: str, equality: Equality) -> Iterator[tuple[Place, int]]:
        rows: dict[Place, list[tuple[Mapping[str, str], int]]] = defaultdict(list)
        for total in self._totals[name]:
            labels = cast("dict[str, str]", json.loads(total.labels))
            kind = self._kinds.get(Place(total.host, total.netns, total.interface))
            if (equality.is_of(kind) and equality.labels.items() <= labels.items()
                    and not equality.labels_not.items() & labels.items()):
                place = _place(equality, total)
                rows[self._renamed.get(place, place)].append((labels, total.delta))
        for place, found in rows.items():
            yield place, _qdiscs(found) if name == "qdisc/drops" else sum(delta for _labels, delta in found)


def _place(equality: Equality, total: CounterTotal) -> Place:
    if equality.per == "host":
        return Place(total.host)
    return Place(total.host, total.netns, total.interface if equality.per == "interface" else None)


def _qdiscs(rows: list[tuple[Mapping[str, str], int]]) -> int:
    """Add up the qdiscs of one device: a parent counts what its children drop again (qdisc_tree_reduce_backlog)."""
    children: dict[str, int] = Counter()
    for labels, delta in rows:
        children[_major(labels.get("parent", ""))] += delta
    own = {labels.get("handle", ""): 0 for labels, _delta in rows}
    return sum(max(delta, children.get(labels.get("handle", ""), 0))
               for labels, delta in rows if _major(labels.get("parent", "")) not in own)


def _major(parent: str) -> str:
    """Return the handle of the qdisc that a class belongs to: "1:" of "1:10", "0:" of the ":1" below a plain mq."""
    number, colon, _minor = parent.partition(":")
    return f"{number or 0}:" if colon else parent
