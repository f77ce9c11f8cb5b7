"""What a snapshot of all counters costs on a host with many interfaces, queues and sockets."""

import os
import socket
import statistics
import time
from contextlib import ExitStack, suppress

from dropwatchd.collectors import AbsentError, collectors
from dropwatchd.kernel.host import Host
from tests.bench.daemon import Row
from tests.gallery.namespace import Namespace

_PAIRS, _SOCKETS, _ROUNDS = 50, 200, 20


def snapshots() -> list[Row]:
    """Return the CPU of a round in a namespace that has them."""
    with ExitStack() as stack:
        namespace = stack.enter_context(Namespace(f"bench-{os.getpid()}"))
        for number in range(_PAIRS):
            namespace.command(f"ip link add a{number} type veth peer name b{number}")
            for end in "ab":
                namespace.command(f"tc qdisc add dev {end}{number} root pfifo")
                namespace.command(f"ip link set {end}{number} up")
        for _ in range(_SOCKETS):
            stack.enter_context(namespace.run(_bound))
        spent = namespace.run(lambda: [_round(namespace.inode) for _ in range(_ROUNDS)])
    what = f"a round of all counters, {2 * _PAIRS + 1} interfaces, as many queues, {_SOCKETS} sockets"
    return [(what, f"{statistics.median(spent) * 1e3:.1f} ms of CPU", f"under 50 ms; median of {_ROUNDS}")]


def _bound() -> socket.socket:
    reader = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    reader.bind(("127.0.0.1", 0))
    return reader


def _round(netns: int) -> float:
    """Return the CPU seconds that this thread spends on reading every collector once."""
    begun, host = time.thread_time(), Host(netns=netns)
    for collect in collectors(()).values():
        with suppress(AbsentError):
            list(collect(host))
    return time.thread_time() - begun
