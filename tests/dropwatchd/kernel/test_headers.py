"""Samples keep headers: as many bytes as these take, whatever is in them, and nothing of what applications said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.kernel.headers import without_payload
from tests.gallery.packets import (
    ARP,
    IPV4,
    IPV6,
    SYN,
    TCP,
    UDP,
    VLAN,
    ethernet,
    icmp,
    ipv4,
    ipv6,
    tcp,
    timestamps,
    udp,
    vlan,
)

SECRET = b"GET /secret HTTP/1.1\r\n"
A4, B4, A6, B6 = "192.0.2.1", "198.51.100.2", "2001:db8::1", "2001:db8::2"
MAC = "02:00:00:00:00:01"
UDP4 = ipv4(A4, B4, UDP, udp(A4, B4, 53))[:28]
TCP4 = ipv4(A4, B4, TCP, tcp(A4, B4, 80, SYN, options=timestamps(1)))
UDP6 = ipv6(A6, B6, UDP, udp(A6, B6, 53))[:48]


def frame(ethertype: int, packet: bytes) -> bytes:
    return ethernet(MAC, MAC, ethertype, packet)


def extended(first: int, *extensions: tuple[int, bytes]) -> bytes:
    """Return IPv6 with extension headers, each given with what follows it; a UDP header is the last."""
    chain = b"".join(bytes([following]) + rest for following, rest in extensions)
    return ipv6(A6, B6, first, chain) + udp(A6, B6, 53)[:8]


HEADERS = {
    "ethernet alone": frame(0x88B5, b""),
    "udp over ipv4": frame(IPV4, UDP4),
    "udp over ipv6": frame(IPV6, UDP6),
    "tcp with options": frame(IPV4, TCP4),
    "ipv4 with options": frame(IPV4, ipv4(A4, B4, UDP, b"", options=b"\x94\4\0\0") + udp(A4, B4, 53)[:8]),
    "vlan": frame(VLAN, vlan(7, IPV4, UDP4)),
    "vlan in vlan": frame(0x88A8, vlan(7, VLAN, vlan(8, IPV6, UDP6))),
    "arp": frame(ARP, b"\0\1\x08\0\6\4\0\1" + bytes(20)),
    "later fragment": frame(IPV4, ipv4(A4, B4, UDP, b"", fragment=100)),
    "echo": frame(IPV4, ipv4(A4, B4, 1, icmp(8, 0, b"\0\1\0\2"))),
    "icmp error": frame(IPV4, ipv4(A4, B4, 1, icmp(3, 3, bytes(4) + UDP4))),
    "icmp error about tcp": frame(IPV4, ipv4(A4, B4, 1, icmp(11, 0, bytes(4) + TCP4))),
    "icmpv6 error": frame(IPV6, ipv6(A6, B6, 58, icmp(1, 4, bytes(4) + UDP6))),
    "neighbour solicitation": frame(IPV6, ipv6(A6, B6, 58, icmp(135, 0, bytes(20)))),
    "sctp": frame(IPV4, ipv4(A4, B4, 132, bytes(12))),
    "esp": frame(IPV4, ipv4(A4, B4, 50, bytes(8))),
    "unknown transport": frame(IPV4, ipv4(A4, B4, 253, b"")),
    "ipv6 options": frame(IPV6, extended(0, (60, b"\0" + bytes(6)), (UDP, b"\1" + bytes(14)))),
    "ipv6 first fragment": frame(IPV6, extended(44, (UDP, b"\0\0\1\0\0\0\7"))),
    "ipv6 later fragment": frame(IPV6, ipv6(A6, B6, 44, bytes([UDP]) + b"\0\1\1\0\0\0\7")),
    "ipip": frame(IPV4, ipv4(A4, B4, 4, UDP4)),
    "ipv6 in ipv4": frame(IPV4, ipv4(A4, B4, 41, UDP6)),
    "gre with a key": frame(IPV4, ipv4(A4, B4, 47, b"\x20\0\x08\0\0\0\0\7" + TCP4)),
    "vxlan": frame(IPV4, ipv4(A4, B4, UDP, udp(A4, B4, 4789)[:8] + b"\x08" + bytes(7) + frame(IPV6, UDP6))),
    "authenticated": frame(IPV4, ipv4(A4, B4, 51, bytes([TCP, 4]) + bytes(22) + TCP4[20:])),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_kept_and_payload_is_not(name: str) -> None:
    """All headers of the packet to the last byte, and of what follows as much as is asked for."""
    headers = HEADERS[name]
    for payload_bytes in (0, 5, 1000):
        kept = without_payload(headers + SECRET, None, link_header=True, payload_bytes=payload_bytes)
        assert kept == headers + SECRET[:payload_bytes]


@pytest.mark.parametrize(("protocol", "headers"), [(IPV4, TCP4), (IPV6, UDP6), (0x88B5, b""), (None, b"")])
def test_without_a_link_header_the_ethertype_says_it(protocol: int | None, headers: bytes) -> None:
    """What is no packet that is known, such as the data of a local socket, has no header at all."""
    assert without_payload(headers + SECRET, protocol, link_header=False, payload_bytes=0) == headers


@given(st.sampled_from(sorted(HEADERS)), st.integers(0, 200))
def test_packets_that_were_cut(name: str, length: int) -> None:
    """Of a packet that is shorter than its headers everything is kept."""
    cut = HEADERS[name][:length]
    assert without_payload(cut, None, link_header=True, payload_bytes=0) == cut


@given(st.binary(max_size=300), st.sampled_from([None, ARP, IPV4, IPV6, 0x6558]), st.booleans())
def test_any_bytes(data: bytes, protocol: int | None, link_header: bool) -> None:
    """Whatever a packet holds, what is kept is its beginning."""
    assert data.startswith(without_payload(data, protocol, link_header=link_header, payload_bytes=0))


@pytest.mark.parametrize(
    "layer", [ipv4(A4, B4, 4, b""), ipv4(A4, B4, 47, b"\0\0\x08\0"), ipv4(A4, B4, 1, icmp(3, 3, bytes(4)))])
def test_tunnels_without_end(layer: bytes) -> None:
    """Tunnels in tunnels as deep as a packet is long come to an end."""
    assert len(without_payload(layer * 3000, IPV4, link_header=False, payload_bytes=0)) < 1000
