"""Who sent a sampled packet to whom."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from dwreport.packets.headers import Who, traits, who

ETHERNET = bytes.fromhex("0202020202020404040404040800")
PORTS = struct.pack(">HHHH", 40000, 5060, 16, 0) + b"INVITE..."


def _ipv4(payload: bytes, number: int = 17, fragment: int = 0, options: bytes = b"") -> bytes:
    return struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 1, fragment, 64,
                       number, 0, bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2])) + options + payload


def _ipv6(payload: bytes, number: int = 17) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(payload), number, 64) + b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01" \
        + b"\x20\x01\x0d\xb8" + bytes(11) + b"\x02" + payload


IPV4 = Who("192.0.2.1", "198.51.100.2", "udp", 40000, 5060)
IPV6 = Who("2001:db8::1", "2001:db8::2", "udp", 40000, 5060)


def test_addresses_and_ports_of_ipv4_and_ipv6() -> None:
    """With a link header, and from the network header on."""
    assert who(ETHERNET + _ipv4(PORTS), None, link_header=True) == IPV4
    assert who(_ipv4(PORTS), 0x0800, link_header=False) == IPV4
    assert who(_ipv4(PORTS, options=bytes(8)), 0x0800, link_header=False) == IPV4
    assert who(_ipv6(PORTS), 0x86DD, link_header=False) == IPV6


def test_tags_and_extension_headers_are_stepped_over() -> None:
    """VLAN in QinQ; hop-by-hop options before UDP."""
    tagged = ETHERNET[:12] + bytes.fromhex("88a80001 81000002 0800") + _ipv4(PORTS)
    assert who(tagged, None, link_header=True) == IPV4
    assert who(_ipv6(b"\x11" + bytes(7) + PORTS, number=0), 0x86DD, link_header=False) == IPV6


def test_what_has_no_ports_has_none() -> None:
    """ICMP, a later fragment, and a sample cut short."""
    nowhere = Who("192.0.2.1", "198.51.100.2", "icmp")
    assert who(_ipv4(PORTS, number=1), 0x0800, link_header=False) == nowhere
    assert who(_ipv4(PORTS, fragment=100), 0x0800, link_header=False).source_port is None
    assert who(_ipv4(b"\x01"), 0x0800, link_header=False).source_port is None


def test_only_the_first_fragment_of_ipv6_has_ports() -> None:
    """What stands where ports would be in a later one is the middle of what an application said."""
    def fragment(offset: int) -> bytes:
        return _ipv6(struct.pack(">BBHI", 17, 0, offset << 3 | 1, 7) + PORTS, number=44)

    assert who(fragment(0), 0x86DD, link_header=False) == IPV6
    assert who(fragment(185), 0x86DD, link_header=False) == Who("2001:db8::1", "2001:db8::2", "udp")


def test_frames_that_are_not_ip_show_their_stations() -> None:
    """LLDP has but Ethernet addresses."""
    frame = bytes.fromhex("0180c200000e 020202020202 88cc") + bytes(20)
    assert who(frame, 0x88CC, link_header=True) == Who("02:02:02:02:02:02", "01:80:c2:00:00:0e")


@settings(deadline=None)
@given(st.binary(max_size=80), st.sampled_from([None, 0x0800, 0x86DD, 0x88CC]), st.booleans())
def test_no_bytes_can_hurt(data: bytes, protocol: int | None, link_header: bool) -> None:
    """Packets are what attackers write."""
    who(data, protocol, link_header=link_header)


@settings(deadline=None)
@given(st.integers(0, 60))
def test_no_cut_can_hurt(length: int) -> None:
    """A sample ends anywhere; what it tells is true as far as it goes."""
    cut = who((ETHERNET + _ipv4(PORTS))[:length], None, link_header=True)
    assert cut.source in {None, "192.0.2.1", "04:04:04:04:04:04"}


def test_traits_of_packets() -> None:
    """To a group, to everybody, or with a route of its own; a broadcast frame is to everybody whatever is in it."""
    def to(address: bytes, link: bytes = b"", options: bytes = b"") -> set[str]:
        packet = _ipv4(PORTS, options=options)
        return {*traits(link + packet[:16] + address + packet[20:], 0x0800, link_header=bool(link))}

    assert to(bytes([239, 1, 1, 1])) == {"multicast", "many"}
    assert to(bytes([255] * 4)) == {"many"}
    assert to(bytes([192, 0, 2, 255]), b"\xff" * 6 + ETHERNET[6:]) == {"group_frame", "many"}
    assert to(bytes([192, 0, 2, 1]), b"\x03" + ETHERNET[1:]) == {"group_frame"}
    assert to(bytes([192, 0, 2, 1]), options=bytes([1, 131, 3, 4])) == {"source_route"}
    assert to(bytes([224, 0, 0, 22]), options=bytes([148, 4, 0, 0])) == {"multicast", "many"}
    assert to(bytes([192, 0, 2, 1]), options=bytes([7, 0, 131, 0])) == {"source_route"}
    assert to(bytes([192, 0, 2, 1]), ETHERNET) == set()
    assert traits(_ipv6(PORTS)[:24] + b"\xff" + bytes(15), 0x86DD, link_header=False) == {"multicast", "many"}
    assert traits(bytes.fromhex("0180c2000000 040404040404 0026 4242"), None, link_header=True) == {
        "multicast", "many", "group_frame"}
    assert traits(b"", None, link_header=True) == set()
