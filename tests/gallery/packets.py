"""Frames as bytes: whatever a scenario wants on the wire, right or deliberately wrong."""

import socket
import struct

IPV4, ARP, VLAN, IPV6 = 0x0800, 0x0806, 0x8100, 0x86DD
ICMP, TCP, UDP, ICMPV6 = socket.IPPROTO_ICMP, socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_ICMPV6
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000
_WRONG = 0x5555  # added to a checksum


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total >> 16) + (total & 0xFFFF)
    return 0xFFFF - (total + (total >> 16) & 0xFFFF)


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def ethernet(source: str, target: str, ethertype: int, payload: bytes) -> bytes:
    return mac(target) + mac(source) + struct.pack("!H", ethertype) + payload


def ipv4(
    source: str, target: str, protocol: int, payload: bytes, *,
    ttl: int = 64, fragment: int = 0, identification: int = 0, version: int = 4, options: bytes = b"",
    wrong_sum: bool = False,
) -> bytes:
    """Return an IPv4 packet; `fragment` is the field of flags and offset, options come in words of 4 bytes."""
    words = 5 + len(options) // 4
    fields = [version << 4 | words, 0, 4 * words + len(payload), identification, fragment, ttl, protocol, 0,
              socket.inet_aton(source), socket.inet_aton(target)]
    fields[7] = checksum(struct.pack("!BBHHHBBH4s4s", *fields) + options) ^ (_WRONG if wrong_sum else 0)
    return struct.pack("!BBHHHBBH4s4s", *fields) + options + payload


def ipv6(source: str, target: str, protocol: int, payload: bytes, *, hop_limit: int = 64) -> bytes:
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hop_limit) + addresses + payload


def udp(
    source: str, target: str, port: int, payload: bytes = b"gallery", *, source_port: int = 40000,
    wrong_sum: bool = False,
) -> bytes:
    """Return a UDP datagram for IPv4 or IPv6, whichever the addresses are."""
    def header(sum_: int) -> bytes:
        return struct.pack("!HHHH", source_port, port, 8 + len(payload), sum_)

    sum_ = checksum(_pseudo(source, target, UDP, 8 + len(payload)) + header(0) + payload) or 0xFFFF
    return header(sum_ ^ (_WRONG if wrong_sum else 0)) + payload


def tcp(
    source: str, target: str, port: int, flags: int, *, source_port: int = 40000, sequence: int = 1000,
    acknowledged: int = 0, options: bytes = b"", payload: bytes = b"", wrong_sum: bool = False,
) -> bytes:
    """Return a TCP segment; options are padded here."""
    options += bytes(-len(options) % 4)
    words = 5 + len(options) // 4

    def header(sum_: int) -> bytes:
        return struct.pack("!HHIIBBHHH", source_port, port, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF,
                           words << 4, flags, 65535, sum_, 0)

    pseudo = _pseudo(source, target, TCP, words * 4 + len(payload))
    sum_ = checksum(pseudo + header(0) + options + payload)
    return header(sum_ ^ (_WRONG if wrong_sum else 0)) + options + payload


def timestamps(value: int, echo: int = 0) -> bytes:
    """Return the TCP option of RFC 7323, with two NOPs in front as the kernel sends it."""
    return struct.pack("!BBBBII", 1, 1, 8, 10, value, echo)


def icmp(kind: int, code: int, payload: bytes, *, wrong_sum: bool = False) -> bytes:
    sum_ = checksum(struct.pack("!BBH", kind, code, 0) + payload) ^ (_WRONG if wrong_sum else 0)
    return struct.pack("!BBH", kind, code, sum_) + payload


def vlan(identifier: int, ethertype: int, payload: bytes) -> bytes:
    """Return what follows the ethertype 802.1Q."""
    return struct.pack("!HH", identifier, ethertype) + payload


def _pseudo(source: str, target: str, protocol: int, length: int) -> bytes:
    if ":" in source:
        return (socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
                + struct.pack("!II", length, protocol))
    return socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, protocol, length)
