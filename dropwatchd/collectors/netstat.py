"""Linux's own TCP, IP and MPTCP counters (TcpExt, IpExt, MPTcpExt), from /proc/net/netstat."""

from collections.abc import Iterable

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

_GAUGES = frozenset({"MPTcpExtMPCurrEstab"})  # 6.5+, MPTCP_MIB_CURRESTAB is incremented and decremented


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of the calling thread's network namespace."""
    return parse(_proc.read(host, "netstat"), host.netns)


def parse(text: str, netns: int | None) -> list[Reading]:
    """Parse /proc/net/netstat."""
    return [
        Reading(CounterKey("netstat", name, netns), int(value), 0 if name in _GAUGES else 64)
        for name, value in _proc.pairs(text)
    ]
