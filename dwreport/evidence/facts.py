"""What a history holds to compare: drops, counters that moved, which counters were read where, and what happened."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property

from dropwatchd.history.read.levels import SocketRow
from dropwatchd.history.read.reader import CounterTotal, DeviceRow, LoggedEvent
from dropwatchd.model import Namespace
from dwreport import causes
from dwreport.causes import UNSPECIFIED, Equality, equalities
from dwreport.causes.lookup import function
from dwreport.evidence.chains import Chains
from dwreport.evidence.observed import Observed, Told
from dwreport.evidence.renames import renamed
from dwreport.evidence.settings import Settings, Span
from dwreport.evidence.stacks import Stacks
from dwreport.evidence.tally import Place, Tally, written

_DOWN, _ASKING = "DEV_READY", {"gro_cells_receive"}  # net/core/gro_cells.c: of the device that the packet is on
Looked = Iterable[tuple[str, str, str, int | None]]


@dataclass(frozen=True)
class Facts:
    """All drops of the window, whatever the filters of the report, and the counters beside them.

    `looked` are the (host, collector, name, netns) of counters that were read, moved or not. `blind` says whether
    drops went unseen. `kernels` are the releases that each host ran, `names` those of the namespaces. `sockets` are
    such as take packets of one address or peer alone, which were looked for in the (host, netns) of `sockets_looked`.
    `settings` are those of devices, `chains` those of firewalls, `spaces` what namespaces are; `stacks`
    tell how the kernel came to drops.
    """

    drops: Sequence[Observed]
    counters: Sequence[CounterTotal]
    looked: Looked = ()
    blind: bool = False
    kernels: Mapping[str, set[str]] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    events: Sequence[LoggedEvent] = ()
    devices: Mapping[Place, DeviceRow] = field(default_factory=dict)
    sockets: Sequence[SocketRow] = ()
    sockets_looked: AbstractSet[tuple[str, int | None]] = frozenset()
    settings: Settings = field(default_factory=Settings)
    chains: Chains = field(default_factory=Chains)
    spaces: Mapping[int, Namespace] = field(default_factory=dict)
    stacks: Stacks = field(default_factory=Stacks)

    def with_told(self, told: Mapping[Observed, Told]) -> "Facts":
        """Return the same, with the reasons of drops for which the kernel gave none."""
        return replace(self, drops=[replace(drop, told=told[drop]) if drop in told else drop for drop in self.drops])

    @cached_property
    def tally(self) -> Tally:
        """Return by how much counters moved; levels that go up and down are none."""
        kinds = {place: device.kind for place, device in self.devices.items()}
        return Tally((total for total in self.counters if not total.gauge and total.delta > 0), kinds,
                     self._renamed)

    @cached_property
    def _renamed(self) -> Mapping[Place, Place]:
        return renamed(self.events)

    def device(self, host: str, netns: int | None, interface: str | None) -> Place:
        """Return where the counters of a device are found, whatever it was called meanwhile."""
        place = Place(host, netns, interface)
        return self._renamed.get(place, place)

    @cached_property
    def _read(self) -> Mapping[str, set[Place]]:
        """Return the namespaces that each counter was read in; one that moved was read."""
        places: dict[str, set[Place]] = defaultdict(set)
        for host, collector, name, netns in self.looked:
            places[written(collector, name)].add(Place(host, netns))
        for total in self.counters:
            places[written(total.collector, total.name)].add(Place(total.host, total.netns))
        return places

    @cached_property
    def _read_around(self) -> Mapping[str, set[Place]]:
        """Return the places that these namespaces are or lie within."""
        return {name: {whole for place in places for whole in place.around()} for name, places in self._read.items()}

    @cached_property
    def _read_anywhere(self) -> set[Place]:
        return {place for places in self._read.values() for place in places}

    @cached_property
    def by_reason(self) -> Mapping[str | None, list[Observed]]:
        """Return the drops by their reason, as far as it is known."""
        found: dict[str | None, list[Observed]] = defaultdict(list)
        for drop in self.drops:
            found[drop.reason].append(drop)
        return found

    def named_in(self, host: str, symbol: str) -> set[str]:
        """Return the reasons that the kernels of a host gave in a function."""
        return self._named.get((host, symbol), set())

    @cached_property
    def _named(self) -> Mapping[tuple[str, str | None], set[str]]:
        found: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        for drop in self.drops:
            if drop.key.kind.reason not in {None, UNSPECIFIED}:
                found[drop.host, drop.key.location.symbol].add(drop.key.kind.reason)
        return found

    def read_in(self, equality: Equality) -> set[Place]:
        """Return the namespaces in which any of the counters was read."""
        return {place for name in equality.counters for place in self._read.get(name, ())}

    def has_read(self, equality: Equality, place: Place) -> bool:
        """Say whether any of the counters was read in a place."""
        whole = place.netns is None or equality.per == "host"
        wanted = Place(place.host) if whole else Place(place.host, place.netns)
        return any(wanted in self._read_around.get(name, ()) for name in equality.counters)

    def has_read_any(self, place: Place) -> bool:
        """Say whether counters of a namespace were read at all."""
        return Place(place.host, place.netns) in self._read_anywhere

    def refuted(self, drop: Observed, reason: str) -> str | None:
        """Return a counter that would have moved had a drop been for this reason, and rested.

        So does the gauge of a device that was up all the while, where a function asks for that before all else.
        """
        if reason == _DOWN and function(drop.key.location.symbol or "") in _ASKING and self._was_up(drop):
            return "device/up"
        return next((equality.counters[0] for equality in equalities()
                     if equality.counters and not equality.uncounted and not equality.optional
                     and equality.concerns(drop.key, reason) and self._rested(equality, drop)), None)

    def _was_up(self, drop: Observed) -> bool:
        if drop.total is None:
            return False
        during = Span(drop.total.drop.first_ns, drop.total.drop.last_ns)
        return self.settings.value(Place(drop.host, drop.netns, drop.interface), "up", during) == 1

    def fits(self, drop: Observed, reason: str) -> bool | None:
        """Say whether all sampled packets are such as are dropped for a reason; None where they may be."""
        known = causes.written(reason)
        trait = known.packets if known else None
        return None if trait is None or trait in drop.traits.some - drop.traits.every else trait in drop.traits.every

    def _rested(self, equality: Equality, drop: Observed) -> bool:
        """Say whether counters were read before and after a drop, where it is counted, and none of them moved."""
        whole = equality.per == "host"
        place = Place(drop.host) if whole else Place(drop.host, drop.netns)
        inside, _most = drop.between(equality.per)
        return ((whole or place.netns is not None) and inside == drop.count and not self._moved(equality, place)
                and self.has_read(equality, place))

    def _moved(self, equality: Equality, place: Place) -> bool:
        return any(self.delta(name, place) for name in equality.counters)

    def delta(self, name: str, place: Place) -> int | None:
        """Return by how much a counter moved in a place, None where it was not read."""
        read = place in self._read_around.get(name, ())
        return self.tally.delta(name, place) if read else None
