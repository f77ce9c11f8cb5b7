"""IPv4 packets that the routing code refused: martian addresses, and destinations without a route."""

from collections.abc import Iterable, Iterator

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

_COUNTERS = ("in_no_route", "in_martian_dst", "in_martian_src")


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of all possible CPUs: they are the whole host's, in whichever namespace."""
    return parse(_proc.read(host, "stat/rt_cache"))


def parse(text: str) -> Iterator[Reading]:
    """Parse /proc/net/stat/rt_cache (net/ipv4/route.c, rt_cpu_seq_show): a line for each possible CPU."""
    for cpu, row in enumerate(_proc.columns(text)):
        for name in _COUNTERS:
            yield Reading(CounterKey("route", name, labels=(("cpu", str(cpu)),)), row[name], 32)
