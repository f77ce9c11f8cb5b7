"""Drops grouped by their cause, across functions, interfaces, namespaces and hosts: pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dropwatchd.history.reader import DropTotal
from dropwatchd.model import DropKey
from dwreport import causes
from dwreport.causes import Cause
from dwreport.findings.model import Facts
from dwreport.reconcile.algebra import reason_of

Ground = Literal["reason", "counters", "place", "trap", "nothing"]
NO_SYMBOL = "an unnamed place"


@dataclass(frozen=True, slots=True)
class Group:
    """Drops of one cause, and on what ground it is known; `cause` is None where the catalogue does not have it."""

    ground: Ground
    name: str
    cause: Cause | None
    drops: Sequence[DropTotal]

    @property
    def title(self) -> str:
        """Return a headline."""
        if self.cause:
            return self.cause.title
        if self.ground == "trap":
            return f"The device dropped packets in hardware: {self.name}"
        return f"Packets dropped in {self.name}" if self.ground == "nothing" else f"Packets dropped for {self.name}"

    @property
    def count(self) -> int:
        """Return how many packets were dropped."""
        return sum(total.drop.count for total in self.drops)


def groups(facts: Facts) -> list[Group]:
    """Return every drop in exactly one group."""
    found: dict[tuple[str, str], list[DropTotal]] = defaultdict(list)
    grounds: dict[tuple[str, str], set[Ground]] = defaultdict(set)
    for total in facts.drops:
        ground, name = _named(facts, total)
        subject = ("reason" if ground == "counters" else ground, name)
        found[subject].append(total)
        grounds[subject].add(ground)
    return [Group("reason" if "reason" in grounds[subject] else min(grounds[subject]), subject[1],
                  _cause(subject[0], drops[0].drop.key, subject[1]), drops)
            for subject, drops in found.items()]


def _named(facts: Facts, total: DropTotal) -> tuple[Ground, str]:
    key = total.drop.key
    if key.kind.origin == "hardware":
        return "trap", key.kind.trap or key.kind.trap_group or key.kind.reason or NO_SYMBOL
    if reason := reason_of(key):
        return "reason", reason
    if told := facts.evidence.reason(total.host, key):
        return "counters", told
    place = causes.location(key.location.symbol) if key.location.symbol else None
    return ("place", place.title) if place else ("nothing", place_name(key))


def place_name(key: DropKey) -> str:
    """Return the function of a drop, or its address."""
    location = key.location
    if location.symbol:
        return location.symbol
    return NO_SYMBOL if location.address is None else f"{location.address:#x}"


def _cause(ground: str, key: DropKey, name: str) -> Cause | None:
    if ground == "reason":
        return causes.reason(name)
    return causes.location(key.location.symbol) if ground == "place" and key.location.symbol else None
