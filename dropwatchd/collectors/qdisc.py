"""Statistics of queueing disciplines, per handle and parent, over rtnetlink."""

import struct
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import ROUTE, Message, Netlink, attributes, text
from dropwatchd.model import CounterKey, Reading

_RTM_GETQDISC = 38
_HEADER = struct.Struct("=BxxxiIII")  # struct tcmsg: family, ifindex, handle, parent, info
_TCA_KIND, _TCA_STATS2 = 1, 7
_BASIC, _QUEUE, _PACKETS_64 = 1, 3, 8  # TCA_STATS_* of include/uapi/linux/gen_stats.h
_STRUCT_BASIC = struct.Struct("=QI")  # struct gnet_stats_basic: bytes, packets
_STRUCT_QUEUE = struct.Struct("=IIIII")  # struct gnet_stats_queue: qlen, backlog, drops, requeues, overlimits
_QUEUE_FIELDS = (("qlen", 0), ("backlog", 0), ("drops", 32), ("requeues", 32), ("overlimits", 32))
_PARENTS = {0xFFFFFFFF: "root", 0xFFFFFFF1: "ingress"}  # TC_H_ROOT; TC_H_INGRESS, also of clsact


def collect(host: Host) -> Iterable[Reading]:
    """Read the statistics of the qdiscs in the calling thread's network namespace."""
    names = host.names()
    with Netlink(ROUTE) as netlink:
        messages = netlink.dump(_RTM_GETQDISC, _HEADER.pack(0, 0, 0, 0, 0))
    return parse(messages, names, host.netns)


def parse(messages: Iterable[Message], names: Mapping[int, str], netns: int | None) -> list[Reading]:
    """Parse RTM_NEWQDISC messages.

    Labels are the kind, the handle ("8001:"; "0:" for one that the kernel made itself) and the parent:
    "root", "ingress", or the class that it hangs on ("1:2"; ":1" below an mq of handle 0). noqueue is left
    out: packets go past it and it counts none (net/core/dev.c, __dev_queue_xmit).
    """
    readings = []
    for _type, payload in messages:
        _family, ifindex, handle, parent, _info = _HEADER.unpack_from(payload)
        found = dict(attributes(payload, _HEADER.size))
        kind = text(found[_TCA_KIND])
        name = names.get(ifindex)
        if name and kind != "noqueue":
            labels = (("handle", f"{handle >> 16:x}:"), ("kind", kind), ("parent", _parent(parent)))
            readings += [
                Reading(CounterKey("qdisc", field, netns, ifindex, name, labels), value, bits)
                for field, value, bits in _statistics(found.get(_TCA_STATS2, b""))
            ]
    return readings


def _parent(number: int) -> str:
    major = f"{number >> 16:x}" if number >> 16 else ""
    return _PARENTS.get(number) or f"{major}:{number & 0xFFFF:x}"


def _statistics(nest: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield (name, value, bits). Packets beyond 32 bit have their own attribute (net/core/gen_stats.c)."""
    found = dict(attributes(nest))
    if _BASIC in found:
        octets, packets = _STRUCT_BASIC.unpack_from(found[_BASIC])
        if _PACKETS_64 in found:
            (packets,) = struct.unpack("=Q", found[_PACKETS_64])
        yield "bytes", octets, 64
        yield "packets", packets, 64
    if _QUEUE in found:
        for (field, bits), value in zip(_QUEUE_FIELDS, _STRUCT_QUEUE.unpack_from(found[_QUEUE]), strict=True):
            yield field, value, bits
