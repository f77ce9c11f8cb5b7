"""Segments that TCP has sent again, by peer and port: off unless the configuration asks for it."""

from collections import Counter
from collections.abc import Iterable, Iterator

from dropwatchd.collectors import AbsentError
from dropwatchd.collectors._programs import Once
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.retransmits import Retransmit, Retransmits
from dropwatchd.model import CounterKey, Reading

NAME = "retransmits"
opened = Once(Retransmits)


def collect(host: Host) -> Iterable[Reading]:
    """Read what was counted in the calling thread's network namespace since the daemon began.

    Raises AbsentError where BPF may not be used, or the kernel refuses it: nobody can say then who lost anything.
    """
    counted = opened()
    if isinstance(counted, OSError):
        raise AbsentError(f"not counted: {counted.strerror}")
    return readings([one for one in counted.counts() if one.cookie == host.netns], counted.elsewhere(), host.netns)


def readings(own: Iterable[Retransmit], elsewhere: int, netns: int) -> Iterator[Reading]:
    """Yield the counts of a namespace by kind, peer and port, and what could not be told by these."""
    counts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
    for one in own:
        counts[one.kind, _labels(one)] += one.segments
    for (kind, labels), count in counts.items():
        yield Reading(CounterKey(NAME, kind, netns, labels=labels), count)
    yield Reading(CounterKey(NAME, "elsewhere"), elsewhere)


def _labels(one: Retransmit) -> tuple[tuple[str, str], ...]:
    """Return the labels, sorted."""
    port = ("local_port", str(one.local_port)) if one.local_port else ("peer_port", str(one.peer_port))
    return (port,) if one.peer is None else tuple(sorted((("peer", one.peer), port)))
