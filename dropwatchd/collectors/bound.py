"""Sockets that take packets for one local address, or of one peer, alone: to all others nobody seems to listen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import takewhile

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.collectors.sockets import address
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

_TABLES = ("tcp", "tcp6", "udp", "udp6")
_LISTEN = "0A"          # TCP_LISTEN; tcp_seq_start shows the listeners before all connections (net/ipv4/tcp_ipv4.c)
_FIRST_EPHEMERAL = 32768  # net.ipv4.ip_local_port_range by default: from here on ports are clients', which come and go
_MOST = 256             # of a namespace
_FIRST_BYTES = 65536    # of TCP's table: some 400 listeners
_EVERY = ("0.0.0.0:", "[::]:")
Labels = tuple[tuple[str, str], ...]
_seen: defaultdict[int, set[Labels]] = defaultdict(set)  # by namespace: what was there in its last round


def collect(host: Host) -> Iterable[Reading]:
    """Read the sockets of the calling thread's network namespace: 1 for each that is there, once 0 where it has gone.

    A socket for every address and peer is none of these: it would take the packets.
    """
    texts = [(table, text) for table in _TABLES if (text := _text(host, table))]
    if not texts:
        raise AbsentError("there is neither TCP nor UDP here")
    found = {labels for table, text in texts for labels in parse(table, text)}
    there = set(sorted(found)[:_MOST])
    gone, _seen[host.netns] = _seen[host.netns] - there, there
    return [*(_reading(host, labels, 1) for labels in sorted(there)), *(_reading(host, labels, 0) for labels in gone)]


def _reading(host: Host, labels: Labels, value: int) -> Reading:
    return Reading(CounterKey("bound", "sockets", host.netns, labels=labels), value, bits=0)


def _text(host: Host, table: str) -> str:
    """Return a table; of TCP, which may have a million connections, its first part: there the listeners are."""
    try:
        return _proc.read(host, table, _FIRST_BYTES if table.startswith("tcp") else None)
    except AbsentError:  # a protocol that this kernel has not
        return ""


def parse(table: str, text: str) -> Iterator[Labels]:
    """Yield the labels of such sockets in /proc/net/tcp and its like (net/ipv4/udp.c, udp4_format_sock)."""
    rows = (line.split() for line in text.splitlines()[1:])
    listed = takewhile(lambda row: len(row) > 3 and row[3] == _LISTEN, rows) if table.startswith("tcp") else rows
    for _number, local, peer, *_rest in listed:
        here, there = address(local), address(peer)
        is_client = int(local.partition(":")[2], 16) >= _FIRST_EPHEMERAL
        if not is_client and not (here.startswith(_EVERY) and there.startswith(_EVERY)):
            yield ("local", here), ("peer", "" if there.startswith(_EVERY) else there), ("protocol", table)
