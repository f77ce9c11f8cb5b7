"""The sampled packets: when, why, and who sent what to whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from dropwatchd.history.read.reader import PacketRow, Reader
from dropwatchd.model import DropKey
from dwreport import causes
from dwreport.findings.ends import ends_of
from dwreport.packets.ethertypes import protocol_name
from dwreport.packets.messages import has_link_header, is_message
from dwreport.report.answer import Answer, Column, Section
from dwreport.report.arrange import keeps, left
from dwreport.report.columns import interface_cell, moment, text
from dwreport.report.gaps import answered, assessed
from dwreport.report.rows import Moment
from dwreport.report.spooled import SpooledPackets
from dwreport.report.wanted import Wanted
from dwreport.text import netns_text, time_format
from dwreport.views._lead import hidden, unjudged


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the kernel."""

    symbol: str | None


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A sampled packet, which stands for `weight`; a message between programs has no link header and no protocol.

    `queue` is the queueing discipline that says it dropped it, since Linux 7.1 by BPF.
    """

    time: Moment
    reason: str | None
    location: Place
    interface: str | None
    ifindex: int | None
    netns: str | None
    protocol: str | None
    transport: str | None
    source: str | None
    source_port: int | None
    destination: str | None
    destination_port: int | None
    length: int
    weight: int
    link_header: bool
    data: str
    host: str
    queue: str | None


def view(reader: Reader, wanted: Wanted) -> Answer:
    """Show the sampled packets; each stands for as many as its weight says."""
    scope = reader.scope
    severity, found = cache(_harm), 0

    def chosen() -> Iterator[PacketRow]:
        nonlocal found
        for found, packet in enumerate(reader.packets(), 1):  # noqa: B007 - it says how many there are
            if keeps(wanted, severity(packet.key)):
                yield packet

    rows = SpooledPackets(chosen(), _row)
    section = Section("packets", rows, _columns(time_format(scope.since_ns, scope.until_ns)), rows, record=SampleRow)
    judged = assessed(reader, "packets")
    what = "No packet was sampled." if judged.status == "complete" else "No packet is on record that was sampled."
    lead = [*left(range(found), rows), *([] if found or judged.status == "blind" else [what]),
            *unjudged(reader)]
    return answered(reader, judged, [section], lead, extra=hidden(reader))


def _harm(key: DropKey) -> str | None:
    cause = causes.of_drop(key)
    return cause.harm if cause else None


def _row(packet: PacketRow) -> SampleRow:
    location, kind, interface = packet.key
    ends = ends_of(packet)
    return SampleRow(
        Moment(packet.time_ns), kind.reason, Place(location.symbol), interface.name, interface.ifindex,
        netns_text(interface), None if is_message(packet.key) else protocol_name(kind.protocol), ends.transport,
        ends.source, ends.source_port, ends.destination, ends.destination_port, packet.length, packet.weight,
        packet.link_header and has_link_header(packet.key), packet.data.hex(), packet.host, packet.queue)


def _columns(times: str) -> list[Column[SampleRow]]:
    return [
        Column("TIME", lambda row: moment(row.time, times)),
        Column("REASON", _why, wraps=True),
        Column("INTERFACE", lambda row: interface_cell(row, row.ifindex), wraps=True),
        Column("PROTO", lambda row: text(row.transport or row.protocol)),
        Column("FROM", lambda row: _end(row.source, row.source_port), wraps=True, firm=True),
        Column("TO", lambda row: _end(row.destination, row.destination_port), wraps=True, firm=True),
        Column("LENGTH", lambda row: str(row.length), right=True, from_width=100),
        Column("FOR", lambda row: str(row.weight), right=True),
    ]


def _why(row: SampleRow) -> str:
    """Return the reason or the function, and the queueing discipline where it told, as tc calls it."""
    return text(row.reason or row.location.symbol) + (f" ({row.queue})" if row.queue else "")


def _end(address: str | None, port: int | None) -> str:
    if address is None or port is None:
        return text(address)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
