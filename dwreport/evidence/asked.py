"""Filters that no column of the history answers: by what sampled packets say, and by whose sockets they came to: pure.

Of a packet that was cut short, of a fragment, and of a socket that nothing is on record of it is not known whether they
match: the reader says so of the drops that they stand for.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, cast

from dropwatchd.history.read.patterns import Patterns, matches, wanted
from dropwatchd.history.read.portions import Match
from dropwatchd.model import DropKey
from dwreport.causes import reason_of
from dwreport.evidence.endpoints import Address, Port
from dwreport.evidence.owned import (
    KINDS,
    OF_SOCKETS,
    Names,
    Rows,
    Sockets,
    names_of,
    names_of_space,
    sockets,
    taken_by,
)
from dwreport.packets.headers import Who, arp_addresses, who
from dwreport.packets.messages import has_link_header, is_message

_ARP = 0x0806
_IP = {0x0800: 4, 0x86DD: 6, _ARP: 4}
# Ethertypes without ports and transport, and, but for ARP, without addresses of IP: 802.2, ARP, RARP, slow protocols,
# EAPOL, LLDP, PTP and other management. Of tags, tunnels and what is not known, the packet itself may tell.
_BARE = {0x0004, _ARP, 0x8035, 0x8809, 0x888E, 0x8899, 0x88CC, 0x88E1, 0x88F7, 0x893A, 0x8902}
_NOBODY = "NO_SOCKET"


class Packet(NamedTuple):
    """A sampled packet as filters see it: its ends, and every address in it."""

    ends: Who
    addresses: frozenset[str]


class _Test(Protocol):
    """One option: what it says of all drops of a key, and where that is not known, of a packet of it.

    `values` are what a packet has of that kind, as reports print it.
    """

    def key(self, host: str, key: DropKey) -> Match: ...
    def packet(self, host: str, key: DropKey, packet: Packet) -> Match: ...
    def values(self, packet: Packet) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class _ByAddress:
    asked: Sequence[Address]

    def key(self, host: str, key: DropKey) -> Match:  # noqa: ARG002 - of _Test
        protocol = key.kind.protocol
        hardware = any(one.version is None for one in self.asked)
        none = is_message(key) or (protocol in _BARE - _IP.keys() and not hardware) or (
            protocol in _IP and not any(one.version in {_IP[protocol], None} for one in self.asked))
        return _nothing(self.asked) if none else "unknown"

    def packet(self, host: str, key: DropKey, packet: Packet) -> Match:  # noqa: ARG002 - of _Test
        if not packet.addresses:
            return "unknown"
        return _among([(one.wanted, one.fits(packet.addresses)) for one in self.asked])

    def values(self, packet: Packet) -> Iterable[str]:
        return packet.addresses


@dataclass(frozen=True, slots=True)
class _ByPort:
    asked: Sequence[Port]

    def key(self, host: str, key: DropKey) -> Match:  # noqa: ARG002 - of _Test
        return _nothing(self.asked) if is_message(key) or key.kind.protocol in _BARE else "unknown"

    def packet(self, host: str, key: DropKey, packet: Packet) -> Match:  # noqa: ARG002 - of _Test
        return _among([(one.wanted, one.fits(packet.ends)) for one in self.asked])

    def values(self, packet: Packet) -> Iterable[str]:
        ends = packet.ends
        return () if ends.destination_port is None else (f"{ends.transport}/{ends.destination_port}",)


@dataclass(frozen=True, slots=True)
class _ByTransport:
    asked: Patterns

    def key(self, host: str, key: DropKey) -> Match:  # noqa: ARG002 - of _Test
        none = is_message(key) or key.kind.protocol in _BARE
        return _is(not wanted(self.asked)) if none else "unknown"

    def packet(self, host: str, key: DropKey, packet: Packet) -> Match:  # noqa: ARG002 - of _Test
        transport = packet.ends.transport
        return "unknown" if transport is None else _is(matches(self.asked, {transport}))

    def values(self, packet: Packet) -> Iterable[str]:
        return () if packet.ends.transport is None else (packet.ends.transport,)


@dataclass(frozen=True, slots=True)
class _ByOwner:
    """By a process, unit or container, that a namespace is of, or a socket at the port that a packet was sent to."""

    kind: str
    asked: Patterns
    sockets: Sockets

    def key(self, host: str, key: DropKey) -> Match:  # noqa: ARG002 - of _Test
        if lives := names_of_space(key.interface).get(self.kind):
            return _is(matches(self.asked, lives))
        by_socket = self.kind == "process" or key.interface.netns_kind == "initial"  # others may be a container's
        nobody = by_socket and not is_message(key) and reason_of(key) == _NOBODY
        return _is(not wanted(self.asked)) if nobody else "unknown"

    def packet(self, host: str, key: DropKey, packet: Packet) -> Match:
        found = {_of_names(self.asked, socket.names[self.kind])
                 for socket in taken_by(self.sockets, host, key.interface.netns, packet.ends)}
        return found.pop() if len(found) == 1 else "unknown"

    def values(self, packet: Packet) -> Iterable[str]:  # noqa: ARG002 - names that nothing bears are wrong usage
        return ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; names are globs, and all may have ! before what is not wanted."""

    address: Sequence[Address] = ()
    port: Sequence[Port] = ()
    transport: Patterns = ()
    owners: Mapping[str, Patterns] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Say whether anything is asked for."""
        return any((self.address, self.port, self.transport, self.owners))

    def judge(self, rows: Rows) -> "Judged":
        """Return what judges the drops of a window, for which its sockets are asked for."""
        there = sockets(rows) if self.owners else {}
        tests: list[_Test] = [_ByOwner(kind, asked, there) for kind, asked in self.owners.items()]
        tests += [_ByAddress(self.address)] if self.address else []
        tests += [_ByPort(self.port)] if self.port else []
        tests += [_ByTransport(self.transport)] if self.transport else []
        return Judged(tests, self.owners)


@dataclass(frozen=True, slots=True)
class Judged:
    """Judges keys, packets and labels by all that is asked for; `counts` are values that packets had."""

    tests: Sequence[_Test]
    owners: Mapping[str, Patterns]
    counts: Counter[str] = field(default_factory=Counter)

    def key(self, host: str, key: DropKey) -> Match:
        """Judge by what is the same of all drops of a key."""
        return _both(test.key(host, key) for test in self.tests)

    def packet(self, host: str, key: DropKey, data: bytes, *, link_header: bool) -> Match:
        """Judge a sampled packet of a key, by its first bytes."""
        has_header = link_header and has_link_header(key)
        ends = who(data, key.kind.protocol, link_header=has_header)
        addresses = {one for one in (ends.source, ends.destination) if one}
        addresses |= arp_addresses(data, key.kind.protocol, link_header=has_header)
        packet = Packet(ends, frozenset(addresses))
        for test in self.tests:
            self.counts.update(test.values(packet))
        return _both(test.packet(host, key, packet) if (match := test.key(host, key)) == "unknown" else match
                     for test in self.tests)

    def seen(self) -> list[str]:
        """Return what packets had of the kinds that are asked for, the most frequent first."""
        return [value for value, _count in self.counts.most_common()]

    def labels(self, collector: str, labels: str) -> bool:
        """Say whether a counter is of what is asked for: only those of sockets tell whose they are."""
        if not self.owners:
            return True
        if collector not in OF_SOCKETS:
            return not any(map(wanted, self.owners.values()))
        names = names_of(cast("dict[str, str]", json.loads(labels)))
        return all(_of_names(asked, names[kind]) == "yes" for kind, asked in self.owners.items())


def asked_of(address: Sequence[Address], port: Sequence[Port], transport: Patterns,
             owners: Mapping[str, Patterns]) -> Asked | None:
    """Return filters, None where nothing is asked for."""
    found = Asked(address, port, transport, {kind: owners[kind] for kind in KINDS if owners.get(kind)})
    return found or None


def _of_names(asked: Patterns, names: Names | None) -> Match:
    """Judge an owner; of one that is not on record, it is not known."""
    return "unknown" if names is None else _is(matches(asked, names))


def _nothing(asked: Iterable[Address | Port]) -> Match:
    """Judge what has none of what is asked for."""
    return _is(not any(one.wanted for one in asked))


def _among(fits: Sequence[tuple[bool, bool | None]]) -> Match:
    """Judge by what is wanted, and by what is not, of which each fits, or does not, or may (None)."""
    some, none = ([fit for is_wanted, fit in fits if is_wanted is which] for which in (True, False))
    if True in none or (some and all(fit is False for fit in some)):
        return "no"
    return "yes" if (not some or True in some) and None not in none else "unknown"


def _both(found: Iterable[Match]) -> Match:
    judged = set(found)
    return "no" if "no" in judged else "unknown" if "unknown" in judged else "yes"


def _is(answer: bool) -> Match:  # noqa: FBT001 - it is put in words
    return "yes" if answer else "no"
