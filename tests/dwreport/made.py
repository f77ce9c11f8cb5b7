"""Rows as a history gives them, made up: every function fills in what a test does not care for."""

import json
import struct
from collections import Counter
from collections.abc import Sequence
from socket import inet_aton
from typing import Any

from dropwatchd.history.read.aligned import AlignedDrop
from dropwatchd.history.read.reader import CounterTotal, DeviceRow, DropTotal, PacketRow
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO, Drop, DropKey, Interface, Kind, Location
from dwreport.evidence.chains import Chains
from dwreport.evidence.compare import Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.filters import Filters
from dwreport.evidence.infer import inferred
from dwreport.evidence.observed import observe
from dwreport.evidence.settings import Settings
from dwreport.evidence.tally import Place
from dwreport.findings import rank
from dwreport.report.findings import FindingRow, finding_row
from tests.dwreport.conftest import START_NS

HOST, INIT, BLUE = "web-3", 4026531840, 4026532290
IPV4, IPV6 = 0x0800, 0x86DD
NAMES = {INIT: "init", BLUE: "blue"}
Read = set[tuple[str, str, str, int | None]]


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


def looked(*names: str, netns: int | None = INIT) -> Read:
    """Return that these counters were read."""
    return {(HOST, collector or "snmp", plain, netns)
            for collector, _, plain in (name.rpartition("/") for name in names)}


def counted(drops: Sequence[AlignedDrop], counters: Sequence[CounterTotal] = (), read: Read | None = None, *,
            blind: bool = False, packets: Sequence[PacketRow] = (), kernel: str = "",
            devices: Sequence[DeviceRow] = (), settings: Settings | None = None,
            chains: Chains | None = None) -> Facts:
    """Return what a history holds on all of these drops, which happened within a second."""
    totals = [DropTotal(row.host, Drop(row.key, row.count, None, START_NS, START_NS + NANO), 0,
                        Counter({0: row.count}), row.count) for row in drops]
    kernels = {HOST: {kernel}} if kernel else {}
    return Facts(observe(drops, totals, packets, kernels), counters, read or set(), blind, kernels, NAMES,
                 devices={Place(one.host, one.netns, one.name): one for one in devices},
                 settings=settings or Settings(), chains=chains or Chains())


def facts(drops: Sequence[AlignedDrop], counters: Sequence[CounterTotal] = (), packets: Sequence[PacketRow] = (),
          read: Read | None = None, *, blind: bool = False, kernel: str = "",
          devices: Sequence[DeviceRow] = (), settings: Settings | None = None,
          chains: Chains | None = None) -> Evidence:
    """Return the same, compared, with what follows."""
    return inferred(counted(drops, counters, read, blind=blind, packets=packets, kernel=kernel, devices=devices,
                            settings=settings, chains=chains))


def findings(given: Evidence, **wanted: Any) -> list[FindingRow]:
    """Return the findings that filters leave, in words."""
    scope = Scope(START_NS, START_NS + 1, **wanted)
    return [finding_row(finding) for finding in rank.findings(given, Filters(scope)).found]


def packet(counted_by: DropKey, port: int = 5060, source: str = "192.0.2.1", weight: int = 1,
           length: int = 28) -> PacketRow:
    """Return a sampled UDP datagram to 198.51.100.2, from its network header on."""
    data = struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 28, 1, 0, 64, 17, 0, inet_aton(source), inet_aton("198.51.100.2"),
                       40000, port, 8, 0)
    return PacketRow(HOST, counted_by, START_NS, length, weight, link_header=False, data=data)
