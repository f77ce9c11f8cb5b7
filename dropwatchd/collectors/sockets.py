"""Packets that single sockets dropped, with address and owner: UDP, raw, ping, packet, netlink, TCP listeners."""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from socket import AF_INET, AF_INET6, AF_PACKET, IPPROTO_TCP, inet_ntop
from typing import NamedTuple

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.collectors._owners import Owners
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import SOCK_DIAG, Message, Netlink, attributes
from dropwatchd.model import CounterKey, Reading

_TABLES = ("udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")
# NETLINK_* of include/uapi/linux/netlink.h
_NETLINK_PROTOCOLS = {
    0: "route", 2: "usersock", 4: "sock_diag", 6: "xfrm", 7: "selinux", 9: "audit", 11: "connector",
    12: "netfilter", 15: "kobject_uevent", 16: "generic", 21: "crypto",
}
_SOCK_DIAG_BY_FAMILY = 20
_LISTENING = 1 << 10  # of the TCP states
_INET_REQUEST = struct.Struct("=BBBxI48x")  # struct inet_diag_req_v2: family, protocol, extensions, states, id
_INET_MESSAGE = struct.Struct("=4x2s2x16s16x28xI")  # struct inet_diag_msg: port, source address, inode
_PACKET_REQUEST = struct.Struct("=BxxxII8x")  # struct packet_diag_req: family, inode, show
_PACKET_MESSAGE = struct.Struct("=xxHI8x")  # struct packet_diag_msg: ethertype, inode
_INET_DIAG_SKMEMINFO, _PACKET_DIAG_MEMINFO, _PACKET_SHOW_MEMINFO = 7, 6, 16
_MEMINFO = struct.Struct("=32xI")  # SK_MEMINFO_DROPS is the last of nine (include/uapi/linux/sock_diag.h)
_owners: defaultdict[int, Owners] = defaultdict(Owners)  # by namespace: each is read in a round of its own


class Socket(NamedTuple):
    """A socket that has dropped something: `local` is "address:port", or what else packets come to it by."""

    protocol: str
    local: str
    inode: int
    drops: int


def collect(host: Host) -> Iterable[Reading]:
    """Read the sockets of the calling thread's network namespace that have dropped packets.

    Established TCP connections are not asked: there may be very many, and TcpExt counts what they drop.
    """
    return readings([*from_files(host), *_packet(host), *_listeners(host)], host)


def readings(sockets: list[Socket], host: Host) -> list[Reading]:
    """Return the readings of sockets, with their owners; sk_drops has 32 bits.

    A socket without an inode is being closed, and cannot be told from others of its kind any more.
    """
    sockets = [socket for socket in sockets if socket.inode]
    owners = _owners[host.netns].of(host.proc, {socket.inode for socket in sockets})
    return [
        Reading(CounterKey("sockets", "drops", host.netns, labels=_labels(socket, owners[socket.inode])),
                socket.drops, 32)
        for socket in sockets
    ]


