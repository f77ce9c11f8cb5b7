"""Who sent a sampled packet to whom: addresses and ports at their fixed places, as far as the bytes reach.

Anything deeper is for tshark. Nothing here fails on bytes that are wrong or missing: what cannot be read is None.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Trait = Literal["multicast", "many", "group_frame", "source_route"]

_TAGS = {0x8100, 0x88A8}              # VLAN and QinQ: 4 bytes between the addresses and the ethertype
_ETHERNET = 14
WITH_PORTS = {6: "tcp", 17: "udp", 132: "sctp", 33: "dccp", 136: "udplite"}
_OTHERS = {1: "icmp", 2: "igmp", 4: "ipip", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf",
           103: "pim", 112: "vrrp", 115: "l2tp"}
_IPV6_EXTENSIONS = {0, 43, 60}        # hop-by-hop, routing, destination options: RFC 8200 section 4
_IPV6_FRAGMENT = 44
_MOST_EXTENSIONS = 8
_SOURCE_ROUTES = {131, 137}           # loose and strict
_EVERYBODY = b"\xff" * 6


@dataclass(frozen=True, slots=True)
class Who:
    """`transport` is a name or the number as text; addresses of frames that are not IP are those of Ethernet."""

    source: str | None = None
    destination: str | None = None
    transport: str | None = None
    source_port: int | None = None
    destination_port: int | None = None


def who(data: bytes, protocol: int | None, *, link_header: bool) -> Who:
    """Read the first bytes of a packet; `protocol` is its ethertype where no link header says it."""
    start = 0
    if link_header:
        start, protocol = ethernet(data)
    if protocol == 0x0800:
        return _ipv4(data[start:])
    if protocol == 0x86DD:
        return _ipv6(data[start:])
    return Who(_mac(data[6:12]), _mac(data[:6])) if link_header else Who()


def transport_name(text: str) -> str:
    """Return a transport as packets are told to have it, by its name or number; raise ValueError with a remedy."""
    name, names = text.strip().lower(), {**WITH_PORTS, **_OTHERS}
    if name.isdecimal() and int(name) < 256:
        return names.get(int(name), str(int(name)))
    if name in names.values():
        return name
    raise ValueError(f'"{text}" is no transport; write {", ".join(names.values())} or a number of IP')


def arp_addresses(data: bytes, protocol: int | None, *, link_header: bool) -> set[str]:
    """Return the addresses of IPv4 that an ARP packet is about (RFC 826): the sender's and the one asked for."""
    start = 0
    if link_header:
        start, protocol = ethernet(data)
    packet = data[start:]
    if protocol != 0x0806 or len(packet) < 28 or packet[2:6] != b"\x08\x00\x06\x04":
        return set()
    return {socket.inet_ntop(socket.AF_INET, packet[place:place + 4]) for place in (14, 24)}


def traits(data: bytes, protocol: int | None, *, link_header: bool) -> set[Trait]:
    """Return what of a packet may tell why it was dropped: to whom it was sent, and that IPv4 is to route it so.

    Multicast and broadcast are both "many"; a "group_frame" is either to Ethernet, whatever is in it.
    """
    start = 0
    if link_header:
        start, protocol = ethernet(data)
    packet = data[start:]
    found: set[Trait] = set()
    if protocol == 0x0800 and len(packet) >= 20:
        group, everybody = packet[16] >> 4 == 0xE, packet[16:20] == _EVERYBODY[:4]
        if not _SOURCE_ROUTES.isdisjoint(_options(packet[20:(packet[0] & 0xF) * 4])):
            found.add("source_route")
    elif protocol == 0x86DD and len(packet) >= 40:
        group, everybody = packet[24] == 0xFF, False
    else:
        group, everybody = link_header and bool(data) and data[0] & 1 == 1, False
    if link_header and data[:1] and data[0] & 1:
        found.add("group_frame")
    if everybody or (link_header and data[:6] == _EVERYBODY):
        found.add("many")
    elif group:
        found |= {"multicast", "many"}
    return found


def _options(data: bytes) -> Iterator[int]:
    """Yield the types of IPv4 options (RFC 791): 0 ends them, 1 fills up, all others have a length."""
    at = 0
    while at + 1 < len(data) and data[at]:
        yield data[at]
        at += 1 if data[at] == 1 else max(data[at + 1], 2)


def ethernet(data: bytes) -> tuple[int, int | None]:
    """Return where the network header begins, and the ethertype."""
    start = _ETHERNET
    while len(data) >= start and int.from_bytes(data[start - 2:start]) in _TAGS:
        start += 4
    return start, int.from_bytes(data[start - 2:start]) if len(data) >= start else None


def _ipv4(data: bytes) -> Who:
    if len(data) < 20 or data[0] >> 4 != 4:
        return Who()
    later = int.from_bytes(data[6:8]) & 0x1FFF  # a later fragment holds no ports
    payload = b"" if later else data[(data[0] & 0xF) * 4:]
    return _transport(socket.inet_ntop(socket.AF_INET, data[12:16]), socket.inet_ntop(socket.AF_INET, data[16:20]),
                      data[9], payload)


def _ipv6(data: bytes) -> Who:
    if len(data) < 40 or data[0] >> 4 != 6:
        return Who()
    number, payload = data[6], data[40:]
    for _ in range(_MOST_EXTENSIONS):
        if len(payload) < 8 or number not in _IPV6_EXTENSIONS | {_IPV6_FRAGMENT}:
            break
        if number == _IPV6_FRAGMENT:
            later = int.from_bytes(payload[2:4]) & 0xFFF8
            number, payload = payload[0], b"" if later else payload[8:]
        else:
            number, payload = payload[0], payload[(payload[1] + 1) * 8:]
    return _transport(socket.inet_ntop(socket.AF_INET6, data[8:24]), socket.inet_ntop(socket.AF_INET6, data[24:40]),
                      number, payload)


def _transport(source: str, destination: str, number: int, payload: bytes) -> Who:
    name = WITH_PORTS.get(number)
    if name and len(payload) >= 4:
        return Who(source, destination, name, int.from_bytes(payload[:2]), int.from_bytes(payload[2:4]))
    return Who(source, destination, name or _OTHERS.get(number, str(number)))


def _mac(data: bytes) -> str | None:
    return data.hex(":") if len(data) == 6 else None
