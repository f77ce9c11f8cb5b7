"""The types of the running kernel: enumerations and tracepoint arguments, read from its BTF."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dropwatchd.kernel.libbpf import libbpf

_FOLDER = Path("/sys/kernel/btf")
_ENUM, _TYPEDEF = 6, 8  # BTF_KIND_*


class _Type(ctypes.Structure):
    """struct btf_type of include/uapi/linux/btf.h: `info` holds the number of members in its low 16 bits."""

    _fields_ = (("name", ctypes.c_uint32), ("info", ctypes.c_uint32), ("type", ctypes.c_uint32))

    @property
    def members(self) -> int:
        return int(self.info) & 0xFFFF


class Btf:
    """Types of the kernel, or of one module on top of it. Offsets and sizes are not needed here: CO-RE knows them."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def _type(self, number: int) -> tuple[int, _Type]:
        address = libbpf().check("btf__type_by_id", self.handle, number)
        return address, _Type.from_address(address)

    def _members(self, address: int, kind: _Type) -> dict[int, str]:
        """Return the members of an enum: each is (name offset u32, value s32) behind the struct btf_type."""
        pairs = ctypes.cast(address + ctypes.sizeof(_Type), ctypes.POINTER(ctypes.c_uint32))
        name = libbpf().btf__name_by_offset
        return {pairs[2 * i + 1]: name(self.handle, pairs[2 * i]).decode() for i in range(kind.members)}

    def enum(self, name: str) -> dict[int, str]:
        """Return value -> name of the enumeration; empty where the kernel has none of that name."""
        number = libbpf().btf__find_by_name_kind(self.handle, name.encode(), _ENUM)
        return self._members(*self._type(number)) if number > 0 else {}

    def tracepoint_arguments(self, name: str) -> int:
        """Return how many arguments a tracepoint hands to programs; 0 where it does not exist.

        typedef btf_trace_NAME -> pointer -> prototype with one leading `void *__data`
        (include/trace/bpf_probe.h).
        """
        number = libbpf().btf__find_by_name_kind(self.handle, f"btf_trace_{name}".encode(), _TYPEDEF)
        if number <= 0:
            return 0
        pointer = self._type(number)[1].type
        return self._type(self._type(pointer)[1].type)[1].members - 1


@contextmanager
def kernel_btf() -> Iterator[Btf]:
    """Open the kernel's own BTF (some MiB while open). Raises OSError where there is none."""
    handle = libbpf().check("btf__load_vmlinux_btf")
    try:
        yield Btf(handle)
    finally:
        libbpf().btf__free(handle)


@contextmanager
def module_btf(base: Btf, module: str) -> Iterator[Btf]:
    """Open a module's BTF, which builds on the kernel's. Raises OSError where the module is not loaded."""
    path = str(_FOLDER / module).encode()
    handle = libbpf().check("btf__parse_split", path, base.handle)
    try:
        yield Btf(handle)
    finally:
        libbpf().btf__free(handle)
