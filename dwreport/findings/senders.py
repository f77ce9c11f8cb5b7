"""Who: interfaces as counted, and ports and addresses as sampled, each packet with its weight: pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import TypeVar

from dropwatchd.history.reader import DropTotal, PacketRow
from dropwatchd.model import DropKey, Interface
from dwreport.packets.headers import Who, who
from dwreport.text import netns_text, share

Value = TypeVar("Value")
_PREFIX = {4: 24, 6: 64}
_MOST_INTERFACES = 3
_FEW = 10  # percent: below it, a port is one of many
_SCALE = 1_000_000


@dataclass(frozen=True)
class Senders:
    """Where packets came from and went to: all of some drops, and what was sampled of them."""

    drops: Sequence[DropTotal]
    packets: Sequence[PacketRow] = field(default=())

    @cached_property
    def weighted(self) -> list[tuple[Who, int]]:
        """Return who was sampled, each with its share of the drops of its key: samples are as many as are kept."""
        counts = {(total.host, total.drop.key): total.drop.count for total in self.drops}
        sampled: Counter[tuple[str, DropKey]] = Counter()
        for packet in self.packets:
            sampled[packet.host, packet.key] += packet.weight
        scale = {subject: count * _SCALE // sampled[subject] for subject, count in counts.items() if sampled[subject]}
        return [(who(packet.data, packet.key.kind.protocol, link_header=packet.link_header),
                 packet.weight * scale[packet.host, packet.key]) for packet in self.packets]

    @cached_property
    def ports(self) -> Counter[tuple[str, int]]:
        """Return transport and destination port of the sampled packets."""
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
        for total in self.drops:
            interface = total.drop.key.interface
            if interface.name:
                found[interface._replace(ifindex=None)] += total.drop.count
        return found

    def lines(self) -> list[str]:
        """Return what to say, the most telling first."""
        return [line for line in (*self._interface_lines(), self._port_line(), self._source_line(),
                                  self._end("to", self.destinations)) if line]

    def _interface_lines(self) -> list[str]:
        whole = sum(total.drop.count for total in self.drops)
        found = self.interfaces.most_common(_MOST_INTERFACES)
        alone = len(found) == 1 and found[0][1] == whole
        rest = len(self.interfaces) - len(found)
        return [
            *(_interface(interface) + ("" if alone else f" {share(count, whole)}") for interface, count in found),
            *([f"{rest} more interfaces"] if rest else []),
        ]

    def _port_line(self) -> str | None:
        if not self.ports:
            transports = self._counted(lambda ends: ends.transport)
            return self._end("", transports, note=True)
        (transport, port), weight = self.ports.most_common(1)[0]
        among = "" if weight * 100 >= self._whole * _FEW else f", most often of {len(self.ports)} ports"
        return f"{transport}/{port} ({self._part(weight)}{among})"

    def _source_line(self) -> str | None:
        if len(self.sources) <= 1:
            return self._end("from", self.sources)
        return self._end("from", self._counted(lambda ends: _network(ends.source)))

    def _end(self, word: str, found: Counter[str], *, note: bool = False) -> str | None:
        if not found:
            return None
        name, weight = found.most_common(1)[0]
        part = "" if weight == self._whole and not note else f" ({self._part(weight)})"
        return f"{word} {name}{part}".strip()

    @cached_property
    def _whole(self) -> int:
        return sum(weight for _ends, weight in self.weighted)

    def _part(self, weight: int) -> str:
        return "all samples" if weight == self._whole else f"{share(weight, self._whole)} of samples"

    def _counted(self, what: Callable[[Who], Value | None]) -> Counter[Value]:
        found: Counter[Value] = Counter()
        for ends, weight in self.weighted:
            if (value := what(ends)) is not None:
                found[value] += weight
        return found


def _port(ends: Who) -> tuple[str, int] | None:
    if ends.transport is None or ends.destination_port is None:
        return None
    return ends.transport, ends.destination_port


def _interface(interface: Interface) -> str:
    namespace = netns_text(interface)
    return f"{interface.name}" if namespace in {None, "init"} else f"{interface.name} ({namespace})"


def _network(address: str | None) -> str | None:
    """Return the network of an address, a hardware address as it is."""
    if address is None or _is_hardware(address):
        return address
    parsed = ip_address(address)
    return str(ip_network((parsed, _PREFIX[parsed.version]), strict=False))


def _is_hardware(address: str) -> bool:
    return len(address) == len("02:00:00:00:00:00") and address.count(":") == 5
