"""Packets that never reached a firewall program, by queue, from /proc/net/netfilter/nfnetlink_queue."""

from collections.abc import Iterable, Iterator

from dropwatchd.collectors import _proc
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import NETFILTER
from dropwatchd.model import CounterKey, Reading


def collect(host: Host) -> Iterable[Reading]:
    """Read the queues of the calling thread's network namespace; how many there are is told where none is, too.

    The file is for root and its like alone. Without those rights it is still known that there is no queue where no
    program has a socket to bind one with.
    """
    try:
        text = _proc.read(host, "netfilter/nfnetlink_queue")
    except PermissionError:
        if _has_socket(_proc.read(host, "netlink")):
            raise
        text = ""
    return list(parse(text, host.netns))


def _has_socket(text: str) -> bool:
    """Say whether /proc/net/netlink has a socket of the protocol NETLINK_NETFILTER that is not the kernel's own."""
    sockets = (line.split()[1:3] for line in text.splitlines()[1:])
    return any(protocol == str(NETFILTER) and port != "0" for protocol, port in sockets)


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
