"""Rows as a history gives them, made up: every function fills in what a test does not care for."""

import json
from collections import Counter
from collections.abc import Sequence

from dropwatchd.history.aligned import AlignedDrop
from dropwatchd.history.reader import CounterTotal, DropTotal, PacketRow
from dropwatchd.model import NANO, Drop, DropKey, Interface, Kind, Location
from dwreport.evidence.facts import Facts
from dwreport.evidence.infer import settled
from dwreport.evidence.record import Evidence
from tests.dwreport.conftest import START_NS

HOST, INIT, BLUE = "web-3", 4026531840, 4026532290
IPV4, IPV6 = 0x0800, 0x86DD
NAMES = {INIT: "init", BLUE: "blue"}


def key(reason: str | None, symbol: str, protocol: int | None = IPV4, netns: int | None = INIT,
        interface: str | None = "eth0") -> DropKey:
    """Return what drops are counted by."""
    return DropKey(Location(symbol, 0x1F), Kind(reason, protocol),
                   Interface(netns, 2 if interface else None, interface, NAMES.get(netns or 0)))


def drop(counted_by: DropKey, inside: int, edge: int = 0, outside: int = 0) -> AlignedDrop:
    """Return drops of which some lie between two readings of the counters, near to one, and before the first."""
    most = inside + edge
    return AlignedDrop(HOST, counted_by, most + outside, inside, most, inside, most)


def counter(name: str, delta: int, netns: int | None = INIT, interface: str | None = None,
            **labels: str) -> CounterTotal:
    """Return by how much a counter moved: "UdpNoPorts", "link/rx_dropped"."""
    collector, _, plain = name.rpartition("/")
    return CounterTotal(HOST, collector or "snmp", plain, netns, interface, json.dumps(labels), delta, gauge=False)


def looked(*names: str, netns: int | None = INIT) -> set[tuple[str, str, str, int | None]]:
    """Return that these counters were read."""
    return {(HOST, collector or "snmp", plain, netns)
            for collector, _, plain in (name.rpartition("/") for name in names)}


def facts(drops: Sequence[AlignedDrop], counters: Sequence[CounterTotal] = (), packets: Sequence[PacketRow] = (),
          read: set[tuple[str, str, str, int | None]] | None = None, *, blind: bool = False) -> Facts:
    """Return the facts of a report on all of these drops, which happened within a second."""
    totals = [DropTotal(row.host, Drop(row.key, row.count, None, START_NS, START_NS + NANO), 0, Counter({0: row.count}))
              for row in drops]
    evidence, agreements = settled(Evidence(drops, counters, read or set(), blind))
    return Facts(totals, packets, evidence, agreements, NAMES)
