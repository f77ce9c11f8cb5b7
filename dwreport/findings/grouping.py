"""Drops grouped by their cause, across functions, interfaces, namespaces and hosts: pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from dropwatchd.history.reader import DropTotal
from dropwatchd.model import DropKey
from dwreport import causes
from dwreport.causes import Cause
from dwreport.findings.model import Facts
from dwreport.reconcile.algebra import reason_of
from dwreport.reconcile.evidence import Means

Ground = Literal["reason", "place", "trap", "nothing"] | Means
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
    found: dict[tuple[str, str, str], list[DropTotal]] = defaultdict(list)
    grounds: dict[tuple[str, str, str], set[Ground]] = defaultdict(set)
    known: dict[tuple[str, str, str], Cause | None] = {}
    for total in facts.drops:
        ground, name, cause = _named(facts, total)
        subject = ("reason" if ground in get_args(Means) else ground, name, cause.title if cause else "")
        found[subject].append(total)
        grounds[subject].add(ground)
        known.setdefault(subject, cause)
    return [Group("reason" if "reason" in sure else min(sure), subject[1], known[subject], drops)
            for (subject, drops), sure in zip(found.items(), grounds.values(), strict=True)]


def _named(facts: Facts, total: DropTotal) -> tuple[Ground, str, Cause | None]:
    """Return the ground on which a drop is known, the name it is known by, and what that means."""
    key = total.drop.key
    symbol = key.location.symbol
    if key.kind.origin == "hardware":
        trap = key.kind.trap
        return "trap", trap or key.kind.trap_group or key.kind.reason or NO_SYMBOL, causes.trap(trap) if trap else None
    if reason := reason_of(key):
        return "reason", reason, causes.reason(reason, symbol)
    if told := facts.evidence.settled.get((total.host, key)):
        return told.means, told.reason, causes.reason(told.reason, symbol) or causes.written(told.reason)
    place = causes.location(symbol) if symbol else None
    return ("place", place.title, place) if place else ("nothing", place_name(key), None)


def place_name(key: DropKey) -> str:
    """Return the function of a drop, or its address."""
    location = key.location
    if location.symbol:
        return location.symbol
    return NO_SYMBOL if location.address is None else f"{location.address:#x}"

