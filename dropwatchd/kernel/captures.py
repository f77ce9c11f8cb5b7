"""What packet sockets have lost, read in the kernel without taking the counts away from the programs they belong to."""

import ctypes
import os
import struct
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple

from dropwatchd.kernel.libbpf import libbpf

SOCKET = struct.Struct("=5Q2IiI2H16s4x")  # struct capture of captures.bpf.c
_ON_CALLS = ("on_taken", "on_closed")
_AT_ONCE = 64
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
        self._lib = libbpf()
        self._object: Any = None
        self._links: list[Any] = []
        self.is_complete = True
        try:
            self._open()
        except OSError:
            self.close()
            self.is_complete = False
            self._open()
        self._taken, self._untold = (self._lib.bpf_map__fd(self._map(name)) for name in ("taken", "untold"))
        self._before = {one.inode: one.buffered for one in self._each_open()}

    def _open(self) -> None:
        image = (files("dropwatchd.kernel") / "captures.bpf.o").read_bytes()
        self._object = self._lib.check("bpf_object__open_mem", image, len(image), None)
        for name in _ON_CALLS:
            self._lib.check("bpf_program__set_autoload", self._program(name), self.is_complete)
        self._lib.check("bpf_object__load", self._object)
        self._links = [self._lib.check("bpf_program__attach", self._program(name))
                       for name in ("each_file", *(_ON_CALLS if self.is_complete else ()))]

    def _map(self, name: str) -> Any:
        return self._lib.check("bpf_object__find_map_by_name", self._object, name.encode())

    def _program(self, name: str) -> Any:
        return self._lib.check("bpf_object__find_program_by_name", self._object, name.encode())

    def close(self) -> None:
        """Hold nothing in the kernel any more."""
        for link in self._links:
            self._lib.bpf_link__destroy(link)
        self._links.clear()
        if self._object:
            self._lib.bpf_object__close(self._object)
        self._object = None

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
        value = ctypes.c_uint64()
        self._lib.check("bpf_map_lookup_elem", self._untold, ctypes.byref(ctypes.c_uint32(0)), ctypes.byref(value))
        return value.value

    def forget(self, inode: int) -> None:
        """Let go of a socket that was closed."""
        self._lib.bpf_map_delete_elem(self._taken, ctypes.byref(ctypes.c_uint64(inode)))
        self._before.pop(inode, None)

    def _each_open(self) -> Iterator[Capture]:
        descriptor = self._lib.check("bpf_iter_create", self._lib.bpf_link__fd(self._links[0]))
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor
            data = bytearray()
            while part := file.read(_READ_BYTES):
                data += part
        yield from parse(data)

    def _each_closed(self) -> Iterator[Capture]:
        keys, values = (ctypes.create_string_buffer(_AT_ONCE * size) for size in (8, SOCKET.size))
        position, start = ctypes.create_string_buffer(8), None
        more = True
        while more:
            count = ctypes.c_uint32(_AT_ONCE)
            result = self._lib.bpf_map_lookup_batch(self._taken, start, position, keys, values, ctypes.byref(count),
                                                    None)
            more, start = not result, position
            if result and ctypes.get_errno() != 2:  # ENOENT: that was the last batch
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            yield from (one for one in parse(values.raw[:count.value * SOCKET.size]) if one.closed)


def parse(data: bytes | bytearray) -> Iterator[Capture]:
    """Parse records of struct capture, one after another."""
    for inode, cookie, lost, cgroup, closed, buffered, netns, ifindex, pid, protocol, ring, name in SOCKET.iter_unpack(
            data):
        process = name.partition(b"\0")[0].decode(errors="backslashreplace")
        yield Capture(inode, cookie, lost, cgroup, bool(closed), buffered, netns, ifindex, pid, protocol, bool(ring),
                      process)
