"""What the MAC and PHY of cards counted, by IEEE 802.3 and RFC 2819, where a driver has no names of its own."""

import struct
import sys
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import _generic, ethtool
from dropwatchd.kernel import generic
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link
from dropwatchd.kernel.netlink import Message, attributes, packed
from dropwatchd.model import CounterKey, Reading

# Of include/uapi/linux/ethtool_netlink.h (5.13+); packets, bytes and what is ordinary is left out
_STATS_GET = 32
_HEADER, _GROUPS, _GROUP = 2, 3, 4  # ETHTOOL_A_STATS_*
_DEV_INDEX = 1  # ETHTOOL_A_HEADER_*
_GROUP_ID, _GROUP_STAT = 2, 4  # ETHTOOL_A_STATS_GRP_*
_NAMES = {
    0: {0: "SymbolErrorDuringCarrier"},
    1: {
        4: "FrameCheckSequenceErrors", 5: "AlignmentErrors", 8: "LateCollisions", 9: "FramesAbortedDueToXSColls",
        10: "FramesLostDueToIntMACXmitError", 11: "CarrierSenseErrors", 13: "FramesLostDueToIntMACRcvError",
        16: "FramesWithExcessiveDeferral", 19: "InRangeLengthErrors", 20: "OutOfRangeLengthField",
        21: "FrameTooLongErrors",
    },
    2: {0: "MACControlFramesTransmitted", 1: "MACControlFramesReceived"},
    3: {0: "etherStatsUndersizePkts", 1: "etherStatsOversizePkts", 2: "etherStatsFragments", 3: "etherStatsJabbers"},
}
_NESTED = 0x8000  # NLA_F_NESTED, which this family demands
_ALL = struct.pack("=I", sum(1 << group for group in _NAMES))
_BITSET = packed(1, b"") + packed(2, struct.pack("=I", len(_NAMES))) + packed(4, _ALL)  # ETHTOOL_A_BITSET_*: no mask
_EVERY = packed(_NESTED | _HEADER, b"")  # device: Linux 6.1 refuses a dump without this header
_REQUEST = _EVERY + packed(_NESTED | _GROUPS, _BITSET)


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace of which the collector ethtool has nothing.

    Other drivers tell the same packets there, by names that say more.
    """
    messages = _generic.dump("ethtool", _STATS_GET, _REQUEST)
    messages = [message for message in messages if any(_statistics(group) for group in _groups(message))]
    return ethtool.untold(parse(messages, host.links if messages else {}, host.netns))


def parse(messages: Iterable[Message], links: Mapping[int, Link], netns: int | None) -> Iterator[Reading]:
    """Parse ETHTOOL_MSG_STATS_GET_REPLY messages: one for each device, with the numbers that its driver has.

    A device that the links lack has gone in between.
    """
    for message in messages:
        header = dict(attributes(dict(attributes(message.payload, generic.HEADER.size)).get(_HEADER, b"")))
        ifindex = _number(header.get(_DEV_INDEX, b""))
        if link := links.get(ifindex):
            device = CounterKey("ethernet", "", netns, ifindex, link.name)
            for name, value in (pair for group in _groups(message) for pair in _statistics(group)):
                yield Reading(device._replace(name=name), value, from_zero=link.is_made)


def _groups(message: Message) -> Iterator[bytes]:
    return (value for kind, value in attributes(message.payload, generic.HEADER.size) if kind == _GROUP)


def _statistics(group: bytes) -> list[tuple[str, int]]:
    """Return (name, value) of a group of statistics: each has an attribute of its own, with its number for a type."""
    parts = list(attributes(group))
    names = _NAMES.get(_number(dict(parts).get(_GROUP_ID, b"")), {})
    pairs = (pair for kind, value in parts if kind == _GROUP_STAT for pair in attributes(value))
    return [(names[number], _number(value)) for number, value in pairs if number in names]


def _number(value: bytes) -> int:
    return int.from_bytes(value, sys.byteorder)
