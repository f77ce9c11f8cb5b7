"""A small BPF object of this package: loaded, attached, its maps read, through libbpf."""

import ctypes
import os
from collections.abc import Collection, Iterator
from errno import ENOENT
from importlib.resources import files
from typing import Any

from dropwatchd.kernel.libbpf import libbpf

_AT_ONCE = 64


class Bpf:
    """The object NAME.bpf.o. Every method raises OSError with the kernel's errno."""

    def __init__(self, name: str, programs: Collection[str], without: Collection[str] = ()) -> None:
        """Load the object, and attach these of its programs, in this order; those of `without` are not loaded."""
        self._lib = libbpf()
        self._links: list[Any] = []
        image = (files("dropwatchd.kernel") / f"{name}.bpf.o").read_bytes()
        self._object = self._lib.check("bpf_object__open_mem", image, len(image), None)
        try:
            for program in without:
                self._lib.check("bpf_program__set_autoload", self._program(program), False)  # noqa: FBT003
            self._lib.check("bpf_object__load", self._object)
            for program in programs:
                self._links.append(self._lib.check("bpf_program__attach", self._program(program)))
        except BaseException:
            self.close()
            raise

    def _program(self, name: str) -> Any:
        return self._lib.check("bpf_object__find_program_by_name", self._object, name.encode())

    def detach(self) -> None:
        """Run no program any more."""
        for link in self._links:
            self._lib.bpf_link__destroy(link)
        self._links.clear()

    def close(self) -> None:
        """Hold nothing in the kernel any more."""
        self.detach()
        if self._object:
            self._lib.bpf_object__close(self._object)
        self._object = None

    def map(self, name: str) -> int:
        """Return the descriptor of a map."""
        found = self._lib.check("bpf_object__find_map_by_name", self._object, name.encode())
        return int(self._lib.bpf_map__fd(found))

    def iterated(self) -> int:
        """Return a descriptor from which the records of the first program can be read, which is an iterator."""
        return int(self._lib.check("bpf_iter_create", self._lib.bpf_link__fd(self._links[0])))

    def first(self, descriptor: int, size: int) -> bytes:
        """Return the only value of an array, of every possible CPU where it is one per CPU."""
        value = ctypes.create_string_buffer(size)
        self._lib.check("bpf_map_lookup_elem", descriptor, ctypes.byref(ctypes.c_uint32(0)), value)
        return value.raw

    def remove(self, descriptor: int, key: bytes) -> None:
        """Remove a key, if it is there."""
        self._lib.bpf_map_delete_elem(descriptor, key)

    def entries(self, descriptor: int, key_size: int, value_size: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield the keys and values of a hash; a value per CPU has the size of all of them together."""
        keys, values = (ctypes.create_string_buffer(_AT_ONCE * size) for size in (key_size, value_size))
        position, start = ctypes.create_string_buffer(max(8, key_size)), None
        more = True
        while more:
            count = ctypes.c_uint32(_AT_ONCE)
            result = self._lib.bpf_map_lookup_batch(descriptor, start, position, keys, values, ctypes.byref(count),
                                                    None)
            more, start = not result, position
            if result and (number := ctypes.get_errno()) != ENOENT:  # that was the last batch
                raise OSError(number, os.strerror(number))
            for at in range(count.value):
                yield keys.raw[at * key_size:][:key_size], values.raw[at * value_size:][:value_size]
