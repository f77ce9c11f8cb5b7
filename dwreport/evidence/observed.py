"""The noun of every report: the drops of one key on one host in one window, with all that is known of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from dropwatchd.history.read.aligned import AlignedDrop
from dropwatchd.history.read.reader import DropTotal, PacketRow
from dropwatchd.model import DropKey
from dwreport.causes import candidates_of, reason_of
from dwreport.packets.headers import Trait, traits
from dwreport.packets.messages import has_link_header

Means = Literal["counters", "packets", "sizes", "names", "others"]
Per = Literal["netns", "interface", "host"]
_HEADERS = 74  # bytes: Ethernet and the longest IPv4 header
_Subject = tuple[str, DropKey]


class Limit(NamedTuple):
    """What the other end of a pair takes: frames with so many bytes inside, and none while it was down."""

    interface: str
    netns: int | None
    mtu: int
    is_up: bool


class Told(NamedTuple):
    """The reason of drops for which the kernel gave none, and by what it is known.

    `is_newer` says that the kernel is newer than the sources by which the others were ruled out. `limit` is what was
    told by sizes.
    """

    reason: str
    means: Means
    is_newer: bool = False
    limit: Limit | None = None


class Sampled(NamedTuple):
    """Traits that every packet has, and such as a packet may have: one that was cut short may have any."""

    every: AbstractSet[str] = frozenset()
    some: AbstractSet[str] = frozenset(get_args(Trait))


_ANY = Sampled()


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """The drops of one key on one host: in the report, between two readings of the counters, and as sampled.

    `total` is None where the report's filters leave them out. Of `count` drops, which may begin before the window,
    `inside` lie for sure between the first and the last reading of their namespace's counters, `at_most` may;
    `host_inside` and `host_at_most` between those of any counter. `candidates` is what they may have been where no
    reason is sure; `told`, what follows from everything else. `asked` are those of the packets that filters by what is
    in packets leave, None where there are none such: of what all are the cause is told.
    """

    host: str
    key: DropKey
    total: DropTotal | None
    count: int
    inside: int
    at_most: int
    host_inside: int
    host_at_most: int
    candidates: tuple[str, ...] = ()
    packets: Sequence[PacketRow] = ()
    traits: Sampled = _ANY
    told: Told | None = None
    asked: Sequence[PacketRow] | None = None

    @property
    def sampled(self) -> Sequence[PacketRow]:
        """Return the sampled packets that the report is about."""
        return self.packets if self.asked is None else self.asked

    @property
    def reason(self) -> str | None:
        """Return the reason, as far as it is known."""
        return reason_of(self.key) or (self.told.reason if self.told else None)

    @property
    def netns(self) -> int | None:
        """Return the namespace."""
        return self.key.interface.netns

    @property
    def interface(self) -> str | None:
        """Return the name of the interface."""
        return self.key.interface.name

    @property
    def shown(self) -> int:
        """Return how many of the report's drops these are."""
        return self.total.drop.count if self.total else 0

    def between(self, per: Per) -> tuple[int, int]:
        """Return how many lie between two readings of the counters of a place, for sure and at most."""
        return (self.host_inside, self.host_at_most) if per == "host" else (self.inside, self.at_most)


def observe(aligned: Iterable[AlignedDrop], totals: Iterable[DropTotal], packets: Iterable[PacketRow],
            kernels: Mapping[str, Collection[str]], asked: Iterable[PacketRow] | None = None) -> list[Observed]:
    """Bring together what is known of each key on each host; rows of one key are of devices that were made anew."""
    reported = {(total.host, total.drop.key): total for total in totals}
    sampled: dict[_Subject, list[PacketRow]] = defaultdict(list)
    for packet in packets:
        sampled[packet.host, packet.key].append(packet)
    left: dict[_Subject, list[PacketRow]] = defaultdict(list)
    for packet in asked or ():
        left[packet.host, packet.key].append(packet)
    counts: dict[_Subject, Counter[str]] = defaultdict(Counter)
    for drop in aligned:
        counts[drop.host, drop.key].update({name: getattr(drop, name) for name in _COUNTS})
    for subject in reported:
        counts.setdefault(subject, Counter())
    return [Observed(host, key, reported.get((host, key)), found["count"], found["inside"], found["at_most"],
                     found["host_inside"], found["host_at_most"], candidates_of(key, kernels.get(host, ())),
                     sampled[host, key], _traits(sampled[host, key]),
                     asked=None if asked is None else left[host, key])
            for (host, key), found in counts.items()]


_COUNTS = ("count", "inside", "at_most", "host_inside", "host_at_most")


def _traits(packets: Sequence[PacketRow]) -> Sampled:
    """Return what all packets have that were sampled, and what any of them may have."""
    if not packets:
        return _ANY
    every, some = zip(*_each(packets), strict=True)
    return Sampled(frozenset.intersection(*every), frozenset.union(*some))


def _each(packets: Iterable[PacketRow]) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    for packet in packets:
        link_header = packet.link_header and has_link_header(packet.key)
        own = frozenset[str](traits(packet.data, packet.key.kind.protocol, link_header=link_header))
        whole = link_header and len(packet.data) >= min(packet.length, _HEADERS)
        yield own, own if whole else frozenset(_ANY.some)
