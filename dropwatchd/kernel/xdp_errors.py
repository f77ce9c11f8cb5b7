"""What became of packets that XDP programs aborted or could not send on, counted where the kernel tells of each."""

import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

from dropwatchd.kernel.bpf import Bpf
from dropwatchd.kernel.libbpf import libbpf
from dropwatchd.kernel.netlink import text

KEY = struct.Struct("=Q3I4x16s")  # struct key of xdp_errors.bpf.c
_KINDS = {0: "aborted", 3: "tx_failed", 5: "redirect_failed", 6: "invalid"}  # 0 and 3: enum xdp_action


class XdpError(NamedTuple):
    """How often something befell packets of a device: `kind` is "aborted", "invalid", "tx_failed", "redirect_failed".

    The device is as it was called then.
    """

    cookie: int
    netns: int
    ifindex: int
    kind: str
    name: str
    times: int


class XdpErrors:
    """Counts from the moment it is made. Every method raises OSError with the kernel's errno."""

    def __init__(self) -> None:
        self._bpf = Bpf("xdp_errors", ("on_exception", "on_redirect_error"))
        self._errors, self._elsewhere = self._bpf.map("errors"), self._bpf.map("elsewhere")
        self._value_bytes = 8 * int(libbpf().check("libbpf_num_possible_cpus"))

    def close(self) -> None:
        """Hold nothing in the kernel any more."""
        self._bpf.close()

    def counts(self) -> Iterator[XdpError]:
        """Yield what was counted, of all namespaces."""
        for key, values in self._bpf.entries(self._errors, KEY.size, self._value_bytes):
            yield parse(key, values)

    def elsewhere(self) -> int:
        """Return how often something happened that had no room to be counted by device."""
        return _sum(self._bpf.first(self._elsewhere, self._value_bytes))


def parse(key: bytes, values: bytes) -> XdpError:
    """Parse struct key and a count of each possible CPU."""
    cookie, netns, ifindex, kind, name = KEY.unpack(key)
    return XdpError(cookie, netns, ifindex, _KINDS[kind], text(name), _sum(values))


def _sum(values: bytes) -> int:
    return sum(int.from_bytes(values[at:at + 8], sys.byteorder) for at in range(0, len(values), 8))
