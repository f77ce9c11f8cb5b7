"""What an entry of the catalogue says: the fields of reasons, functions, counters and traps."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Literal

import msgspec

from dwreport.packets.headers import Trait

Kind = Literal["drop", "error", "pressure", "info"]
Harm = Literal["benign", "suspect", "harmful"]

CHECKED = "6.18"  # the newest kernel whose sources all entries were held against


class Cause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one name means: title is a headline, next the one next step, source the kernel's own word.

    `harmless` says why nobody loses anything by a benign one. `packets` is what all packets have in common that are
    dropped for it; `follows`, the kinds of events after which it is to be expected. `checked` is the newest kernel in
    whose source this was seen.
    """

    name: str
    layer: str
    kind: Kind
    harm: Harm
    title: str
    meaning: str
    source: str
    harmless: str = ""
    usual: tuple[str, ...] = ()
    next: str = ""
    look: tuple[str, ...] = ()
    packets: Trait | None = None
    follows: tuple[str, ...] = ()
    checked: str = CHECKED


class Reason(Cause, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drop reason, or a cause that the kernel has no name for: then in lower case.

    `counters` move with it, `functions` drop for nothing else; `since` is the kernel that brought the name, if known.
    """

    counters: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    since: str | None = None


class Location(Cause, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A function that frees packets; candidates are what it may stand for, cause the reason if it is sure.

    A candidate is a reason or a counter that is a cause by itself; "NAME until 6.14" is one to which kernels from 6.14
    on give its reason, so that a packet without any is none of these. `complete` says that there are no others, nor
    such as are too rare to be named. `match` is the pattern of the names that this is said of, or how they begin.
    """

    candidates: tuple[str, ...] = ()
    cause: str | None = None
    complete: bool = False
    match: str | tuple[str, ...] | None = None

    def possible(self, kernels: Iterable[str]) -> tuple[str, ...]:
        """Return the candidates that a packet may be, which one of these kernels freed and left unnamed."""
        oldest = min(map(version, kernels), default=())
        parted = (candidate.partition(" until ") for candidate in self.candidates)
        return tuple(name for name, _, until in parted if not until or oldest < version(until))


class Counter(Cause, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A counter; parts count in it too (all of it if complete), event names the reasons that correspond."""

    collector: str
    parts: tuple[str, ...] = ()
    parts_complete: bool = False
    event: tuple[str, ...] = ()
    match: str | None = None


class Trap(Cause, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A packet trap of devlink, by which a device says why it dropped a packet in hardware."""


@cache
def version(release: str) -> tuple[int, ...]:
    """Return what orders releases: (6, 1) for "6.1.0-49-amd64"; nothing for one that is not known."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else ()
