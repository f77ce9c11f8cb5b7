"""Statistics of every network device (struct rtnl_link_stats64), over rtnetlink."""

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache

from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link
from dropwatchd.kernel.netlink import ROUTE, Message, Netlink, attributes
from dropwatchd.model import CounterKey, Reading

_RTM_GETSTATS = 94
_HEADER = struct.Struct("=BxxxiI")  # struct if_stats_msg: family, ifindex, filter
_IFLA_STATS_LINK_64 = 1
# struct rtnl_link_stats64 of include/uapi/linux/if_link.h; older kernels end earlier
_FIELDS = (
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped",
    "multicast", "collisions", "rx_length_errors", "rx_over_errors", "rx_crc_errors", "rx_frame_errors",
    "rx_fifo_errors", "rx_missed_errors", "tx_aborted_errors", "tx_carrier_errors", "tx_fifo_errors",
    "tx_heartbeat_errors", "tx_window_errors", "rx_compressed", "tx_compressed", "rx_nohandler",
    "rx_otherhost_dropped",
)


def collect(host: Host) -> Iterable[Reading]:
    """Read the statistics of the devices in the calling thread's network namespace.

    RTM_GETSTATS costs a sixth of RTM_GETLINK for the same numbers, but leaves out the names. These are read first: a
    device without one came in between, and is read the next time.
    """
    links = host.links
    with Netlink(ROUTE) as netlink:
        messages = netlink.dump(_RTM_GETSTATS, _HEADER.pack(0, 0, 1 << (_IFLA_STATS_LINK_64 - 1)))
    return parse(messages, links, host.netns)


def parse(messages: Iterable[Message], links: Mapping[int, Link], netns: int | None) -> list[Reading]:
    """Parse RTM_NEWSTATS messages."""
    readings = []
    for _type, payload in messages:
        ifindex = _HEADER.unpack_from(payload)[1]
        link = links.get(ifindex)
        if link:
            readings += [
                Reading(key, value, from_zero=link.is_made)
                for key, value in zip(_keys(netns, ifindex, link.name), _statistics(payload), strict=False)
            ]
    return readings


@lru_cache(maxsize=512)
def _keys(netns: int | None, ifindex: int, name: str) -> tuple[CounterKey, ...]:
    return tuple(CounterKey("link", field, netns, ifindex, name) for field in _FIELDS)


def _statistics(payload: bytes) -> tuple[int, ...]:
    for kind, value in attributes(payload, _HEADER.size):
        if kind == _IFLA_STATS_LINK_64:
            return struct.unpack(f"={len(value) // 8}Q", value)
    return ()
