"""Packets that found the ring of a capture full (tcpdump, Suricata, Zeek), by socket: no drop event tells of these."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from dropwatchd.collectors import AbsentError, _cgroups, _proc
from dropwatchd.collectors._programs import Once
from dropwatchd.kernel.captures import Capture, Captures
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import link_names
from dropwatchd.model import CounterKey, Reading

_MOST = 256  # captures of a namespace that lose packets
Labels = tuple[tuple[str, str], ...]
opened = Once(Captures)


class Seen(NamedTuple):
    """The captures of a namespace: `listed` are the inodes of those that are open, `is_complete` is of Captures."""

    opened: list[Capture]
    closed: list[Capture]
    listed: list[int]
    is_complete: bool
    untold: int


class Known:
    """What was told before, by inode: the labels of a socket stay for life, and what it has lost does not fall."""

    def __init__(self, names: Callable[[], Mapping[int, str]] = link_names) -> None:
        self._names = names
        self._labels: dict[int, Labels] = {}
        self._lost: dict[int, int] = {}

    def labels(self, captures: Iterable[Capture]) -> Mapping[int, Labels]:
        """Return the labels of these, and forget all others."""
        there = {one.inode: one for one in captures}
        self._labels = {inode: labels for inode, labels in self._labels.items() if inode in there}
        self._lost = {inode: lost for inode, lost in self._lost.items() if inode in there}
        new = [one for inode, one in there.items() if inode not in self._labels]
        names = self._names() if new else {}
        groups = dict(_cgroups.named({one.cgroup for one in new if one.cgroup}))
        self._labels |= {one.inode: _labels(one, names, groups.get(one.cgroup)) for one in new}
        return self._labels

    def lost(self, one: Capture) -> int:
        """Return what a capture has lost by now; what its owner is just being handed is missing for a moment."""
        self._lost[one.inode] = max(one.lost, self._lost.get(one.inode, 0))
        return self._lost[one.inode]


_known: defaultdict[int, Known] = defaultdict(Known)  # by namespace: each is read in a round of its own


def collect(host: Host) -> Iterable[Reading]:
    """Read the packet sockets of the calling thread's network namespace, whoever has them open.

    Raises PermissionError where some are open and BPF may not be used, OSError where the kernel refuses it.
    """
    listed = list(parse(_proc.read(host, "packet")))
    captures = opened()
    if isinstance(captures, OSError):
        if not listed:
            raise AbsentError("no packet socket is open")
        raise captures
    known, closed = _known[host.netns], captures.closed()
    seen = Seen(of(host.netns, captures.opened() if listed else ()), of(host.netns, closed), listed,
                captures.is_complete, captures.untold())
    found = list(readings(seen, known, host.netns))
    for one in closed:  # those of a namespace that nobody reads have nobody to tell
        if one in seen.closed or one.cookie not in _known:
            captures.forget(one.inode)
    return found


def of(netns: int, captures: Iterable[Capture]) -> list[Capture]:
    return [one for one in captures if one.cookie == netns]


def parse(text: str) -> Iterator[int]:
    """Yield the inodes in /proc/net/packet of sockets that take packets (net/packet/af_packet.c, packet_seq_show)."""
    for line in text.splitlines()[1:]:
        _address, _users, _kind, protocol, _ifindex, running, *_rest, inode = line.split()
        if running == "1" and int(protocol, 16):
            yield int(inode)


def readings(seen: Seen, known: Known, netns: int) -> Iterator[Reading]:
    """Yield what each capture has lost that has lost any, and levels: how many are open, and are seen."""
    lossy = [one for one in (*seen.closed, *seen.opened) if one.lost][:_MOST]
    labels = known.labels(lossy)
    for one in lossy:
        lost = known.lost(one) if seen.is_complete else one.lost
        yield Reading(CounterKey("capture", "lost", netns, labels=labels[one.inode]), lost)
    found = {one.inode for one in seen.opened}
    levels = {
        "sockets": len(seen.listed),
        "rings": sum(one.has_ring for one in seen.opened),
        "unfound": sum(inode not in found for inode in seen.listed),
        "untaken": int(not seen.is_complete),
    }
    yield from (Reading(CounterKey("capture", name, netns), value, bits=0) for name, value in levels.items())
    yield Reading(CounterKey("capture", "untold"), seen.untold)


def _labels(one: Capture, names: Mapping[int, str], group: str | None) -> Labels:
    """Return the labels, sorted; the inode is one of them, since a program may have several alike."""
    local = names.get(one.ifindex, f"interface {one.ifindex}") if one.ifindex > 0 else "every interface"
    found = {"inode": str(one.inode), "local": local, "protocol": "packet", "pid": str(one.pid), "process": one.process}
    return tuple(sorted((found | ({"cgroup": group} if group else {})).items()))
