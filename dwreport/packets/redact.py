"""Takes out of a packet's bytes who sent it to whom, and what; its headers stay, as far as they tell neither."""

from dwreport.packets.headers import ethernet
from dwreport.packets.pseudonyms import Pseudonyms

_IPV4, _IPV6, _ARP = 0x0800, 0x86DD, 0x0806
# Of a transport's header what is kept, and where its checksum is: that of the addresses is in it.
_TRANSPORTS = {6: (20, 16), 17: (8, 6), 136: (8, 6), 33: (12, 6), 132: (12, 8), 1: (4, 2), 58: (4, 2), 2: (1, None)}
_MAC, _V4_HEADER, _V6_HEADER = 6, 20, 40
_FRAGMENT, _FRAGMENT_BYTES = 44, 8


def redacted(data: bytes, protocol: int | None, names: Pseudonyms, *, link_header: bool) -> bytes:
    """Return the headers of a packet with other addresses; what is no header that is known here is left out.

    Checksums and options become zeros: addresses could be found from them. `protocol` is the ethertype where no link
    header says it.
    """
    start, head = 0, b""
    if link_header:
        start, protocol = ethernet(data)
        head = _address(data[:_MAC], names) + _address(data[_MAC:2 * _MAC], names) + data[2 * _MAC:start]
    rest = data[start:]
    if protocol == _IPV4 and rest[:1] and rest[0] >> 4 == 4:
        return head + _ipv4(rest, names)
    if protocol == _IPV6 and rest[:1] and rest[0] >> 4 == 6:
        return head + _ipv6(rest, names)
    if protocol == _ARP:
        return head + _arp(rest, names)
    return head


def _address(packed: bytes, names: Pseudonyms) -> bytes:
    """Return another address; of one that was cut off nothing but its length."""
    return names.address(packed) if len(packed) in {4, _MAC, 16} else bytes(len(packed))


def _ipv4(data: bytes, names: Pseudonyms) -> bytes:
    """RFC 791."""
    if len(data) < _V4_HEADER:
        return data[:10]
    length = max(_V4_HEADER, (data[0] & 0xF) * 4)
    fixed = data[:10] + bytes(2) + names.address(data[12:16]) + names.address(data[16:20])
    options = bytes(len(data[_V4_HEADER:length]))
    later = int.from_bytes(data[6:8]) & 0x1FFF
    return fixed + options + (b"" if later else _transport(data[9], data[length:]))


def _ipv6(data: bytes, names: Pseudonyms) -> bytes:
    """RFC 8200; of extension headers only that of a fragment is kept."""
    if len(data) < _V6_HEADER:
        return data[:8]
    fixed = data[:8] + names.address(data[8:24]) + names.address(data[24:40])
    number, rest = data[6], data[_V6_HEADER:]
    if number == _FRAGMENT and len(rest) >= _FRAGMENT_BYTES:
        later = int.from_bytes(rest[2:4]) & 0xFFF8
        return fixed + rest[:_FRAGMENT_BYTES] + (b"" if later else _transport(rest[0], rest[_FRAGMENT_BYTES:]))
    return fixed + _transport(number, rest)


def _transport(number: int, data: bytes) -> bytes:
    size, checksum = _TRANSPORTS.get(number, (0, None))
    kept = data[:size]
    if checksum is None or len(kept) <= checksum:
        return kept
    return kept[:checksum] + bytes(len(kept[checksum:checksum + 2])) + kept[checksum + 2:]


def _arp(data: bytes, names: Pseudonyms) -> bytes:
    """RFC 826: of Ethernet and IPv4; of others the kinds alone."""
    if len(data) < 28 or data[4:6] != b"\x06\x04":
        return data[:8]
    return data[:8] + b"".join(names.address(data[at:end]) for at, end in ((8, 14), (14, 18), (18, 24), (24, 28)))
