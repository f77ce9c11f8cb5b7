"""What drivers count as dropped, missed or in error (`ethtool -S`), of every device that has such statistics."""

import array
import fcntl
import os
import re
import socket
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import lru_cache

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import text
from dropwatchd.model import CounterKey, Reading

# Names are the driver's own, and a device may have thousands: what does not tell of a loss is left out. This is the
# one list: whatever dwreport's catalogue explains as a drop, an error or pressure has to be found by it.
_LOSS = re.compile(
    "drop|disc(?!o)|(?<!def)(?<!int)err|fail|miss|lost|bad|crc|fcs|abort|time_?out|tx[_ ]timeout|stopped|hang"
    "|fifo|over(flow|run|_|s)|(?<!cache_)(?<!ring_)full|no_|no(buf|desc|skb)|out_of|oob|lack|exceed|exhaust|empty|under"
    "|oversi|ovrsz|undrsz|jabber|jbr|runt|fragment(?!_cntr)|trunc|too[_ ]|toolong|length|len_|_len|big$|align|symbol"
    "|_lane_|_mii|pcs_|illegal|invalid|late_?col|exce?ss|violat|enforc|spoof|refus|reject|fault|carrier|ratelimit"
    "|limitation|wd_expired|watchdog|recursion|linear|frags$|map_sg|steer|filter|pause|xo(n|ff)|flow_control|pfc|(?<!fer)red_"
    "|thres|macsec|nomem|rx_vlan|_dp_|gtjumbo|vportoffset|exesscol|flushed|^tso$|^err$",
    re.IGNORECASE,
)
# Bytes and times are no packets, whatever befell these.
_MEASURE = re.compile("(?<!illegal_)bytes|octets|_(ns|us|usecs?|time)$|duration|latency", re.IGNORECASE)
_SIOCETHTOOL = 0x8946
_IFREQ = struct.Struct("16sP16x")
_GDRVINFO, _GSTRINGS, _GSTATS = 0x3, 0x1B, 0x1D  # ETHTOOL_* of include/uapi/linux/ethtool.h
_DRVINFO = struct.Struct("=4x32s144xI12x")  # struct ethtool_drvinfo: driver, n_stats
_STRINGS = struct.Struct("=III")  # struct ethtool_gstrings: command, set, length; then names of 32 bytes
_STATS = struct.Struct("=II")  # struct ethtool_stats: command, n_stats; then values of 8 bytes
_SS_STATS, _NAME_BYTES = 1, 32
# The kernel writes as many as there are at that moment, and a device may have got more queues since it told.
_SPARE_BYTES = 65536


class Control:
    """Asks drivers, one command after the other, in one piece of memory."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._room = array.array("B")

    def close(self) -> None:
        self._socket.close()

    def ask(self, name: bytes, command: bytes, octets: int) -> bytes:
        """Return the driver's answer to a command: it is written over it, and `octets` more behind."""
        missing = len(command) + octets + _SPARE_BYTES - len(self._room)
        self._room.frombytes(bytes(max(missing, 0)))
        self._room[:len(command)] = array.array("B", command)
        fcntl.ioctl(self._socket, _SIOCETHTOOL, _IFREQ.pack(name, self._room.buffer_info()[0]))
        return self._room[:len(command) + octets].tobytes()


def collect(host: Host) -> Iterable[Reading]:
    """Read the devices of the calling thread's network namespace."""
    with closing(Control()) as control:
        found = [
            replace(reading, from_zero=link.is_made) for ifindex, link in host.links.items()
            for reading in _device(control, CounterKey("ethtool", "", host.netns, ifindex, link.name))
        ]
    if not found:
        raise AbsentError("no driver here counts losses of its own")
    return found


def having(ifindexes: Iterable[int]) -> set[int]:
    """Return which of these devices' drivers have statistics under names of their own."""
    found = set()
    with closing(Control()) as control:
        for ifindex in ifindexes:
            with suppress(OSError):  # it has gone
                if about(control, os.fsencode(socket.if_indextoname(ifindex)))[1]:
                    found.add(ifindex)
    return found


def untold(readings: Iterable[Reading]) -> list[Reading]:
    """Leave out what devices tell by names of their own as well, which say more. Raises AbsentError for nothing."""
    found = list(readings)
    told = having({reading.key.ifindex for reading in found if reading.key.ifindex})
    found = [reading for reading in found if reading.key.ifindex not in told]
    if not found:
        raise AbsentError("no driver here leaves these counts to the names of the standards")
    return found


def about(control: Control, name: bytes) -> tuple[str, int]:
    """Return the name of a device's driver and how many statistics it has."""
    driver, number = _DRVINFO.unpack_from(control.ask(name, struct.pack("=I", _GDRVINFO), _DRVINFO.size))
    return text(driver), number


def _device(control: Control, device: CounterKey) -> Iterator[Reading]:
    """Yield the readings of a device: none where its driver has none, or where it has gone."""
    with suppress(OSError):
        name = os.fsencode(socket.if_indextoname(device.ifindex or 0))  # as it is, not as it can be printed
        driver, number = about(control, name)
        if number:
            names = control.ask(name, _STRINGS.pack(_GSTRINGS, _SS_STATS, number), _NAME_BYTES * number)
            values = control.ask(name, _STATS.pack(_GSTATS, number), 8 * number)
            yield from parse(device, driver, names, values)


def parse(device: CounterKey, driver: str, names: bytes, values: bytes) -> Iterator[Reading]:
    """Pair the names of struct ethtool_gstrings with the values of struct ethtool_stats.

    Values are 64 bit here; hardware may wrap earlier, at a width that no driver tells. When the device got or lost
    queues between the two answers, they do not match, and the next round tells.
    """
    number = _STATS.unpack_from(values)[1]
    if number == _STRINGS.unpack_from(names)[2]:
        found = struct.unpack_from(f"={number}Q", values, _STATS.size)
        for index, name, labels in _labelled(names[_STRINGS.size:], driver):
            yield Reading(device._replace(name=name, labels=labels), found[index])


@lru_cache(maxsize=64)
def _labelled(names: bytes, driver: str) -> tuple[tuple[int, str, tuple[tuple[str, str], ...]], ...]:
    """Return (index, name, labels) of what tells of a loss. Devices of one driver often have the same names.

    Some drivers (vmxnet3) call the counters of all queues alike.
    """
    losses = _losses(names)
    often = Counter(name for _index, name in losses)
    seen: Counter[str] = Counter()
    found = []
    for index, name in losses:
        queue = (("queue", str(seen[name])),) if often[name] > 1 else ()
        seen[name] += 1
        found.append((index, name, (("driver", driver), *queue)))
    return tuple(found)


def _losses(names: bytes) -> tuple[tuple[int, str], ...]:
    """Return (index, name) of what tells of a loss."""
    strings = [text(names[start:start + _NAME_BYTES]).strip() for start in range(0, len(names), _NAME_BYTES)]
    return tuple((index, name) for index, name in enumerate(strings) if tells_of_loss(name))


def tells_of_loss(name: str) -> bool:
    """Say whether a driver's counter is one of packets that were lost or held back, or of what leads to that."""
    return _LOSS.search(name) is not None and _MEASURE.search(name) is None
