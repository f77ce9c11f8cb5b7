"""Packets that traffic control actions dropped (tc filters with `action drop`, `police` and the like)."""

import struct
from collections.abc import Iterable, Iterator

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import ROUTE, Message, Netlink, attributes, packed, text
from dropwatchd.model import CounterKey, Reading

# The kinds of actions that can drop; a kind that the kernel has not loaded has no actions, and is not loaded for this.
_KINDS = (
    "gact", "police", "mirred", "bpf", "pedit", "ct", "nat", "csum", "vlan", "mpls", "tunnel_key", "skbmod", "gate",
)
_RTM_GETACTION = 50
_HEADER_BYTES = 4  # struct tcamsg
_ROOT_TABLE, _ROOT_FLAGS = 1, 2  # TCA_ROOT_*
_TERSE = 1 << 1  # 5.11+: kind, number and statistics alone
_KIND, _INDEX, _STATS = 1, 3, 4  # TCA_ACT_* of include/uapi/linux/pkt_cls.h
_STATS_QUEUE = 3  # TCA_STATS_QUEUE
_QUEUE = struct.Struct("=8xI4xI")  # struct gnet_stats_queue: drops, overlimits


def collect(host: Host) -> Iterable[Reading]:
    """Read the actions of the calling thread's network namespace.

    Drops of clsact and ingress count in their qdisc as well, whether an action or a classifier dropped.
    """
    with Netlink(ROUTE) as netlink:
        found = list(parse((m for kind in _KINDS for m in netlink.dump(_RTM_GETACTION, _request(kind))), host.netns))
    if not found:
        raise AbsentError("no traffic control action that could drop")
    return found


def _request(kind: str) -> bytes:
    action = packed(1, packed(_KIND, kind.encode() + b"\0"))
    flags = struct.pack("=II", _TERSE, _TERSE)  # struct nla_bitfield32: value, selector
    return bytes(_HEADER_BYTES) + packed(_ROOT_TABLE, action) + packed(_ROOT_FLAGS, flags)


def parse(messages: Iterable[Message], netns: int | None) -> Iterator[Reading]:
    """Parse RTM_GETACTION messages: an action is known by its kind and number, and may serve several filters."""
    for _type, payload in messages:
        for _place, action in attributes(dict(attributes(payload, _HEADER_BYTES)).get(_ROOT_TABLE, b"")):
            found = dict(attributes(action))
            queue = dict(attributes(found.get(_STATS, b""))).get(_STATS_QUEUE)
            if queue:
                index = struct.unpack("=I", found[_INDEX])[0]
                labels = (("action", text(found[_KIND])), ("index", str(index)))
                for name, value in zip(("drops", "overlimits"), _QUEUE.unpack_from(queue), strict=True):
                    yield Reading(CounterKey("tc", name, netns, labels=labels), value, 32)
