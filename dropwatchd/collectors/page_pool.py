"""How often drivers' pools of pages for received packets ran out, by device and pool (netdev-genl, 6.8+)."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from errno import EOPNOTSUPP

from dropwatchd.collectors import AbsentError, _generic
from dropwatchd.kernel import generic
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link
from dropwatchd.kernel.netlink import Message, attributes
from dropwatchd.model import CounterKey, Reading

# NETDEV_* of include/uapi/linux/netdev.h; what goes as it should is left out
_STATS_GET = 9
_INFO, _INFO_ID, _INFO_IFINDEX = 1, 1, 2
_COUNTERS = {9: "alloc-slow", 13: "alloc-waive", 17: "recycle-ring-full"}


def collect(host: Host) -> Iterable[Reading]:
    """Read the pools of devices of the calling thread's network namespace."""
    try:
        messages = _generic.dump("netdev", _STATS_GET)
    except OSError as error:
        if error.errno != EOPNOTSUPP:
            raise
        raise AbsentError("this kernel counts nothing of page pools (CONFIG_PAGE_POOL_STATS, Linux 6.8)") from None
    if not messages:
        raise AbsentError("no driver here has a pool of pages")
    return parse(messages, host.links, host.netns)


def parse(messages: Iterable[Message], links: Mapping[int, Link], netns: int | None) -> Iterator[Reading]:
    """Parse NETDEV_CMD_PAGE_POOL_STATS_GET messages: one for each pool, whose numbers began at zero with it.

    A device that the links lack has gone in between; so has that of a pool that names none.
    """
    for _type, payload in messages:
        found = dict(attributes(payload, generic.HEADER.size))
        pool = {kind: _number(value) for kind, value in attributes(found.get(_INFO, b""))}
        ifindex = pool.get(_INFO_IFINDEX, 0)
        if link := links.get(ifindex):
            key = CounterKey("page_pool", "", netns, ifindex, link.name, (("pool", str(pool[_INFO_ID])),))
            for kind, name in _COUNTERS.items():
                if kind in found:
                    yield Reading(key._replace(name=name), _number(found[kind]))


def _number(value: bytes) -> int:
    """Decode what the kernel packs into 4 bytes where that is enough, else into 8 (nla_put_uint)."""
    return int.from_bytes(value, sys.byteorder)
