"""IPv6 packets that were lost, by interface, from /proc/net/dev_snmp6: the same packets as those of `snmp6`."""

import os
from collections.abc import Iterable
from functools import lru_cache

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netns_names import printable
from dropwatchd.model import CounterKey, Reading

_PREFIX, _NEXT_PROTOCOL = "Ip6", "Icmp6"  # in this order
# What is lost, less what ordinary traffic moves: a host has many interfaces.
_NAMES = (
    "InHdrErrors", "InTooBigErrors", "InNoRoutes", "InAddrErrors", "InUnknownProtos", "InTruncatedPkts", "InDiscards",
    "OutDiscards", "OutNoRoutes", "ReasmTimeout", "ReasmFails", "FragFails",
)


def collect(host: Host) -> Iterable[Reading]:
    """Read the interfaces of the calling thread's network namespace that speak IPv6."""
    folder = f"{host.proc}/thread-self/net/dev_snmp6"
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - paths of hundreds of devices cost as much as their counters
    except FileNotFoundError as error:
        raise AbsentError(f"there is no {folder}") from error
    return [reading for name in names for reading in _device(folder, name, host.netns)]


def _device(folder: str, name: str, netns: int) -> Iterable[Reading]:
    try:
        return parse(printable(name), _proc.read_file(f"{folder}/{name}"), netns)
    except (AbsentError, OSError):  # it has gone in between
        return []


def parse(interface: str, text: str, netns: int) -> list[Reading]:
    """Parse a file of /proc/net/dev_snmp6 (net/ipv6/proc.c, snmp6_dev_seq_show): its first line is the ifindex."""
    words = text.partition(_NEXT_PROTOCOL)[0].split()
    values = dict(zip(words[::2], words[1::2], strict=True))
    keys = _keys(netns, int(values["ifIndex"]), interface)
    return [Reading(key, int(value)) for name, key in keys if (value := values.get(name)) is not None]


@lru_cache(maxsize=512)
def _keys(netns: int, ifindex: int, interface: str) -> tuple[tuple[str, CounterKey], ...]:
    return tuple((_PREFIX + name, CounterKey("dev_snmp6", name, netns, ifindex, interface)) for name in _NAMES)
