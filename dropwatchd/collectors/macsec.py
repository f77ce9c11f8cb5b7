"""Packets that MACsec refused, by device and secure channel, over generic netlink."""

import sys
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import AbsentError, _generic
from dropwatchd.kernel import generic
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, attributes
from dropwatchd.model import CounterKey, Reading

# Of include/uapi/linux/if_macsec.h, in the names of IEEE 802.1AE that `ip -s macsec show` prints
_GET_TXSC = 0
_IFINDEX, _RXSC_LIST, _SECY_STATS = 1, 6, 8
_RXSC_SCI, _RXSC_STATS = 1, 4
_OF_THE_DEVICE = {
    2: "InPktsUntagged", 3: "OutPktsTooLong", 4: "InPktsNoTag", 5: "InPktsBadTag", 6: "InPktsUnknownSCI",
    7: "InPktsNoSCI", 8: "InPktsOverrun",
}
_OF_A_CHANNEL = {
    3: "InPktsUnchecked", 4: "InPktsDelayed", 6: "InPktsInvalid", 7: "InPktsLate", 8: "InPktsNotValid",
    9: "InPktsNotUsingSA", 10: "InPktsUnusedSA",
}


def collect(host: Host) -> Iterable[Reading]:
    """Read the MACsec devices of the calling thread's network namespace."""
    messages = _generic.dump("macsec", _GET_TXSC)
    if not messages:
        raise AbsentError("no MACsec device")
    return parse(messages, host.names(), host.netns)


def parse(messages: Iterable[Message], names: Mapping[int, str], netns: int | None) -> Iterator[Reading]:
    """Parse MACSEC_CMD_GET_TXSC messages: a device's own statistics, and those of each channel that it receives."""
    for _type, payload in messages:
        found = dict(attributes(payload, generic.HEADER.size))
        ifindex = int.from_bytes(found[_IFINDEX], sys.byteorder)
        if ifindex in names:
            device = CounterKey("macsec", "", netns, ifindex, names[ifindex])
            yield from _statistics(device, _OF_THE_DEVICE, found.get(_SECY_STATS, b""))
            for _place, channel in attributes(found.get(_RXSC_LIST, b"")):
                parts = dict(attributes(channel))
                labels = (("sci", parts[_RXSC_SCI].hex()),)  # in network order, as it is printed
                yield from _statistics(device._replace(labels=labels), _OF_A_CHANNEL, parts.get(_RXSC_STATS, b""))


def _statistics(key: CounterKey, names: Mapping[int, str], nest: bytes) -> Iterator[Reading]:
    for kind, value in attributes(nest):
        if kind in names:
            yield Reading(key._replace(name=names[kind]), int.from_bytes(value, sys.byteorder))
