"""The sampled packets: when, why, and who sent what to whom."""

from typing import cast

from dropwatchd.history.reader import PacketRow, Reader
from dwreport.packets.ethertypes import protocol_name
from dwreport.packets.headers import who
from dwreport.report.answer import Answer, Column, Moment, Row, Section
from dwreport.report.columns import interface_cell, text
from dwreport.report.gaps import assessed
from dwreport.text import clock, netns_text, time_format

_FIELDS = ("time", "reason", "location_symbol", "interface", "netns", "protocol", "transport", "source", "source_port",
           "destination", "destination_port", "length", "weight", "link_header", "data", "host")


def view(reader: Reader) -> Answer:
    """Show the sampled packets; each stands for as many as its weight says."""
    scope = reader.scope
    rows = [_row(packet) for packet in reader.packets()]
    section = Section("packets", rows, _columns(time_format(scope.since_ns, scope.until_ns)), fields=_FIELDS)
    judged = assessed(reader, "packets")
    what = "No packet was sampled." if judged.status == "complete" else "No packet is on record that was sampled."
    lead = [] if rows or judged.status == "blind" else [what]
    return Answer(scope, reader.now_ns, reader.runs(), judged, [section], lead)


def _row(packet: PacketRow) -> Row:
    location, kind, interface = packet.key
    ends = who(packet.data, kind.protocol, link_header=packet.link_header)
    return {
        "time": Moment(packet.time_ns),
        "reason": kind.reason,
        "location": {"symbol": location.symbol},
        "interface": interface.name,
        "ifindex": interface.ifindex,
        "netns": netns_text(interface),
        "protocol": protocol_name(kind.protocol),
        "transport": ends.transport,
        "source": ends.source,
        "source_port": ends.source_port,
        "destination": ends.destination,
        "destination_port": ends.destination_port,
        "length": packet.length,
        "weight": packet.weight,
        "link_header": packet.link_header,
        "data": packet.data.hex(),
        "host": packet.host,
    }


def _columns(times: str) -> list[Column]:
    return [
        Column("TIME", lambda row: clock(cast("Moment", row["time"]).ns, times)),
        Column("REASON", lambda row: text(row["reason"] or cast("dict[str, str]", row["location"])["symbol"]),
               wraps=True),
        Column("INTERFACE", interface_cell, wraps=True),
        Column("PROTO", lambda row: text(row["transport"] or row["protocol"])),
        Column("FROM", lambda row: _end(row, "source"), wraps=True),
        Column("TO", lambda row: _end(row, "destination"), wraps=True),
        Column("LENGTH", lambda row: str(row["length"]), right=True, from_width=100),
        Column("FOR", lambda row: str(row["weight"]), right=True),
    ]


def _end(row: Row, side: str) -> str:
    address, port = row[side], row[f"{side}_port"]
    if address is None or port is None:
        return text(address)
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"
