"""Packets that XDP programs aborted or could not send on, by device: counted at the kernel's own tracepoints."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import AbsentError
from dropwatchd.collectors._programs import Once
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.xdp_errors import XdpError, XdpErrors
from dropwatchd.model import CounterKey, Reading

opened = Once(XdpErrors)


def collect(host: Host) -> Iterable[Reading]:
    """Read what was counted on devices of the calling thread's network namespace since the daemon began.

    Raises AbsentError where BPF may not be used, or the kernel refuses it: nobody can say then whether there is any.
    """
    counted = opened()
    if isinstance(counted, OSError):
        raise AbsentError(f"not counted: {counted.strerror}")
    own = [one for one in counted.counts() if one.cookie == host.netns]
    return readings(own, counted.elsewhere(), host.names() if own else {}, host.netns)


def readings(own: Iterable[XdpError], elsewhere: int, names: Mapping[int, str], netns: int) -> Iterator[Reading]:
    """Yield the counts of a namespace's devices, each as it is called now, and what could not be told by device."""
    counts: Counter[tuple[int, str]] = Counter()
    called = dict(names)
    for one in own:
        counts[one.ifindex, one.kind] += one.times
        called.setdefault(one.ifindex, one.name)
    for (ifindex, kind), count in counts.items():
        yield Reading(CounterKey("xdp_errors", kind, netns, ifindex, called[ifindex]), count)
    yield Reading(CounterKey("xdp_errors", "elsewhere"), elsewhere)
