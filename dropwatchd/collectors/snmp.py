"""IPv4, ICMP, TCP and UDP counters of RFC 1213 and its successors, from /proc/net/snmp."""

from collections.abc import Iterable

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

# Settings and gauges among the counters (RFC 1213; net/ipv4/proc.c). TcpMaxConn is -1: no limit.
_GAUGES = frozenset({
    "IpForwarding", "IpDefaultTTL", "TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax", "TcpMaxConn", "TcpCurrEstab",
})


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of the calling thread's network namespace."""
    return parse(_proc.read(host, "snmp"), host.netns)


def parse(text: str, netns: int | None) -> list[Reading]:
    """Parse /proc/net/snmp."""
    return [
        Reading(CounterKey("snmp", name, netns), int(value), 0 if name in _GAUGES else 64)
        for name, value in _proc.pairs(text)
    ]
