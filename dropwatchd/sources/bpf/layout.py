"""What drops.bpf.c and user space share, byte by byte: its structures, under the names that they have there."""

import ctypes
from struct import Struct
from typing import NamedTuple

KEY = Struct("=QQIIIHxx16s")        # struct key: the fields of RawKey
VALUE = Struct("=QQQQIIQII")        # struct value: the fields of Value
TOTALS = Struct("=QQQQII")          # struct totals: drops, by_place, by_reason, samples_lost, window, samples
# struct sample: time_ns, key, length, weight, captured, link_header, queue_handle, queue_kind; then the bytes
SAMPLE = Struct("=Q48sIIIII16s")
PLACE = Struct("=QI4x")             # struct place: location, reason
STACK = Struct("=48Qq")             # struct stack: frames, size
REASON_SLOTS = 256
MAX_SAMPLE_BYTES = 256


class Control(ctypes.Structure):
    """`control` of drops.bpf.c, in memory that the kernel and this process share."""

    _fields_ = (
        ("window", ctypes.c_uint32),
        ("armed", ctypes.c_uint32),
        ("sample_bytes", ctypes.c_uint32),
        ("sample_shift", ctypes.c_uint32),
        ("sample_limit", ctypes.c_uint32),
        ("namespace_keys", ctypes.c_int32),
        ("foreign_keys", ctypes.c_int32),
        ("foreign_used", ctypes.c_int32),
        ("home", ctypes.c_uint64),
        ("name_address", ctypes.c_uint64),
        ("name_text", ctypes.c_char * 256),
    )


class RawKey(NamedTuple):
    """`struct key` of drops.bpf.c: 0 and empty where the kernel does not say. `netns` is the namespace's inode."""

    location: int
    cookie: int
    reason: int
    netns: int
    ifindex: int
    protocol: int
    ifname: bytes

    @classmethod
    def parse(cls, raw: bytes) -> "RawKey":
        return cls._make(KEY.unpack(raw))

    @property
    def owner(self) -> int:
        """Return whose room it takes: owner_of() of drops.bpf.c."""
        return self.cookie or self.netns


def parse_stack(raw: bytes | None) -> list[int]:
    """Return the code addresses of a struct stack, the innermost first; none where it is not taken yet."""
    if raw is None:
        return []
    *frames, size = STACK.unpack(raw)
    return frames[:size // 8]


class Value(NamedTuple):
    """`struct value` of drops.bpf.c, of one CPU: what it says of windows is explained there."""

    drops: int
    octets: int
    last_ns: int
    first_ns: int
    start: int
    window: int
    before_first_ns: int
    before_start: int
    pick: int


class Namespace(NamedTuple):
    """A network namespace: a cookie is never given twice in one boot (0: this kernel has none), an inode may be."""

    cookie: int
    inode: int


class Totals(NamedTuple):
    """Sums over all CPUs since the program was loaded; `misses` is what the kernel did not run it for."""

    drops: int
    by_place: int
    by_reason: int
    samples_lost: int
    misses: int


class NamespaceQuery(ctypes.Structure):
    """`struct namespace_query` of drops.bpf.c."""

    _fields_ = (("cookie", ctypes.c_uint64), ("netns", ctypes.c_uint32), ("descriptor", ctypes.c_uint32))


class Release(ctypes.Structure):
    """`struct release` of drops.bpf.c."""

    _fields_ = (("owner", ctypes.c_uint64), ("keys", ctypes.c_int32), ("pad", ctypes.c_uint32))
