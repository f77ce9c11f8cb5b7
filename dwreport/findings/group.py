"""Drops grouped by cause and place: a link that was down does not hide among full queues: pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple, get_args

from dwreport import causes
from dwreport.causes import Cause, equalities, reason_of
from dwreport.evidence.compare import Agreement, Evidence, Part
from dwreport.evidence.facts import Facts
from dwreport.evidence.observed import Means, Observed
from dwreport.evidence.tally import Place

Ground = Literal["reason", "place", "trap", "nothing"] | Means
NO_SYMBOL = "an unnamed place"


@dataclass(frozen=True, slots=True)
class Group:
    """Drops of one cause in one place, and on what ground it is known; `cause` is None where the catalogue lacks it.

    `told` is the counter that names it more closely than the kernel's reason, if any. Where several counters add up to
    the drops and name different causes, there is a group of each: it has its `part` of the `parts`.
    """

    ground: Ground
    name: str
    cause: Cause | None
    drops: Sequence[Observed]
    place: Place
    told: str = ""
    parts: Sequence[Part] = ()
    part: Part | None = None

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
        return sum(self.part.counters.values()) if self.part else sum(drop.shown for drop in self.drops)


class _Subject(NamedTuple):
    """What the drops of a group have in common."""

    ground: Ground
    name: str
    title: str
    told: str
    place: Place


def groups(evidence: Evidence) -> list[Group]:
    """Return every drop of the report in exactly one group."""
    found: dict[_Subject, list[Observed]] = defaultdict(list)
    grounds: dict[_Subject, set[Ground]] = defaultdict(set)
    known: dict[_Subject, Cause | None] = {}
    for drop in evidence.drops:
        ground, name, cause = _named(drop)
        told, closer = _told_closer(evidence.compared([drop]), evidence.facts)
        cause = closer or cause
        subject = _Subject("reason" if ground in get_args(Means) else ground, name, cause.title if cause else "", told,
                           _place(ground, name, drop))
        found[subject].append(drop)
        grounds[subject].add(ground)
        known.setdefault(subject, cause)
    whole = [Group("reason" if "reason" in sure else min(sure), subject.name, known[subject], drops,
                   subject.place, subject.told)
             for (subject, drops), sure in zip(found.items(), grounds.values(), strict=True)]
    return [part for group in whole for part in _split(group, evidence)]


def _split(group: Group, evidence: Evidence) -> list[Group]:
    """Return a group, or one for each part where counters add up to it and name a cause of some."""
    parts = evidence.parts(group.drops)
    if not parts or group.count != sum(sum(part.counters.values()) for part in parts):
        return [group]
    return [replace(group, parts=parts, part=part) if part.cause is None else
            replace(group, parts=parts, part=part, name=part.cause, cause=causes.written(part.cause))
            for part in parts]


def _place(ground: Ground, name: str, drop: Observed) -> Place:
    """Return the place of a drop: a device where its cause is one of devices, and else the namespace."""
    by_device = ground == "trap" or name in _of_devices()
    return Place(drop.host, drop.netns, drop.interface if by_device else None)


@cache
def _of_devices() -> set[str]:
    """Return the reasons whose counters are those of single devices."""
    return {reason for equality in equalities() if equality.per == "interface" for reason in equality.reasons}


def _named(drop: Observed) -> tuple[Ground, str, Cause | None]:
    """Return the ground on which a drop is known, the name it is known by, and what that means."""
    key = drop.key
    symbol = key.location.symbol
    if key.kind.origin == "hardware":
        trap = key.kind.trap
        return "trap", trap or key.kind.trap_group or key.kind.reason or NO_SYMBOL, causes.trap(trap) if trap else None
    if reason := reason_of(key):
        return "reason", reason, causes.reason(reason, symbol)
    if told := drop.told:
        return told.means, told.reason, causes.reason(told.reason, symbol) or causes.written(told.reason)
    place = causes.of_place(key)
    return ("place", place.title, place) if place else ("nothing", place_name(drop), None)


def _told_closer(compared: Sequence[Agreement], facts: Facts) -> tuple[str, Cause | None]:
    """Return the one counter that accounts for all packets, and the cause that it names more closely than a reason."""
    telling = [agreement for agreement in compared if agreement.equality.closer]
    moved = {name for agreement in telling for name, delta in agreement.counters.items() if delta}
    whole = all(agreement.verdict == "agree" and agreement.counted == agreement.drops for agreement in telling)
    whole = whole and not any(facts.delta(name, agreement.place)
                              for agreement in telling for name in agreement.equality.unless)
    closer = {counter: name for agreement in telling for counter, name in agreement.equality.closer.items()}
    told = moved.pop() if whole and len(moved) == 1 else ""
    return (told, causes.written(closer[told])) if told in closer else ("", None)


def place_name(drop: Observed) -> str:
    """Return the function of a drop, or its address."""
    location = drop.key.location
    if location.symbol:
        return location.symbol
    return NO_SYMBOL if location.address is None else f"{location.address:#x}"
