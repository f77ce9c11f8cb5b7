"""SCTP counters of RFC 3873, from /proc/net/sctp/snmp."""

from collections.abc import Iterable

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

_GAUGES = frozenset({"SctpCurrEstab"})


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of the calling thread's network namespace; the file comes with the module."""
    return parse(_proc.read(host, "sctp/snmp"), host.netns)


def parse(text: str, netns: int | None) -> list[Reading]:
    """Parse /proc/net/sctp/snmp (net/sctp/proc.c)."""
    return [
        Reading(CounterKey("sctp", name, netns), value, 0 if name in _GAUGES else 64)
        for name, value in _proc.lines(text)
    ]
