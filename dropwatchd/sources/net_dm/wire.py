"""Alerts as the kernel writes them, decoded with struct: twenty times faster than an object for each attribute."""

from collections.abc import Iterator
from struct import Struct, error
from typing import NamedTuple

from dropwatchd.model import Origin

ALERT, PACKET_ALERT = 1, 5  # NET_DM_CMD_* of include/uapi/linux/net_dropmon.h
NO_CODE = 0                 # as a point: that a device's rx_dropped has moved, seen at a poll (trace_napi_poll_hit)
MAX_POINTS = 64             # dm_hit_limit of net/core/drop_monitor.c: per CPU and second, the rest goes uncounted
MAX_ALERT_BYTES = 1 << 17   # an attribute holds 64 KiB at most, and a packet alert has one that large

# NET_DM_ATTR_*, and the enumerations of its nests, which start at 0
_UNSPEC, _PC, _SYMBOL, _IN_PORT, _TIMESTAMP, _PROTO, _PAYLOAD, _ORIG_LEN = 0, 2, 3, 4, 5, 6, 7, 10
_ORIGIN, _TRAP_GROUP, _TRAP, _HW_ENTRIES, _TRAP_COUNT, _COOKIE, _REASON = 14, 15, 16, 17, 19, 22, 23
_PORT_IFINDEX, _PORT_NAME = 0, 1

HEADERS = 20               # struct nlmsghdr and struct genlmsghdr
_TYPE = 0x3FFF              # NLA_TYPE_MASK
_U16, _U32, _U64, _POINT = Struct("=H"), Struct("=I"), Struct("=Q"), Struct("=QI")
_attribute = Struct("=HH").unpack_from
_command = Struct("=4xH10xB").unpack_from
_tail = Struct("=4xQHHIHHHxxH").unpack_from  # TIMESTAMP, ORIG_LEN, PROTO, and the length of PAYLOAD


class Packet(NamedTuple):
    """One dropped packet. `what` is all that says what was dropped and where, still encoded: equal for equal drops.

    `length` is the packet's own, link header included; `data` is what the kernel copied of it.
    """

    what: bytes
    time_ns: int
    length: int
    protocol: int
    data: bytes


class What(NamedTuple):
    """The attributes that packets share when they are dropped in the same place for the same reason."""

    origin: Origin
    pc: int | None
    symbol: str | None
    reason: str | None
    ifindex: int | None
    port: str | None
    trap: str | None
    trap_group: str | None
    cookie: bytes


class Summary(NamedTuple):
    """What one CPU counted in about a second: drops by program counter, and reports by trap."""

    points: list[tuple[int, int]]
    traps: list[tuple[str, int]]


def command(message: bytes) -> tuple[int, int]:
    """Return (family, command) of a message. Raises struct.error when it is shorter than its headers."""
    family, number = _command(message)
    return family, number


def packet(message: bytes) -> Packet:
    """Decode a PACKET_ALERT.

    The kernel writes what was dropped and where first, then TIMESTAMP, ORIG_LEN, PROTO and PAYLOAD
    (net_dm_packet_report_fill and net_dm_hw_packet_report_fill). Another order is decoded too, slower.
    """
    at = HEADERS
    try:
        size, kind = _attribute(message, at)
        while kind != _TIMESTAMP:
            at += (size + 3) & ~3 or 4
            size, kind = _attribute(message, at)
        time_ns, _, second, length, _, third, protocol, size = _tail(message, at)
    except error:
        return _packet_in_any_order(message)
    if second != _ORIG_LEN or third != _PROTO:
        return _packet_in_any_order(message)
    return Packet(message[HEADERS:at], time_ns, length, protocol, message[at + 32:at + 28 + size])


def _packet_in_any_order(message: bytes) -> Packet:
    """A packet without bytes has neither PROTO nor PAYLOAD."""
    what, found = b"", {}
    for kind, value, raw in _attributes(message, HEADERS):
        if kind in (_TIMESTAMP, _ORIG_LEN, _PROTO, _PAYLOAD):
            found[kind] = value
        else:
            what += raw
    return Packet(what, _number(_U64, found.get(_TIMESTAMP)) or 0, _number(_U32, found.get(_ORIG_LEN)) or 0,
                  _number(_U16, found.get(_PROTO)) or 0, found.get(_PAYLOAD, b""))


def what(raw: bytes) -> What:
    """Decode Packet.what."""
    found = {kind: value for kind, value, _ in _attributes(raw)}
    port = {kind: value for kind, value, _ in _attributes(found.get(_IN_PORT, b""))}
    return What(
        origin="hardware" if _number(_U16, found.get(_ORIGIN)) else "software",
        pc=_number(_U64, found.get(_PC)),
        symbol=_text(found.get(_SYMBOL)),
        reason=_text(found.get(_REASON)),
        ifindex=_number(_U32, port.get(_PORT_IFINDEX)),
        port=_text(port.get(_PORT_NAME)),
        trap=_text(found.get(_TRAP)),
        trap_group=_text(found.get(_TRAP_GROUP)),
        cookie=found.get(_COOKIE, b""),
    )


def summary(message: bytes) -> Summary:
    """Decode an ALERT: struct net_dm_alert_msg in an attribute of type 0, and HW_ENTRIES from devlink traps."""
    points: list[tuple[int, int]] = []
    traps: list[tuple[str, int]] = []
    for kind, value, _ in _attributes(message, HEADERS):
        if kind == _UNSPEC:
            entries = min(_number(_U32, value) or 0, (len(value) - 4) // _POINT.size)
            points += _POINT.iter_unpack(value[4:4 + entries * _POINT.size])
        elif kind == _HW_ENTRIES:
            traps += (_trap(entry) for _, entry, _ in _attributes(value))
    return Summary(points, traps)


def _trap(entry: bytes) -> tuple[str, int]:
    found = {kind: value for kind, value, _ in _attributes(entry)}
    return _text(found.get(_TRAP)) or "", _number(_U32, found.get(_TRAP_COUNT)) or 0


def _attributes(message: bytes, at: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield (type, value, the whole of it with its padding) of each struct nlattr, as far as they are whole."""
    while at + 4 <= len(message):
        size, kind = _attribute(message, at)
        if size < 4 or at + size > len(message):
            return
        after = at + ((size + 3) & ~3)
        yield kind & _TYPE, message[at + 4:at + size], message[at:after]
        at = after


def _number(kind: Struct, value: bytes | None) -> int | None:
    return int(kind.unpack_from(value)[0]) if value and len(value) >= kind.size else None


def _text(value: bytes | None) -> str | None:
    return value.rstrip(b"\0").decode(errors="replace") if value else None
