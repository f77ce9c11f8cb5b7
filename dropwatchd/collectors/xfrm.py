"""Packets that IPsec refused, by reason, from /proc/net/xfrm_stat."""

from collections.abc import Iterable

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of the calling thread's network namespace."""
    return parse(_proc.read(host, "xfrm_stat"), host.netns)


def parse(text: str, netns: int | None) -> list[Reading]:
    """Parse /proc/net/xfrm_stat (Documentation/networking/xfrm/xfrm_proc.rst)."""
    return [Reading(CounterKey("xfrm", name, netns), value) for name, value in _proc.lines(text)]
