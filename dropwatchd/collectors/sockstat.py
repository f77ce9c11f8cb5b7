"""Memory that sockets and fragments in reassembly hold: under their limits, packets are dropped."""

from collections.abc import Iterable, Iterator

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

# Of /proc/net/sockstat and sockstat6 (net/ipv4/proc.c, net/ipv6/proc.c). Memory of sockets is in pages and of the
# whole host, memory of fragments is in bytes and of the namespace.
_OF_THE_HOST = frozenset({"TCPmem", "TCPorphan", "UDPmem"})
_OF_THE_NAMESPACE = frozenset({"FRAGinuse", "FRAGmemory", "FRAG6inuse", "FRAG6memory"})


def collect(host: Host) -> Iterable[Reading]:
    """Read the gauges of the calling thread's network namespace."""
    return [*parse(_proc.read(host, "sockstat"), host.netns), *_version_6(host)]


def _version_6(host: Host) -> list[Reading]:
    try:
        return parse(_proc.read(host, "sockstat6"), host.netns)
    except AbsentError:  # IPv6 is not built in or disabled at boot
        return []


def parse(text: str, netns: int | None) -> list[Reading]:
    """Parse lines such as "UDP: inuse 4 mem 2": names are "UDPinuse" and "UDPmem"."""
    return [
        Reading(CounterKey("sockstat", name, None if name in _OF_THE_HOST else netns), value, 0)
        for name, value in _pairs(text) if name in _OF_THE_HOST | _OF_THE_NAMESPACE
    ]


def _pairs(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        protocol, _, rest = line.partition(":")
        words = rest.split()
        for name, value in zip(words[::2], words[1::2], strict=True):
            yield protocol + name, int(value)
