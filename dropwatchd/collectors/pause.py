"""Frames by which a device and its link partner ask each other to pause, by device (ethtool -I --show-pause)."""

from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import _ethtool_netlink, ethtool
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link
from dropwatchd.kernel.netlink import Message
from dropwatchd.model import Reading

# Of include/uapi/linux/ethtool_netlink.h, under the names that ethtool prints
_PAUSE_GET = 21
_STATISTICS = 5  # ETHTOOL_A_PAUSE_STATS
_NAMES = {2: "tx_pause_frames", 3: "rx_pause_frames"}


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace of which the collector ethtool has nothing.

    Other drivers tell the same frames there.
    """
    messages = _ethtool_netlink.ask(_PAUSE_GET)
    return ethtool.untold(parse(messages, host.links if messages else {}, host.netns))


def parse(messages: Iterable[Message], links: Mapping[int, Link], netns: int | None) -> Iterator[Reading]:
    """Parse ETHTOOL_MSG_PAUSE_GET_REPLY messages: only what a driver counts is in them."""
    for key, link, told in _ethtool_netlink.statistics(messages, links, "pause", netns, _STATISTICS):
        for kind, value in told:
            if kind in _NAMES:
                number = _ethtool_netlink.number(value)
                yield Reading(key._replace(name=_NAMES[kind]), number, from_zero=link.is_made)
