"""Sampled packets as the netlink messages of the kernel's drop monitor, which Wireshark's dissector net_dm reads.

Link type NETLINK (https://www.tcpdump.org/linktypes/LINKTYPE_NETLINK.html): a header of 16 bytes in network byte order,
then messages in that of the host that wrote the file; here, as in pcapng's blocks, little-endian. The attributes are
those of include/uapi/linux/net_dropmon.h.
"""

from struct import Struct

from dropwatchd.history.read.reader import PacketRow

_COOKED = Struct(">HH10xH")             # of a packet to us, ARPHRD_NETLINK, of NETLINK_GENERIC
_ARPHRD_NETLINK, _GENERIC = 824, 16
_HEADER, _GENERIC_HEADER, _ATTRIBUTE = Struct("<IHHII"), Struct("<BBH"), Struct("<HH")
_CONTROL, _NEW_FAMILY, _FAMILY_ID, _FAMILY_NAME = 16, 1, 1, 2  # include/uapi/linux/genetlink.h
_FAMILY = 32                            # any number: the file itself says that it is NET_DM's
_PACKET_ALERT, _VERSION = 5, 2
_NESTED = 0x8000
(_PC, _SYMBOL, _IN_PORT, _TIMESTAMP, _PROTO, _PAYLOAD, _ORIG_LEN, _ORIGIN, _TRAP_GROUP, _TRAP, _REASON) = (
    2, 3, 4, 5, 6, 7, 10, 14, 15, 16, 23)
_PORT_IFINDEX, _PORT_NAME = 0, 1
_U64 = 2**64 - 1
_Message = tuple[bytes, int]  # with its whole length


def family() -> _Message:
    """Return the message that gives NET_DM its number, without which nobody knows what the others are."""
    return _message(_CONTROL, _NEW_FAMILY, _attribute(_FAMILY_ID, _FAMILY.to_bytes(2, "little"))
                    + _attribute(_FAMILY_NAME, b"NET_DM\0"))


def alert(packet: PacketRow) -> _Message:
    """Return a packet's alert; the kernel would give its own address for a place of which only the symbol is known."""
    location, kind, interface = packet.key
    symbol = (location.symbol or "") + ("" if location.offset is None else f"+{location.offset:#x}")
    port = b""
    if interface.ifindex is not None:
        port += _attribute(_PORT_IFINDEX, (interface.ifindex & 0xFFFF_FFFF).to_bytes(4, "little"))
    if interface.name is not None:
        port += _attribute(_PORT_NAME, _string(interface.name))
    hardware = kind.origin == "hardware"
    told = [
        (_ORIGIN, int(hardware).to_bytes(2, "little")),
        *([(_PC, (location.address & _U64).to_bytes(8, "little"))] if location.address is not None else []),
        *([(_SYMBOL, _string(symbol))] if symbol and not hardware else []),
        *([(_TRAP_GROUP, _string(kind.trap_group))] if kind.trap_group else []),
        *([(_TRAP, _string(kind.trap))] if kind.trap else []),
        *([(_REASON, _string(kind.reason))] if kind.reason else []),
        *([(_IN_PORT | _NESTED, port)] if port else []),
        (_TIMESTAMP, (packet.time_ns & _U64).to_bytes(8, "little")),
        *([(_PROTO, (kind.protocol & 0xFFFF).to_bytes(2, "little"))] if kind.protocol is not None else []),
        (_ORIG_LEN, (packet.length & 0xFFFF_FFFF).to_bytes(4, "little")),
        *([(_PAYLOAD, packet.data)] if packet.data and packet.link_header else []),
    ]
    return _message(_FAMILY, _PACKET_ALERT, b"".join(_attribute(number, value) for number, value in told))


def _message(kind: int, command: int, attributes: bytes) -> _Message:
    body = _GENERIC_HEADER.pack(command, _VERSION, 0) + attributes
    whole = (_COOKED.pack(0, _ARPHRD_NETLINK, _GENERIC) + _HEADER.pack(_HEADER.size + len(body), kind, 0, 0, 0) + body)
    return whole, len(whole)


def _attribute(number: int, value: bytes) -> bytes:
    """Return an attribute, filled up to 32 bits; its length is of 16 bits."""
    value = value[:0xFFFF - _ATTRIBUTE.size]
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), number) + value + bytes(-len(value) % 4)


def _string(text: str) -> bytes:
    return text.encode(errors="backslashreplace")[:1024] + b"\0"
