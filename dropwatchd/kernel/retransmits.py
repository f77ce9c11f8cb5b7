"""Segments that TCP has sent again, by peer and port, counted where the kernel sends them."""

import struct
import sys
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import Literal, NamedTuple

from dropwatchd.kernel.bpf import Bpf
from dropwatchd.kernel.btf import kernel_btf
from dropwatchd.kernel.libbpf import libbpf

Kind = Literal["data", "syn", "synack"]
KEY = struct.Struct("=Q16s4H")  # struct key of retransmits.bpf.c
_KINDS: tuple[Kind, ...] = ("data", "syn", "synack")
_INET = 2
_WITH_ERROR = 3  # arguments of the tracepoint where it tells of failures too


class Retransmit(NamedTuple):
    """How many segments were sent again to a peer; None where it is not told apart.

    Of the two ports the lower one is told, which is the service's as a rule; the other one is 0.
    """

    cookie: int
    kind: Kind
    peer: str | None
    local_port: int
    peer_port: int
    segments: int


class Retransmits:
    """Counts from the moment it is made. Every method raises OSError with the kernel's errno."""

    def __init__(self) -> None:
        with kernel_btf() as btf:
            arguments = btf.tracepoint_arguments("tcp_retransmit_skb")
        used, unused = ("on_tried", "on_sent") if arguments >= _WITH_ERROR else ("on_sent", "on_tried")
        self._bpf = Bpf("retransmits", (used, "on_answered"), without=(unused,))
        self._maps = [self._bpf.map(name) for name in ("peers", "ports")]
        self._elsewhere = self._bpf.map("elsewhere")
        self._value_bytes = 8 * int(libbpf().check("libbpf_num_possible_cpus"))

    def close(self) -> None:
        """Hold nothing in the kernel any more."""
        self._bpf.close()

    def counts(self) -> Iterator[Retransmit]:
        """Yield what was counted, of all namespaces; a peer comes twice that is one of IPv4 and one within IPv6."""
        for descriptor in self._maps:
            for key, values in self._bpf.entries(descriptor, KEY.size, self._value_bytes):
                yield parse(key, values)

    def elsewhere(self) -> int:
        """Return how many segments had no room to be counted by peer or port."""
        return _sum(self._bpf.first(self._elsewhere, self._value_bytes))


def parse(key: bytes, values: bytes) -> Retransmit:
    """Parse struct key and a count of each possible CPU."""
    cookie, peer, family, local_port, peer_port, kind = KEY.unpack(key)
    return Retransmit(cookie, _KINDS[kind], _address(family, peer), local_port, peer_port, _sum(values))


def _address(family: int, peer: bytes) -> str | None:
    if not family:
        return None
    if family == _INET:
        return str(ip_address(peer[:4]))
    address = IPv6Address(peer)
    return str(address.ipv4_mapped or address)


def _sum(values: bytes) -> int:
    return sum(int.from_bytes(values[at:at + 8], sys.byteorder) for at in range(0, len(values), 8))
