"""Packets that AF_XDP sockets lost, by socket and queue, over sock_diag: no drop event tells of these."""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.collectors._owners import Labels, Owners
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import SOCK_DIAG, Message, Netlink, attributes
from dropwatchd.model import CounterKey, Reading

_AF_XDP = 44
_SOCK_DIAG_BY_FAMILY = 20
_SHOW_INFO, _SHOW_STATS = 1 << 0, 1 << 4  # XDP_SHOW_* of include/uapi/linux/xdp_diag.h; statistics since 5.8
_REQUEST = struct.Struct("=BxxxII8x")  # struct xdp_diag_req: family, inode, show
_MESSAGE = struct.Struct("=4xI8x")  # struct xdp_diag_msg: inode
_INFO, _STATS = 1, 9  # XDP_DIAG_*
_STRUCT_INFO = struct.Struct("=II")  # struct xdp_diag_info: ifindex, queue
_FIELDS = ("rx_dropped", "rx_invalid", "rx_full", "fill_ring_empty", "tx_invalid", "tx_ring_empty")
_STRUCT_STATS = struct.Struct(f"={len(_FIELDS)}Q")  # struct xdp_diag_stats

_owners: defaultdict[int, Owners] = defaultdict(Owners)  # by namespace: each is read in a round of its own


def collect(host: Host) -> Iterable[Reading]:
    """Read the AF_XDP sockets of the calling thread's network namespace.

    They are asked only where there are some: the question alone makes a kernel load a module. Raises LookupError for
    a kernel that has them and does not tell.
    """
    sockets = count(_proc.read(host, "protocols"))
    if not sockets:
        raise AbsentError("no AF_XDP socket is open")
    names = host.names()
    with Netlink(SOCK_DIAG) as netlink:
        try:
            messages = netlink.dump(_SOCK_DIAG_BY_FAMILY, _REQUEST.pack(_AF_XDP, 0, _SHOW_INFO | _SHOW_STATS))
        except FileNotFoundError:
            raise LookupError(f"{sockets} AF_XDP sockets, but the kernel is without CONFIG_XDP_SOCKETS_DIAG") from None
    owners = _owners[host.netns].of(host.proc, {_MESSAGE.unpack_from(message.payload)[0] for message in messages})
    return parse(messages, names, host.netns, owners)


def count(text: str) -> int:
    """Return how many AF_XDP sockets /proc/net/protocols counts (net/core/sock.c, proto_seq_printf)."""
    return sum(int(line.split()[2]) for line in text.splitlines() if line.startswith("XDP "))


def parse(
    messages: Iterable[Message], names: Mapping[int, str], netns: int | None, owners: Mapping[int, Labels],
) -> Iterator[Reading]:
    """Parse struct xdp_diag_msg; a socket that is not bound to a device yet has lost nothing."""
    for _type, payload in messages:
        inode = _MESSAGE.unpack_from(payload)[0]
        found = dict(attributes(payload, _MESSAGE.size))
        ifindex, queue = _STRUCT_INFO.unpack(found[_INFO]) if _INFO in found else (0, 0)
        if ifindex in names and len(found.get(_STATS, b"")) >= _STRUCT_STATS.size:
            labels = sorted((("inode", str(inode)), ("queue", str(queue)), *owners.get(inode, ())))
            key = CounterKey("xdp", "", netns, ifindex, names[ifindex], tuple(labels))
            for name, value in zip(_FIELDS, _STRUCT_STATS.unpack_from(found[_STATS]), strict=True):
                yield Reading(key._replace(name=name), value)
