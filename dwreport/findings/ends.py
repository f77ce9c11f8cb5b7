"""Where dropped packets came from and went to: interfaces as counted, ports and addresses as sampled: pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address, ip_network
from math import isclose, sqrt

from dropwatchd.history.read.portions import DEVIATIONS, likely
from dropwatchd.history.read.reader import PacketRow
from dropwatchd.model import Interface
from dwreport.evidence.observed import Observed
from dwreport.findings import support
from dwreport.packets.headers import Who, who
from dwreport.packets.messages import has_link_header
from dwreport.text import netns_text

_PREFIX = {4: 24, 6: 64}
_MOST_INTERFACES = 3
_FEW = 3  # values that are named one by one


@dataclass(frozen=True)
class Senders:
    """Where packets came from and went to: all of some drops, and what was sampled of them."""

    drops: Sequence[Observed]

    @cached_property
    def weighted(self) -> list[tuple[Who, float]]:
        """Return who was sampled, each with its share of the drops of its key: samples are as many as are kept."""
        found = []
        for drop in self.drops:
            sampled = sum(packet.weight for packet in drop.sampled)
            found += [(ends_of(packet), packet.weight * drop.shown / sampled) for packet in drop.sampled]
        return found

    @cached_property
    def ports(self) -> Counter[str]:
        """Return transport and destination port of the sampled packets, such as udp/5060."""
        return self._counted(_port)

    @cached_property
    def sources(self) -> Counter[str]:
        """Return source addresses."""
        return self._counted(lambda ends: ends.source)

    @cached_property
    def destinations(self) -> Counter[str]:
        """Return destination addresses."""
        return self._counted(lambda ends: ends.destination)

    @cached_property
    def interfaces(self) -> Counter[Interface]:
        """Return the interfaces of all drops."""
        found: Counter[Interface] = Counter()
        for drop in self.drops:
            if drop.interface:
                found[drop.key.interface._replace(ifindex=None)] += drop.shown
        return found

    def told(self) -> Iterator[support.Who]:
        """Yield interfaces, ports, sources and destinations."""
        packets = sum(drop.shown for drop in self.drops)
        foremost = self.interfaces.most_common(_MOST_INTERFACES)
        yield from (support.OnInterface(interface.name or "", netns_text(interface), count, packets)
                    for interface, count in foremost)
        if rest := len(self.interfaces) - len(foremost):
            yield support.MoreInterfaces(rest)
        if self.ports:
            yield self._ends("port", self.ports)
        elif transports := self._counted(lambda ends: ends.transport):
            yield self._ends("transport", transports)
        if self.sources:
            yield self._ends("source", self.sources)
        if self.destinations:
            yield self._ends("destination", self.destinations)

    def leader(self, found: Counter[str]) -> str | None:
        """Return the value that is the foremost for sure, whatever the error of sampling; of two alike, neither."""
        alike = self._alike(found)
        return alike[0] if len(alike) == 1 else None

    def _ends(self, kind: support.EndKind, found: Counter[str]) -> support.Ends:
        few = [value for value, _weight in found.most_common(_FEW)]
        named = few if len(found) <= _FEW else self._alike(found)[:_FEW]
        network = _network(found) if len(found) > _FEW and kind in {"source", "destination"} else None
        return support.Ends(kind, {value: self._share(found[value]) for value in named}, len(found), network)

    def _share(self, weight: float) -> support.Share:
        part = 1.0 if isclose(weight, self._whole) else weight / self._whole
        is_sure = self._is_census or part == 1.0  # or it is said of all samples
        error = 0.0 if is_sure else max(abs(end - part) for end in likely(part, self._size))
        return support.Share(100 * part, 100 * error, sum(drop.shown for drop in self.drops if drop.sampled),
                             sum(drop.shown for drop in self.drops))

    def _alike(self, found: Counter[str]) -> list[str]:
        """Return the foremost value, and those that sampling cannot tell from it."""
        if not found:
            return []
        ordered = found.most_common()
        first, most = ordered[0]
        return [first, *(value for value, weight in ordered[1:] if not self._is_less(weight, most))]

    def _is_less(self, weight: float, most: float) -> bool:
        """Say whether one part is the smaller one for sure: by the variance of the difference of two multinomials."""
        if self._is_census:
            return weight < most
        one, other = weight / self._whole, most / self._whole
        return other - one > DEVIATIONS * sqrt((one + other - (one - other) ** 2) / self._size)

    @cached_property
    def _is_census(self) -> bool:
        """Say whether every packet was kept."""
        return all(len(drop.sampled) == drop.shown and not (drop.total and drop.total.about) for drop in self.drops)

    @cached_property
    def _size(self) -> float:
        """Return how many samples of equal weight tell as much (Kish's effective sample size)."""
        return self._whole ** 2 / sum(weight ** 2 for _ends, weight in self.weighted)

    @cached_property
    def _whole(self) -> float:
        return sum(weight for _ends, weight in self.weighted)

    def _counted(self, what: Callable[[Who], str | None]) -> Counter[str]:
        found: dict[str, float] = {}
        for ends, weight in self.weighted:
            if (value := what(ends)) is not None:
                found[value] = found.get(value, 0) + weight
        return Counter(found)


def ends_of(packet: PacketRow) -> Who:
    """Read who sent a packet to whom; a message between programs has no addresses."""
    return who(packet.data, packet.key.kind.protocol,
               link_header=packet.link_header and has_link_header(packet.key))


def _port(ends: Who) -> str | None:
    if ends.transport is None or ends.destination_port is None:
        return None
    return f"{ends.transport}/{ends.destination_port}"


def _network(addresses: Counter[str]) -> str | None:
    """Return the network that holds all addresses, if one does; hardware addresses have none."""
    if any(_is_hardware(address) for address in addresses):
        return None
    parsed = [ip_address(address) for address in addresses]
    networks = {ip_network((address, _PREFIX[address.version]), strict=False) for address in parsed}
    return str(networks.pop()) if len(networks) == 1 else None


def _is_hardware(address: str) -> bool:
    return len(address) == len("02:00:00:00:00:00") and address.count(":") == 5