def _labels(socket: Socket, owner: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return the labels; the inode is one of them, since several sockets may share an address and a process."""
    own = (("inode", str(socket.inode)), ("local", socket.local), ("protocol", socket.protocol))
    return tuple(sorted(own + owner))


def _text(host: Host, table: str) -> str:
    try:
        return _proc.read(host, table)
    except AbsentError:  # a protocol that this kernel has not
        return ""


def from_files(host: Host) -> Iterator[Socket]:
    """Yield the sockets that /proc/net tells of."""
    for table in _TABLES:
        yield from parse_inet(table, _text(host, table))
    yield from parse_netlink(_text(host, "netlink"))


def parse_inet(table: str, text: str) -> Iterator[Socket]:
    """Parse /proc/net/udp and its like (net/ipv4/udp.c, udp4_format_sock): drops are the last column."""
    for line in text.splitlines()[1:]:
        if not line.rstrip().endswith(" 0"):
            words = line.split()
            yield Socket(table, address(words[1]), int(words[9]), int(words[12]))


def address(words: str) -> str:
    """Decode "0100007F:1F90": the address as 32-bit numbers in the host's byte order, and the port."""
    digits, port = words.split(":")
    numbers = [int(digits[start:start + 8], 16) for start in range(0, len(digits), 8)]
    return _printed(struct.pack(f"={len(numbers)}I", *numbers), int(port, 16))


def _printed(address: bytes, port: int) -> str:
    return f"{inet_ntop(AF_INET, address)}:{port}" if len(address) == 4 else f"[{inet_ntop(AF_INET6, address)}]:{port}"


def parse_netlink(text: str) -> Iterator[Socket]:
    """Parse /proc/net/netlink: protocol, port, drops and inode (net/netlink/af_netlink.c, netlink_native_seq_show)."""
    for line in text.splitlines()[1:]:
        _address, protocol, port, *_, drops, inode = line.split()
        if drops != "0":
            name = _NETLINK_PROTOCOLS.get(int(protocol), protocol)
            yield Socket("netlink", f"{name}:{port}", int(inode), int(drops))


def _packet(host: Host) -> Iterator[Socket]:
    """Yield packet sockets, asked only where there are some: the question alone makes a kernel load a module."""
    if _text(host, "packet").count("\n") > 1:
        with suppress(FileNotFoundError):
            yield from parse_packet(_ask(_PACKET_REQUEST.pack(AF_PACKET, 0, _PACKET_SHOW_MEMINFO)))


def parse_packet(messages: Iterable[Message]) -> Iterator[Socket]:
    """Parse struct packet_diag_msg; what found a ring full (PACKET_RX_RING) is no drop here: see `capture`."""
    for _type, payload in messages:
        ethertype, inode = _PACKET_MESSAGE.unpack_from(payload)
        drops = _drops(payload, _PACKET_MESSAGE.size, _PACKET_DIAG_MEMINFO)
        if drops:
            yield Socket("packet", f"ethertype 0x{ethertype:04x}", inode, drops)


def _listeners(host: Host) -> Iterator[Socket]:
    """Yield TCP listeners, asked only when some connection was refused: the question may load a module, too."""
    netstat = dict(_proc.pairs(_text(host, "netstat")))
    if int(netstat.get("TcpExtListenDrops", 0)):
        for family in (AF_INET, AF_INET6):
            with suppress(FileNotFoundError):
                yield from parse_listeners(listeners(family, 1 << (_INET_DIAG_SKMEMINFO - 1)))


def listeners(family: int, extensions: int = 0) -> list[Message]:
    """Dump the TCP listeners of the calling thread's network namespace."""
    return _ask(_INET_REQUEST.pack(family, IPPROTO_TCP, extensions, _LISTENING))


def _ask(request: bytes) -> list[Message]:
    """Dump sockets. Raises FileNotFoundError where the kernel was built without this part of sock_diag."""
    with Netlink(SOCK_DIAG) as netlink:
        return netlink.dump(_SOCK_DIAG_BY_FAMILY, request)


def parse_listeners(messages: Iterable[Message]) -> Iterator[Socket]:
    """Parse struct inet_diag_msg of TCP sockets."""
    for _type, payload in messages:
        local, inode = listener(payload)
        drops = _drops(payload, _INET_MESSAGE.size, _INET_DIAG_SKMEMINFO)
        if drops:
            yield Socket("tcp", local, inode, drops)


def listener(payload: bytes) -> tuple[str, int]:
    """Return "address:port" and the inode of struct inet_diag_msg."""
    port, address, inode = _INET_MESSAGE.unpack_from(payload)
    source = address[:4] if payload[0] == AF_INET else address
    return _printed(source, int.from_bytes(port, "big")), inode


def _drops(payload: bytes, offset: int, attribute: int) -> int:
    for kind, value in attributes(payload, offset):
        if kind == attribute and len(value) >= _MEMINFO.size:
            return int(_MEMINFO.unpack_from(value)[0])
    return 0
