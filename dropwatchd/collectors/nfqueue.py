"""Packets that never reached a firewall program, by queue, from /proc/net/netfilter/nfnetlink_queue."""

from collections.abc import Iterable, Iterator

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading


def collect(host: Host) -> Iterable[Reading]:
    """Read the queues of the calling thread's network namespace; how many there are is told where none is, too."""
    return list(parse(_proc.read(host, "netfilter/nfnetlink_queue"), host.netns))


def parse(text: str, netns: int | None) -> Iterator[Reading]:
    """Parse a line for each queue that a program has bound (net/netfilter/nfnetlink_queue.c seq_show).

    Its number, the program's netlink port, packets waiting, copy mode and range, packets dropped because it was full,
    packets that the program's socket did not take, the last packet's number, and a one.
    """
    queues = [line.split() for line in text.splitlines()]
    yield Reading(CounterKey("nfqueue", "bound", netns), len(queues), bits=0)
    for number, _port, waiting, _mode, _range, full, refused, *_rest in queues:
        labels = (("queue", number),)
        yield Reading(CounterKey("nfqueue", "waiting", netns, labels=labels), int(waiting), bits=0)
        yield Reading(CounterKey("nfqueue", "queue_dropped", netns, labels=labels), int(full), bits=32)
        yield Reading(CounterKey("nfqueue", "user_dropped", netns, labels=labels), int(refused), bits=32)
