"""What devices and their drivers lost by queue, in names that are the same for all (netdev-genl, 6.9+)."""

import struct
import sys
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import AbsentError, _generic
from dropwatchd.kernel import generic
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link
from dropwatchd.kernel.netlink import Message, attributes, packed
from dropwatchd.model import CounterKey, Reading

# NETDEV_* of include/uapi/linux/netdev.h; packets, bytes and what else is ordinary is left out
_QSTATS_GET = 12
_IFINDEX, _QUEUE_TYPE, _QUEUE_ID, _SCOPE = 1, 2, 3, 4
_BY_QUEUE = packed(_SCOPE, struct.pack("=Q", 1))
_TYPES = ("rx", "tx")
_COUNTERS = {
    12: "rx-alloc-fail", 13: "rx-hw-drops", 14: "rx-hw-drop-overruns", 18: "rx-csum-bad", 23: "rx-hw-drop-ratelimits",
    24: "tx-hw-drops", 25: "tx-hw-drop-errors", 32: "tx-hw-drop-ratelimits", 33: "tx-stop",
}


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace whose drivers tell; on virtio, what the host lost."""
    messages = _generic.dump("netdev", _QSTATS_GET, _BY_QUEUE)
    if not messages:
        raise AbsentError("no driver here has statistics of its queues")
    return parse(messages, host.links, host.netns)


def parse(messages: Iterable[Message], links: Mapping[int, Link], netns: int | None) -> Iterator[Reading]:
    """Parse NETDEV_CMD_QSTATS_GET messages: one for each queue, with the numbers that its driver has.

    A device that the links lack has gone in between.
    """
    for _type, payload in messages:
        found = dict(attributes(payload, generic.HEADER.size))
        ifindex, queue, kind = (_number(found[key]) for key in (_IFINDEX, _QUEUE_ID, _QUEUE_TYPE))
        if link := links.get(ifindex):
            device = CounterKey("qstats", "", netns, ifindex, link.name, (("queue", f"{_TYPES[kind]}-{queue}"),))
            for attribute, name in _COUNTERS.items():
                if attribute in found:
                    yield Reading(device._replace(name=name), _number(found[attribute]), from_zero=link.is_made)


def _number(value: bytes) -> int:
    """Decode what the kernel packs into 4 bytes where that is enough, else into 8 (nla_put_uint)."""
    return int.from_bytes(value, sys.byteorder)
