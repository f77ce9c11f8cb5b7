"""What a drop on record means: its cause, what it may have been, and what to do next."""

import re
from collections.abc import Collection, Iterable
from typing import Literal, get_args

import msgspec

from dropwatchd.model import DropKey
from dwreport.causes.entries import CHECKED, Cause, Harm, Location, version
from dwreport.causes.equalities import UNSPECIFIED
from dwreport.causes.lookup import counter, known_as, location, reason, trap, written
from dwreport.text import quoted

Standing = Literal["checked", "newer", "open"]
_PLACE = re.compile(r"\{(\w+)\}|<(source|destination)>")


def of_drop(key: DropKey) -> Cause | None:
    """Return the meaning of a drop: of its trap, of its reason, or of its location where no reason tells."""
    named, symbol = key.kind.reason, key.location.symbol
    if key.kind.trap:
        return trap(key.kind.trap)
    if named and named != UNSPECIFIED and (found := reason(named, symbol)):
        return found
    return of_place(key) or (reason(named) if named else None)


def of_place(key: DropKey) -> Location | None:
    """Return what the function of a drop without a telling reason means."""
    place = location(key.location.symbol) if key.location.symbol else None
    return untold(place) if place and key.kind.reason is None else place


def untold(place: Location) -> Location:
    """Return what a function means where reasons are not told at all: as harmful as the worst of its candidates."""
    harms = [place.harm, *(known.harm for name in place.possible(()) if (known := written(name)))]
    worst = max(harms, key=get_args(Harm).index)
    return place if worst == place.harm else msgspec.structs.replace(place, harm=worst, harmless="")


def of_counter(collector: str, name: str) -> Cause | None:
    """Return the meaning of a counter."""
    return counter(collector, name)


def advice(cause: Cause, interface: str | None, **known: str) -> str | None:
    """Return the next step, for the interface at hand.

    Other values may be known too (port, symbol, source, destination); what is not stands in capitals: PORT.
    """
    return filled(cause.next, interface=interface, **known)


def filled(text: str, **known: str | None) -> str | None:
    """Return a next step with what is known in its places: quoted, for a name must not become part of a command."""
    values = {name: quoted(value) for name, value in known.items() if value}
    return _PLACE.sub(lambda place: values.get(place[1] or place[2], place[0] if place[2] else place[1].upper()),
                      text) or None


def reason_of(key: DropKey) -> str | None:
    """Return the reason of a drop as far as it is sure: the kernel's, or else the one its function stands for.

    One that kernels call otherwise by now has the name that the catalogue knows it by.
    """
    if key.kind.reason and key.kind.reason != UNSPECIFIED:
        return known_as(key.kind.reason)
    place = location(key.location.symbol) if key.location.symbol else None
    return place.cause if place else None


def candidates_of(key: DropKey, kernels: Iterable[str]) -> tuple[str, ...]:
    """Return what a drop without a sure reason may have been, on one of these kernels.

    A kernel that gives no reason to anything has not left this one out.
    """
    place = location(key.location.symbol) if key.location.symbol and reason_of(key) is None else None
    return place.possible(kernels if key.kind.reason else ()) if place else ()


def is_checked(kernels: Iterable[str]) -> bool:
    """Say whether these are kernels that are no newer than those whose sources the catalogue was held against."""
    return () < max(map(version, kernels), default=()) <= version(CHECKED)


def standing(symbol: str, kernels: Collection[str], named: Iterable[str]) -> Standing:
    """Say what a conclusion by elimination from the candidates of a function rests on.

    "checked": function and candidates were seen in the sources of kernels as new as these. "newer": they were not, and
    nothing on record speaks against the list of candidates. "open": it cannot be used, as the kernel is not known, or
    the record shows that the function has changed since: of the reasons that these kernels gave there (`named`), one is
    not in the catalogue or younger, or is a candidate that the function should leave unnamed.
    """
    place = location(symbol)
    if place is None or () in (releases := {version(kernel) for kernel in kernels} or {()}):
        return "open"
    left = place.possible(kernels)
    seen = seen_in([place, *map(written, left)])
    if max(releases) <= seen:
        return "checked"
    return "open" if any(name in left or is_younger(name, seen) for name in named) else "newer"


def seen_in(entries: Iterable[Cause | None]) -> tuple[int, ...]:
    """Return the newest kernel in whose source all of these were seen."""
    return min(version(entry.checked) for entry in entries if entry)


def is_younger(name: str, seen: tuple[int, ...]) -> bool:
    """Say whether a reason came after the kernels that were seen."""
    known = reason(name)
    return known is None or version(known.since or "") > seen
