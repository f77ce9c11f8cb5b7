"""IPv6 packets that were lost, by interface, from /proc/net/dev_snmp6: the same packets as those of `snmp6`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

_PREFIX = "Ip6"
# What is lost, less what ordinary traffic moves: a host has many interfaces.
_NAMES = frozenset({
    "InHdrErrors", "InTooBigErrors", "InNoRoutes", "InAddrErrors", "InUnknownProtos", "InTruncatedPkts", "InDiscards",
    "OutDiscards", "OutNoRoutes", "ReasmTimeout", "ReasmFails", "FragFails",
})


def collect(host: Host) -> Iterable[Reading]:
    """Read the interfaces of the calling thread's network namespace that speak IPv6."""
    folder = host.proc / "thread-self" / "net" / "dev_snmp6"
    if not folder.is_dir():
        raise AbsentError(f"there is no {folder}")
    return [reading for path in sorted(folder.iterdir()) for reading in _device(path, host.netns)]


def _device(path: Path, netns: int) -> Iterable[Reading]:
    try:
        return list(parse(path.name, _proc.read_file(path), netns))
    except (AbsentError, OSError):  # it has gone in between
        return []


def parse(interface: str, text: str, netns: int) -> Iterator[Reading]:
    """Parse a file of /proc/net/dev_snmp6 (net/ipv6/proc.c, snmp6_dev_seq_show): its first line is the ifindex."""
    values = dict(_proc.lines(text))
    ifindex = int(values.pop("ifIndex"))
    for name, value in values.items():
        plain = name.removeprefix(_PREFIX)
        if name.startswith(_PREFIX) and plain in _NAMES:
            yield Reading(CounterKey("dev_snmp6", plain, netns, ifindex, interface), value)
