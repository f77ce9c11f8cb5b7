"""Packets that hardware has dropped and reported through devlink traps, counted where the kernel is told of them."""

import ctypes
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from dropwatchd.kernel.bpf import Bpf
from dropwatchd.kernel.libbpf import SAMPLE_CALLBACK, libbpf
from dropwatchd.kernel.netlink import text

KEY = struct.Struct("=QII16s40s40sH6x")  # struct key of traps.bpf.c
VALUE = struct.Struct("=QQQ")            # struct value
ALARM = struct.Struct("=QI4x")           # struct alarm
_ZERO = ctypes.c_uint32(0)


class Trapped(NamedTuple):
    """What a trap has reported of one port and protocol; `last_ns` is CLOCK_BOOTTIME's.

    All is None, 0 or "" but the counts where there was no room to tell these apart. `cookie` and `netns` are of the
    port's namespace.
    """

    trap: str
    group: str
    protocol: int
    cookie: int
    netns: int
    ifindex: int
    ifname: str
    packets: int
    octets: int
    last_ns: int


class Traps:
    """Counts from the moment it is made. Every method raises OSError with the kernel's errno."""

    def __init__(self) -> None:
        self._lib = libbpf()
        self._bpf = Bpf("traps", ("on_report",))
        self._traps, self._elsewhere, self._alarm = map(self._bpf.map, ("traps", "elsewhere", "alarm"))
        self._value_bytes = VALUE.size * int(self._lib.check("libbpf_num_possible_cpus"))
        self._callback = SAMPLE_CALLBACK(lambda *_rung: 0)
        self._bell: Any = None
        try:
            self._bell = self._lib.check("ring_buffer__new", self._bpf.map("bell"), self._callback, None, None)
        except OSError:
            self.close()
            raise

    def detach(self) -> None:
        """Count nothing more; what was counted can still be read."""
        self._bpf.detach()

    def close(self) -> None:
        """Hold nothing in the kernel any more."""
        if self._bell:
            self._lib.ring_buffer__free(self._bell)
        self._bell = None
        self._bpf.close()

    def fileno(self) -> int:
        """Return the descriptor that turns readable at the first report after `arm`."""
        return int(self._lib.check("ring_buffer__epoll_fd", self._bell))

    def arm(self) -> int:
        """Let the next report make `fileno` readable; return when the first came since this was called last, or 0."""
        first_ns, _armed = ALARM.unpack(self._bpf.first(self._alarm, ALARM.size))
        self._lib.check("bpf_map_update_elem", self._alarm, ctypes.byref(_ZERO), ALARM.pack(0, 1), 0)
        return int(first_ns)

    def is_armed(self) -> bool:
        """Say whether nothing was reported since `arm`."""
        return bool(ALARM.unpack(self._bpf.first(self._alarm, ALARM.size))[1])

    def hear(self) -> None:
        """Take note that `fileno` was readable."""
        self._lib.check("ring_buffer__consume", self._bell)

    def counts(self) -> Iterator[Trapped]:
        """Yield all that was counted, of all namespaces, and last what had no room to be told apart."""
        for key, values in self._bpf.entries(self._traps, KEY.size, self._value_bytes):
            yield parse(key, values)
        yield parse(bytes(KEY.size), self._bpf.first(self._elsewhere, self._value_bytes))


def parse(key: bytes, values: bytes) -> Trapped:
    """Parse struct key and a struct value of each possible CPU."""
    cookie, netns, ifindex, ifname, trap, group, protocol = KEY.unpack(key)
    counts, octets, times = zip(*VALUE.iter_unpack(values), strict=True)
    return Trapped(text(trap), text(group), protocol, cookie, netns, ifindex, text(ifname), sum(counts), sum(octets),
                   max(times))
