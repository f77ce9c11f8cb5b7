"""Records of kernel TLS that could not be decrypted, and sessions, from /proc/net/tls_stat."""

from collections.abc import Iterable

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of the calling thread's network namespace; the file comes with the module."""
    return parse(_proc.read(host, "tls_stat"), host.netns)


def parse(text: str, netns: int | None) -> list[Reading]:
    """Parse /proc/net/tls_stat (net/tls/tls_proc.c): names with Curr are levels."""
    return [
        Reading(CounterKey("tls", name, netns), value, 0 if name.startswith("TlsCurr") else 64)
        for name, value in _proc.lines(text)
    ]
