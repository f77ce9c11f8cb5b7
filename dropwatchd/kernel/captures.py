"""What packet sockets have lost, read in the kernel without taking the counts away from the programs they belong to."""

import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

from dropwatchd.kernel.bpf import Bpf

SOCKET = struct.Struct("=5Q2IiI2H16s4x")  # struct capture of captures.bpf.c
_ITERATOR = "each_file"
_ON_CALLS = ("on_taken", "on_closed")
_READ_BYTES = 1 << 16


class Capture(NamedTuple):
    """A packet socket: `lost` is what found no place in its ring, `buffered` what did not fit its buffer (sk_drops).

    `protocol` is the ethertype that it takes, 0 for none; `closed` says that it has been closed since, by `pid`.
    """

    inode: int
    cookie: int
    lost: int
    cgroup: int
    closed: bool
    buffered: int
    netns: int
    ifindex: int
    pid: int
    protocol: int
    has_ring: bool
    process: str


class Captures:
    """Looks at packet sockets, whoever has them open. Every method raises OSError with the kernel's errno.

    `is_complete`: what an owner takes away, or closes, between two looks is seen as well. That takes a kernel that
    calls programs from its functions (BPF trampolines).
    """

    def __init__(self) -> None:
        self.is_complete = True
        try:
            self._bpf = Bpf("captures", (_ITERATOR, *_ON_CALLS))
        except OSError:
            self.is_complete = False
            self._bpf = Bpf("captures", (_ITERATOR,), without=_ON_CALLS)
        self._taken, self._untold = self._bpf.map("taken"), self._bpf.map("untold")
        self._before = {one.inode: one.buffered for one in self._each_open()}

    def close(self) -> None:
        """Hold nothing in the kernel any more."""
        self._bpf.close()

    def opened(self) -> list[Capture]:
        """Return every packet socket of all namespaces, each once.

        What is told of one may be less than before for a moment, never more than was lost.
        """
        return [self._without_buffered(one) for one in {one.inode: one for one in self._each_open()}.values()]

    def closed(self) -> list[Capture]:
        """Return the sockets that were closed and had lost something: they stay until `forget`."""
        return [self._without_buffered(one) for one in self._each_closed()]

    def _without_buffered(self, one: Capture) -> Capture:
        """Take away what did not fit the buffer since we look: what that was before is in `lost` no more than once."""
        return one._replace(lost=max(0, one.lost - max(0, one.buffered - self._before.get(one.inode, 0))))

    def untold(self) -> int:
        """Return how often counts went of which nobody can tell how many."""
        return int.from_bytes(self._bpf.first(self._untold, 8), sys.byteorder)

    def forget(self, inode: int) -> None:
        """Let go of a socket that was closed."""
        self._bpf.remove(self._taken, inode.to_bytes(8, sys.byteorder))
        self._before.pop(inode, None)

    def _each_open(self) -> Iterator[Capture]:
        with open(self._bpf.iterated(), "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor
            data = bytearray()
            while part := file.read(_READ_BYTES):
                data += part
        yield from parse(data)

    def _each_closed(self) -> Iterator[Capture]:
        values = b"".join(value for _inode, value in self._bpf.entries(self._taken, 8, SOCKET.size))
        yield from (one for one in parse(values) if one.closed)


def parse(data: bytes | bytearray) -> Iterator[Capture]:
    """Parse records of struct capture, one after another."""
    for inode, cookie, lost, cgroup, closed, buffered, netns, ifindex, pid, protocol, ring, name in SOCKET.iter_unpack(
            data):
        process = name.partition(b"\0")[0].decode(errors="backslashreplace")
        yield Capture(inode, cookie, lost, cgroup, bool(closed), buffered, netns, ifindex, pid, protocol, bool(ring),
                      process)
