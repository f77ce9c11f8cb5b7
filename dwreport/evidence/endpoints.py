"""Addresses, networks and ports that a filter asks for, and whether the ends of a packet are among them: pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from dwreport.packets.headers import WITH_PORTS, Who

_PORT = re.compile(r"(?:([a-z]+)/)?([0-9]{1,5})(?:-([0-9]{1,5}))?")
_HARDWARE = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_MOST_PORT = 65535
_TRANSPORTS = frozenset(WITH_PORTS.values())


@dataclass(frozen=True, slots=True)
class Address:
    """An address or a network of IP, or the hardware address of frames that are not IP."""

    network: IPv4Network | IPv6Network | str
    wanted: bool = True

    @property
    def version(self) -> int | None:
        """Return 4 or 6; None for a hardware address."""
        return None if isinstance(self.network, str) else self.network.version

    def fits(self, ends: Collection[str]) -> bool:
        """Say whether any of some addresses is this one, or in this network."""
        if isinstance(self.network, str):
            return self.network in ends
        return any(ip_address(end) in self.network for end in ends if not _HARDWARE.fullmatch(end))


@dataclass(frozen=True, slots=True)
class Port:
    """Ports from the first to the last, at either end of a packet; of one transport, if one is named."""

    first: int
    last: int
    transport: str | None = None
    wanted: bool = True

    def fits(self, ends: Who) -> bool | None:
        """Say whether a packet of IP has such a port; None where that cannot be read."""
        if ends.transport is None:
            return None
        if ends.transport not in _TRANSPORTS or self.transport not in {None, ends.transport}:
            return False
        if ends.source_port is None or ends.destination_port is None:
            return None
        return any(self.first <= port <= self.last for port in (ends.source_port, ends.destination_port))


def address(text: str) -> Address:
    """Read an address or a network, with ! in front of what is not wanted; raise ValueError with a remedy."""
    name = text.removeprefix("!").strip().lower()
    if _HARDWARE.fullmatch(name):
        return Address(name, not text.startswith("!"))
    try:
        network = ip_network(name.removeprefix("[").removesuffix("]"), strict=False)
    except ValueError:
        raise ValueError(f'"{name}" is neither an address nor a network; write 192.0.2.7, 192.0.2.0/24, 2001:db8::/32 '
                         "or 02:00:00:00:00:01") from None
    return Address(network, not text.startswith("!"))


def port(text: str) -> Port:
    """Read a port, a range of them, or a port as reports print it, in the same way."""
    name = text.removeprefix("!").strip().lower()
    if match := _PORT.fullmatch(name):
        first, last = int(match[2]), int(match[3] or match[2])
        if first <= last <= _MOST_PORT and match[1] in {None, *_TRANSPORTS}:
            return Port(first, last, match[1], not text.startswith("!"))
    raise ValueError(f'"{name}" is no port; write 53, 5060-5070 or udp/53')
