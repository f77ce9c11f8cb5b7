"""The file format of Wireshark, as far as dropped packets need it: blocks as bytes (draft-ietf-opsawg-pcapng)."""

from collections.abc import Iterable
from struct import Struct

# Link types of https://www.tcpdump.org/linktypes.html. USER0 is left to private use: no dissector takes it for what it
# is not. It is for bytes behind a link header that was not kept, such as ARP, and for messages between programs.
ETHERNET, RAW_IP, USER0, NETLINK = 1, 101, 147, 253
MOST_BYTES = 262_144  # of a packet: what libpcap and Wireshark take, and give as the snapshot length of most files

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER, _UNKNOWN_LENGTH = 0x1A2B3C4D, 0xFFFF_FFFF_FFFF_FFFF
_END, _COMMENT = 0, 1                        # options of every block
_OS, _APPLICATION = 3, 4                     # of a section
_NAME, _DESCRIPTION, _RESOLUTION = 2, 3, 9   # of an interface
_NANOSECONDS = b"\x09"                       # 10 to the power of -9

_HEAD, _TAIL, _OPTION = Struct("<II"), Struct("<I"), Struct("<HH")
_SECTION_HEAD, _INTERFACE_HEAD, _PACKET_HEAD = Struct("<IHHQ"), Struct("<HHI"), Struct("<IIIII")
_MOST_16, _MOST_32 = 0xFFFF, 0xFFFF_FFFF


def section(application: str, system: str, comment: str) -> bytes:
    """Return the block that a file begins with; empty texts are left out."""
    return _block(_SECTION, _SECTION_HEAD.pack(_BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH), (
        (_COMMENT, _text(comment)), (_OS, _text(system)), (_APPLICATION, _text(application))))


def interface(link_type: int, name: str, description: str) -> bytes:
    """Return the block of an interface, which stands before its packets; they count interfaces from 0."""
    return _block(_INTERFACE, _INTERFACE_HEAD.pack(link_type, 0, MOST_BYTES), (
        (_NAME, _text(name)), (_DESCRIPTION, _text(description)), (_RESOLUTION, _NANOSECONDS)))


def packet(number: int, time_ns: int, data: bytes, length: int, comment: str) -> bytes:
    """Return the block of a packet of the interface `number`; it had `length` bytes, of which `data` were kept.

    Times and lengths that the format has no room for become the next that it has: time begins with 1970.
    """
    kept = data[:MOST_BYTES]
    time = min(max(time_ns, 0), _UNKNOWN_LENGTH)
    whole = min(max(length, len(kept)), _MOST_32)
    head = _PACKET_HEAD.pack(number, time >> 32, time & _MOST_32, len(kept), whole)
    return _block(_PACKET, head + _padded(kept), ((_COMMENT, _text(comment)),))


def _block(kind: int, body: bytes, options: Iterable[tuple[int, bytes]]) -> bytes:
    told = b"".join(_OPTION.pack(code, len(value)) + _padded(value) for code, value in options if value)
    whole = body + told + _OPTION.pack(_END, 0)
    size = _HEAD.size + len(whole) + _TAIL.size
    return _HEAD.pack(kind, size) + whole + _TAIL.pack(size)


def _padded(value: bytes) -> bytes:
    """Fill up to 32 bits, which lengths do not count."""
    return value + bytes(-len(value) % 4)


def _text(text: str) -> bytes:
    """Return UTF-8 of as many whole characters as an option has room for."""
    return text.encode(errors="backslashreplace")[:_MOST_16].decode(errors="ignore").encode()
