"""Sockets that take packets for one local address, or of one peer, alone: to all others nobody seems to listen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import takewhile
from socket import AF_INET, AF_INET6

from dropwatchd.collectors import AbsentError, _proc, sockets
from dropwatchd.collectors.sockets import address
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading

_TABLES = {"tcp": AF_INET, "tcp6": AF_INET6, "udp": AF_INET, "udp6": AF_INET6}
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
    tables = [table for table in _TABLES if (host.proc / "thread-self" / "net" / table).exists()]
    if not tables:
        raise AbsentError("there is neither TCP nor UDP here")
    found = {labels for table in tables for labels in _labels(table, _ends(host, table))}
    there = set(sorted(found)[:_MOST])
    gone, _seen[host.netns] = _seen[host.netns] - there, there
    return [*(_reading(host, labels, 1) for labels in sorted(there)), *(_reading(host, labels, 0) for labels in gone)]


def _reading(host: Host, labels: Labels, value: int) -> Reading:
    return Reading(CounterKey("bound", "sockets", host.netns, labels=labels), value, bits=0)


def _ends(host: Host, table: str) -> Iterable[tuple[str, str]]:
    """Return the local end and the peer of sockets, each as "address:port".

    /proc/net/tcp shows listeners too, but to do so the kernel walks its table of connections, half a million places.
    Where it does not answer else, the first part is read: there the listeners are.
    """
    if table.startswith("tcp"):
        with suppress(FileNotFoundError):
            return [(sockets.listener(payload)[0], _EVERY[0]) for _type, payload in sockets.listeners(_TABLES[table])]
    return parse(table, _proc.read(host, table, _FIRST_BYTES if table.startswith("tcp") else None))


def parse(table: str, text: str) -> Iterator[tuple[str, str]]:
    """Parse /proc/net/tcp and its like (net/ipv4/udp.c, udp4_format_sock): "0100007F:0035" is 127.0.0.1:53."""
    rows = (line.split() for line in text.splitlines()[1:])
    listed = takewhile(lambda row: len(row) > 3 and row[3] == _LISTEN, rows) if table.startswith("tcp") else rows
    for _number, local, peer, *_rest in listed:
        if _is_of_server(int(local.partition(":")[2], 16)):
            yield address(local), address(peer)


def _is_of_server(port: int) -> bool:
    return port < _FIRST_EPHEMERAL


def _labels(table: str, ends: Iterable[tuple[str, str]]) -> Iterator[Labels]:
    """Yield the labels of those that take packets for one address alone, or of one peer."""
    for here, there in ends:
        peer = "" if there.startswith(_EVERY) else there
        if _is_of_server(int(here.rpartition(":")[2])) and (peer or not here.startswith(_EVERY)):
            yield ("local", here), ("peer", peer), ("protocol", table)
