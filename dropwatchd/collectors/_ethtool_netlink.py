"""Statistics that the kernel tells beside a setting of cards (ethtool netlink, with the flag for them), by dumps."""

import struct
import sys
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import _generic
from dropwatchd.kernel import generic
from dropwatchd.kernel.links import Link
from dropwatchd.kernel.netlink import Message, attributes, packed
from dropwatchd.model import CounterKey

# Of include/uapi/linux/ethtool_netlink.h: the header is attribute 1 of each setting, of the question as of the answer
_HEADER, _DEV_INDEX, _FLAGS = 1, 1, 3
_WITH_STATISTICS = struct.pack("=I", 1 << 2)  # ETHTOOL_FLAG_STATS
_NESTED = 0x8000  # NLA_F_NESTED, which this family demands
QUESTION = packed(_NESTED | _HEADER, packed(_FLAGS, _WITH_STATISTICS))  # of every device


def ask(command: int) -> list[Message]:
    """Return the answer of each device whose driver has the setting. Raises AbsentError where there is no ethtool."""
    return _generic.dump("ethtool", command, QUESTION)


def statistics(messages: Iterable[Message], links: Mapping[int, Link], collector: str, netns: int | None,
               nest: int) -> Iterator[tuple[CounterKey, Link, list[tuple[int, bytes]]]]:
    """Yield each device that tells any, as a key without a name, and the attributes of its nest of statistics.

    A device that the links lack has gone in between.
    """
    for message in messages:
        found = dict(attributes(message.payload, generic.HEADER.size))
        ifindex = number(dict(attributes(found.get(_HEADER, b""))).get(_DEV_INDEX, b""))
        told = list(attributes(found.get(nest, b"")))
        if told and (link := links.get(ifindex)):
            yield CounterKey(collector, "", netns, ifindex, link.name), link, told


def number(value: bytes) -> int:
    """Decode an unsigned number of whatever size."""
    return int.from_bytes(value, sys.byteorder)
