"""Which counters must move with which drop events, with the kernel's own word for it.

Most stand in equalities.toml. A cause that says `counted` moves one of those counters with each of its events, and
nothing else moves them. A table [alone] has counters that are a cause by themselves, each with why it may move without
an event. Counters are written as nstat prints them (`UdpRcvbufErrors`), or with their collector (`softnet/dropped`);
those of one equality count different packets, so that they add. Where IPv4 and IPv6 count apart, an entry names the
counters of both and makes two equalities.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

import msgspec

from dropwatchd.model import DropKey
from dwreport.causes.files import Fields, made, read
from dwreport.causes.index import Entry, index

Protocol = Literal["ipv4", "ipv6"]
_FILE, _ALONE = "equalities.toml", "alone"
_FAMILIES = {"ipv4": 0x0800, "ipv6": 0x86DD}
_COUNTED_APART = re.compile(r"(UdpLite|Udp|Icmp|Ip)(6?)(?=[A-Z])")  # the protocols whose counters say which IP it was
_COUNTERS = ("counters", "less", "total")  # the fields that name counters
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
    - `kinds`: the kinds of device, as rtnetlink names them, whose counters are meant; an equality that names none
      means all but those that others of the same counter name (`not_kinds`).
    """

    counters: tuple[str, ...]
    reasons: tuple[str, ...]
    source: str = ""
    less: tuple[str, ...] = ()
    per: Literal["netns", "interface", "host"] = "netns"
    protocol: Protocol | None = None
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
    kinds: tuple[str, ...] = ()
    not_kinds: frozenset[str] = frozenset()

    @property
    def is_alone(self) -> bool:
        """Say whether it is of a counter that is a cause by itself."""
        return self.counters == self.reasons

    def is_of(self, kind: str | None) -> bool:
        """Say whether it is of the counters of such a device; None is a card, or one of which nothing is known."""
        return kind in self.kinds if self.kinds else kind not in self.not_kinds

    def concerns(self, key: DropKey, reason: str | None) -> bool:
        """Say whether a drop for this reason moves these counters."""
        return (reason in self.reasons and key.kind.origin == "software"
                and (self.protocol is None or key.kind.protocol == _FAMILIES[self.protocol])
                and (not self.places or any(fnmatchcase(key.location.symbol or "", place) for place in self.places)))


@cache
def equalities() -> tuple[Equality, ...]:
    """Return all equalities."""
    written = read(_FILE)
    found = (*(equality for entry in index().reasons.values() for equality in _of_cause(entry)),
             *(equality for name, fields in written.items() if name != _ALONE for equality in _made(name, fields)),
             *(_alone(name, unseen) for name, unseen in written[_ALONE].items()))
    return tuple(_but_others(equality, found) for equality in found)


def _but_others(equality: Equality, found: Iterable[Equality]) -> Equality:
    """Leave to others the kinds of device for which they say what the same counter is; it may be compared with more."""
    if equality.kinds or equality.per != "interface":
        return equality
    others = {kind for other in found if other.counters[:1] == equality.counters[:1] and not other.optional
              for kind in other.kinds}
    return msgspec.structs.replace(equality, not_kinds=frozenset(others))


def _made(name: str, fields: Fields, file: str = _FILE) -> Iterator[Equality]:
    """Yield the equality of an entry, or one for each protocol that its counters tell."""
    for protocol in dict.fromkeys(map(_protocol, fields.get("counters", ()))) or {None: None}:
        own = {key: [counter for counter in fields.get(key, ()) if _protocol(counter) == protocol] for key in _COUNTERS}
        total = next(iter(own.pop("total")), None)
        yield made(Equality, file, name, {"protocol": protocol} | dict(fields) | own | {"total": total})


def _protocol(counter: str) -> Protocol | None:
    found = _COUNTED_APART.match(counter)
    return None if found is None else "ipv6" if found[2] else "ipv4"


def _of_cause(entry: Entry) -> Iterator[Equality]:
    if counted := entry.fields.get("counted"):
        fields = {"counters": counted, "reasons": [entry.name], "source": entry.fields["source"]}
        yield from _made(entry.name, fields, entry.file)


def _alone(name: str, unseen: str) -> Equality:
    return Equality(counters=(name,), reasons=(name,), also=(UNSPECIFIED,), unseen=unseen)


@cache
def counters_of(reason: str) -> tuple[str, ...]:
    """Return the counters that move with a reason: those of its equalities, and those that its entry names besides."""
    entry = index().reasons.get(reason)
    return tuple(dict.fromkeys((*_compared().get(reason, ()), *(entry.fields.get("counters", ()) if entry else ()))))


def reasons_of(counter: str) -> tuple[str, ...]:
    """Return the reasons that correspond to a counter."""
    return tuple(_counted().get(counter, ()))


@cache
def _compared() -> Mapping[str, tuple[str, ...]]:
    """Return the counters of each reason that an equality holds against it."""
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for equality in equalities():
        for reason in (UNSPECIFIED,) if equality.is_alone else equality.reasons:
            found[reason] += (*equality.counters, *((equality.total,) if equality.total else ()))
    return found


@cache
def _counted() -> Mapping[str, list[str]]:
    """Return the reasons of each counter."""
    found: dict[str, list[str]] = defaultdict(list)
    for reason in index().reasons:
        for counter in counters_of(reason):
            found[counter].append(reason)
    return found
