"""The BPF program in the kernel: reading what it has counted, and asking what it knows."""

import ctypes
import errno
from collections.abc import Callable, Iterator
from mmap import mmap
from typing import Any, Literal

from dropwatchd.kernel.libbpf import SAMPLE_CALLBACK, libbpf
from dropwatchd.kernel.symbols import parse_printed
from dropwatchd.model import Location
from dropwatchd.sources.bpf.hold import Adopted, Loaded
from dropwatchd.sources.bpf.layout import (
    KEY,
    SAMPLE,
    STACK,
    TOTALS,
    VALUE,
    Control,
    Namespace,
    NamespaceQuery,
    Release,
    Totals,
)

Table = Literal["drops", "places"]  # maps of one layout: what is counted apart, and what had no room there
_BATCH = 256
_RECURSION_MISSES = 208             # offset in struct bpf_prog_info of include/uapi/linux/bpf.h
_PROG_INFO_SIZE = 232


class _TestRun(ctypes.Structure):
    """struct bpf_test_run_opts of libbpf's bpf.h, up to what a program answers; `context` is its input and output."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("data", ctypes.c_void_p * 2),
        ("data_sizes", ctypes.c_uint32 * 2),
        ("context", ctypes.c_void_p),
        ("context_out", ctypes.c_void_p),
        ("context_size", ctypes.c_uint32),
        ("context_out_size", ctypes.c_uint32),
        ("answer", ctypes.c_uint32),
        ("rest", ctypes.c_uint32 * 5),
    )


class Program:
    """Attaches, reads and unloads. Every method raises OSError with the kernel's errno."""

    def __init__(self, hold: Loaded | Adopted, on_sample: Callable[[bytes], None]) -> None:
        self._lib = libbpf()
        self.hold = hold
        self._fds = hold.fds
        self._on_sample = on_sample
        self._callback = SAMPLE_CALLBACK(self._sample)
        self._ring: Any = None
        self.control = Control.from_buffer(mmap(self._fds[".bss"], ctypes.sizeof(Control)))
        self._cpus: int = self._lib.check("libbpf_num_possible_cpus")
        self._keys = ctypes.create_string_buffer(_BATCH * KEY.size)
        self._values = ctypes.create_string_buffer(_BATCH * VALUE.size * self._cpus)
        self._ring = self._lib.check("ring_buffer__new", self._fds["samples"], self._callback, None, None)

    def attach(self) -> None:
        """From now on every drop is counted."""
        self.hold.attach()

    def detach(self) -> None:
        """No drop is counted any more; what was counted can still be read."""
        self.hold.detach()

    def close(self) -> None:
        """Hold nothing in the kernel any more."""
        if self._ring:
            self._lib.ring_buffer__free(self._ring)
        self._ring = None
        self.hold.close()

    def _sample(self, _context: Any, data: int, size: int) -> int:
        if size >= SAMPLE.size:  # a shorter record only wakes us
            self._on_sample(ctypes.string_at(data, size))
        return 0

    def epoll_fd(self) -> int:
        """Return the descriptor that turns readable when the ring buffer wants to be read."""
        return int(self._lib.check("ring_buffer__epoll_fd", self._ring))

    def consume_samples(self) -> None:
        """Call `on_sample` for what the ring buffer holds."""
        self._lib.check("ring_buffer__consume", self._ring)

    def read(self, table: Table) -> Iterator[tuple[bytes, bytes]]:
        """Return (struct key, struct value of every possible CPU) for all keys of a map, as raw bytes."""
        yield from self._read_batches(self._fds[table], KEY.size)

    def read_reasons(self) -> Iterator[tuple[int, bytes]]:
        """Return (core reason number, struct value of every possible CPU) of what had no room in the maps."""
        for key, values in self._read_batches(self._fds["reasons"], 4):
            yield int.from_bytes(key, "little"), values

    def _read_batches(self, fd: int, key_size: int) -> Iterator[tuple[bytes, bytes]]:
        value_size = VALUE.size * self._cpus
        position = ctypes.create_string_buffer(max(key_size, 8))  # opaque to us: where the next batch begins
        start = None
        while True:
            count = ctypes.c_uint32(_BATCH)
            result = self._lib.bpf_map_lookup_batch(fd, start, position, self._keys, self._values,
                                                    ctypes.byref(count), None)
            error = ctypes.get_errno() if result else 0
            if error not in (0, errno.ENOENT):  # ENOENT: that was the last batch
                raise OSError(error, "bpf_map_lookup_batch")
            keys, values = self._keys.raw, self._values.raw
            for i in range(count.value):
                yield keys[i * key_size:(i + 1) * key_size], values[i * value_size:(i + 1) * value_size]
            if error:
                return
            start = position

    def take(self, table: Table, key: bytes) -> bytes | None:
        """Remove a key of a map and return its last values; None if it has gone already."""
        values = ctypes.create_string_buffer(VALUE.size * self._cpus)
        if self._lib.bpf_map_lookup_and_delete_elem(self._fds[table], key, values):
            return None
        return values.raw

    def stack(self, place: bytes) -> bytes | None:
        """Return the struct stack of a struct place, None where none was taken."""
        value = ctypes.create_string_buffer(STACK.size)
        return None if self._lib.bpf_map_lookup_elem(self._fds["stacks"], place, value) else value.raw

    def release(self, owner: int, keys: int) -> None:
        """Give back the room of so many keys of "drops" that were taken from there."""
        release = Release(owner, keys)
        self._run("release_keys", release)

    def totals(self) -> Totals:
        """Return the sums over all CPUs."""
        values = ctypes.create_string_buffer(TOTALS.size * self._cpus)
        self._lib.check("bpf_map_lookup_elem", self._fds["totals"], ctypes.byref(ctypes.c_uint32(0)), values)
        rows = list(TOTALS.iter_unpack(values.raw))
        drops, by_place, by_reason, samples_lost = (sum(column) for column in list(zip(*rows, strict=True))[:4])
        return Totals(drops, by_place, by_reason, samples_lost, self._misses())

    def _misses(self) -> int:
        """Return how often the kernel skipped the program because it was running already on that CPU."""
        info = ctypes.create_string_buffer(_PROG_INFO_SIZE)
        size = ctypes.c_uint32(_PROG_INFO_SIZE)
        self._lib.check("bpf_obj_get_info_by_fd", self._fds["drop"], info, ctypes.byref(size))
        return int.from_bytes(info.raw[_RECURSION_MISSES:_RECURSION_MISSES + 8], "little")

    def name(self, address: int) -> Location:
        """Return the symbol of a code address, as the kernel itself names it."""
        self.control.name_address = address
        self._run("name_address")
        return parse_printed(self.control.name_text.decode(errors="replace"), address)

    def namespace_of(self, fd: int) -> Namespace | None:
        """Return which network namespace an open file stands for (/run/netns/NAME, /proc/PID/ns/net); None: it is none.

        It takes no right beyond those to run the program, and any thread may ask.
        """
        query = NamespaceQuery(descriptor=fd)
        if self._run("name_namespace", query):
            return None
        return Namespace(query.cookie, query.netns)

    def _run(self, program: str, context: ctypes.Structure | None = None) -> int:
        """Run a program once, in this thread, and return its answer; `context` is its input and output."""
        run = _TestRun(size=ctypes.sizeof(_TestRun))
        if context:
            run.context, run.context_size = ctypes.addressof(context), ctypes.sizeof(context)
        self._lib.check("bpf_prog_test_run_opts", self._fds[program], ctypes.byref(run))
        return int(run.answer)
