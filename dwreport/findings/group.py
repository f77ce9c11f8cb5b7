"""Drops grouped by their cause, across functions, interfaces, namespaces and hosts: pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from dropwatchd.history.reader import DropTotal
from dropwatchd.model import DropKey
from dwreport import catalogue, causes
from dwreport.causes import Cause
from dwreport.evidence.compare import Agreement
from dwreport.evidence.facts import Facts
from dwreport.evidence.record import Means
from dwreport.reconcile.algebra import reason_of

Ground = Literal["reason", "place", "trap", "nothing"] | Means
NO_SYMBOL = "an unnamed place"


@dataclass(frozen=True, slots=True)
class Group:
    """Drops of one cause, and on what ground it is known; `cause` is None where the catalogue does not have it.

    `told` is the counter that names it more closely than the kernel's reason, if any.
    """

    ground: Ground
    name: str
    cause: Cause | None
    drops: Sequence[DropTotal]
    told: str = ""

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
    found: dict[_Subject, list[DropTotal]] = defaultdict(list)
    grounds: dict[_Subject, set[Ground]] = defaultdict(set)
    known: dict[_Subject, Cause | None] = {}
    for total in facts.drops:
        ground, name, cause = _named(facts, total)
        told, closer = _told_closer(facts.compared([total]), facts)
        cause = closer or cause
        subject = _Subject("reason" if ground in get_args(Means) else ground, name, cause.title if cause else "", told)
        found[subject].append(total)
        grounds[subject].add(ground)
        known.setdefault(subject, cause)
    return [Group("reason" if "reason" in sure else min(sure), subject.name, known[subject], drops, subject.told)
            for (subject, drops), sure in zip(found.items(), grounds.values(), strict=True)]


class _Subject(NamedTuple):
    """What the drops of a group have in common."""

    ground: Ground
    name: str
    title: str
    told: str


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
    place = catalogue.of_place(key)
    return ("place", place.title, place) if place else ("nothing", place_name(key), None)


def _told_closer(compared: Sequence[Agreement], facts: Facts) -> tuple[str, Cause | None]:
    """Return the one counter that accounts for all packets, and the cause that it names more closely than a reason."""
    telling = [agreement for agreement in compared if agreement.equality.closer]
    moved = {name for agreement in telling for name, delta in agreement.counters.items() if delta}
    whole = all(agreement.verdict == "agree" and agreement.counted == agreement.drops for agreement in telling)
    whole = whole and not any(facts.evidence.delta(name, agreement.place)
                              for agreement in telling for name in agreement.equality.unless)
    closer = {counter: name for agreement in telling for counter, name in agreement.equality.closer.items()}
    told = moved.pop() if whole and len(moved) == 1 else ""
    return (told, causes.written(closer[told])) if told in closer else ("", None)


def place_name(key: DropKey) -> str:
    """Return the function of a drop, or its address."""
    location = key.location
    if location.symbol:
        return location.symbol
    return NO_SYMBOL if location.address is None else f"{location.address:#x}"

