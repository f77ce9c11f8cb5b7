"""IPv6, ICMPv6 and UDP over IPv6 counters, from /proc/net/snmp6."""

from collections.abc import Iterable

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of the calling thread's network namespace."""
    return parse(_proc.read(host, "snmp6"), host.netns)


def parse(text: str, netns: int | None) -> list[Reading]:
    """Parse /proc/net/snmp6 (net/ipv6/proc.c)."""
    return [Reading(CounterKey("snmp6", name, netns), value) for name, value in _proc.lines(text)]
