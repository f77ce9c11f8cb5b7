"""The counter algebra: which counters must move with which drop events, as data with the kernel's own word for it.

`algebra.toml` has one [[equality]] each, and a table [alone] of counters that are a cause by themselves, each with why
it may move without an event. Counters are written as the catalogue of causes does (`UdpRcvbufErrors`,
`softnet/dropped`); those of one equality count different packets, so that they add.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from dropwatchd.model import DropKey
from dwreport import causes

_FAMILIES = {"ipv4": 0x0800, "ipv6": 0x86DD}
UNSPECIFIED = "NOT_SPECIFIED"


class Equality(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counters, less their parts that are compared elsewhere, against events of these reasons at these places.

    - `total`: the counter that these are parts of; `fault`: what a zero of these rules out.
    - `cause`: what names a loss that the counters alone saw; the one that moved most where this is not given.
    - `unseen`: why the counters may move without an event; `uncounted`: why an event may move none.
    - `fewer`: why several events are one count.
    - `closer`: by counter, what names the cause more closely than the reasons do, where no other of them moved.
    - `unless`: counters that moved leave `closer` open.
    - `optional`: one cause of several moves the counters, so that nothing follows where they differ.
    - `also`: reasons of the host's other events that may count here as well.
    - `labels`, `labels_not`: which of the counters of one name are meant.
    """

    counters: tuple[str, ...]
    reasons: tuple[str, ...]
    source: str = ""
    less: tuple[str, ...] = ()
    per: Literal["netns", "interface", "host"] = "netns"
    protocol: Literal["ipv4", "ipv6"] | None = None
    places: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    labels_not: Mapping[str, str] = {}
    total: str | None = None
    fault: str = ""
    cause: str = ""
    unseen: str = ""
    uncounted: str = ""
    fewer: str = ""
    also: tuple[str, ...] = ()
    closer: Mapping[str, str] = {}
    unless: tuple[str, ...] = ()
    optional: bool = False

    @property
    def is_alone(self) -> bool:
        """Say whether it is of a counter that is a cause by itself."""
        return self.counters == self.reasons

    def concerns(self, key: DropKey, reason: str | None) -> bool:
        """Say whether a drop for this reason moves these counters."""
        return (reason in self.reasons and key.kind.origin == "software"
                and (self.protocol is None or key.kind.protocol == _FAMILIES[self.protocol])
                and (not self.places or any(fnmatchcase(key.location.symbol or "", place) for place in self.places)))


class _Algebra(msgspec.Struct):
    equality: tuple[Equality, ...]
    alone: Mapping[str, str]


@cache
def equalities() -> tuple[Equality, ...]:
    """Return all equalities."""
    import tomllib  # noqa: PLC0415 -- 8 ms, and not needed by a report without drops

    text = (Path(__file__).parent / "algebra.toml").read_text(encoding="utf-8")
    algebra = msgspec.convert(tomllib.loads(text), _Algebra)
    alone = (Equality(counters=(name,), reasons=(name,), also=(UNSPECIFIED,), unseen=unseen)
             for name, unseen in algebra.alone.items())
    return (*algebra.equality, *alone)


def reason_of(key: DropKey) -> str | None:
    """Return the reason of a drop as far as it is sure: the kernel's, or else the one its function stands for."""
    if key.kind.reason not in {None, UNSPECIFIED}:
        return key.kind.reason
    place = causes.location(key.location.symbol) if key.location.symbol else None
    return place.cause if place else None


def candidates_of(key: DropKey, kernels: Iterable[str]) -> tuple[str, ...]:
    """Return what a drop without a sure reason may have been, on one of these kernels.

    A kernel that gives no reason to anything has not left this one out.
    """
    place = causes.location(key.location.symbol) if key.location.symbol and reason_of(key) is None else None
    return place.possible(kernels if key.kind.reason else ()) if place else ()
