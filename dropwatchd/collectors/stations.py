"""What wireless devices lost on the way to and from each station, by device and station (nl80211)."""

import struct
import sys
from collections.abc import Iterable, Iterator
from errno import ENODEV, ENOENT

from dropwatchd.collectors import AbsentError, _generic
from dropwatchd.kernel import generic
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, attributes, packed, text
from dropwatchd.model import CounterKey, Reading

# NL80211_* of include/uapi/linux/nl80211.h, under the names that `iw dev DEVICE station dump` prints
_GET_INTERFACE, _GET_STATION = 5, 17
_IFINDEX, _IFNAME, _MAC, _STA_INFO = 3, 4, 6, 21
_COUNTERS = {11: "tx_retries", 12: "tx_failed", 18: "beacon_loss", 28: "rx_drop_misc"}
_BITS = {28: 64}  # the others are of 32
_MOST = 256  # stations of a device


def collect(host: Host) -> Iterable[Reading]:
    """Read the stations of the wireless devices of the calling thread's network namespace."""
    devices = dict(parse_devices(_generic.dump("nl80211", _GET_INTERFACE)))
    if not devices:
        raise AbsentError("no wireless device")
    return [reading for ifindex, name in devices.items() for reading in parse(_ask(ifindex), ifindex, name, host.netns)]


def _ask(ifindex: int) -> list[Message]:
    """Return the stations of a device; none where it has gone in between."""
    try:
        return _generic.dump("nl80211", _GET_STATION, packed(_IFINDEX, struct.pack("=I", ifindex)))
    except OSError as error:
        if error.errno in {ENODEV, ENOENT}:
            return []
        raise


def parse_devices(messages: Iterable[Message]) -> Iterator[tuple[int, str]]:
    """Parse NL80211_CMD_NEW_INTERFACE messages into (ifindex, name); one without is no network device (P2P)."""
    for _type, payload in messages:
        found = dict(attributes(payload, generic.HEADER.size))
        if _IFINDEX in found and _IFNAME in found:
            yield _number(found[_IFINDEX]), text(found[_IFNAME])


def parse(messages: Iterable[Message], ifindex: int, name: str, netns: int | None) -> Iterator[Reading]:
    """Parse NL80211_CMD_NEW_STATION messages: what is counted of a station began at zero when it came."""
    for _type, payload in list(messages)[:_MOST]:
        found = dict(attributes(payload, generic.HEADER.size))
        station = ":".join(f"{octet:02x}" for octet in found.get(_MAC, b""))
        key = CounterKey("stations", "", netns, ifindex, name, (("station", station),))
        for kind, value in attributes(found.get(_STA_INFO, b"")):
            if kind in _COUNTERS:
                yield Reading(key._replace(name=_COUNTERS[kind]), _number(value), _BITS.get(kind, 32))


def _number(value: bytes) -> int:
    return int.from_bytes(value, sys.byteorder)
