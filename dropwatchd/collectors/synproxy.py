"""SYNs that the firewall answered in a server's place, and wrong cookies in return, from /proc/net/stat/synproxy."""

from collections.abc import Iterable, Iterator

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

_COUNTERS = ("syn_received", "cookie_invalid", "cookie_valid", "cookie_retrans", "conn_reopened")


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of the calling thread's network namespace; the file comes with the module."""
    return parse(_proc.read(host, "stat/synproxy"), host.netns)


def parse(text: str, netns: int | None) -> Iterator[Reading]:
    """Parse a line for each possible CPU (net/netfilter/nf_synproxy_core.c, synproxy_cpu_seq_show)."""
    for cpu, row in enumerate(_proc.columns(text)):
        for name in _COUNTERS:
            yield Reading(CounterKey("synproxy", name, netns, labels=(("cpu", str(cpu)),)), row[name], 32)
