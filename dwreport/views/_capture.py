"""The sampled packets as a file for Wireshark: each with why and where it was dropped, and for how many it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from dropwatchd import __version__
from dropwatchd.history.read.reader import PacketRow, Reader
from dropwatchd.model import DropKey, Interface
from dwreport import causes
from dwreport.packets import net_dm, pcapng
from dwreport.packets.ethertypes import protocol_name
from dwreport.packets.messages import has_link_header, is_message
from dwreport.render.heading import heading, warning
from dwreport.report.answer import Answer
from dwreport.report.arrange import keeps
from dwreport.report.columns import interface_cell
from dwreport.report.gaps import answered, assessed
from dwreport.report.wanted import Wanted
from dwreport.text import clean, counted, netns_text
from dwreport.views._lead import unjudged
from dwreport.views._veil import Veil

_VERSIONS = {0x0800: 4, 0x86DD: 6}  # the first half byte of IP, by ethertype
_Place = tuple[str, str, int | None, int]  # host, name as it is printed, namespace, link type


@dataclass(slots=True)
class _Sum:
    """What was written, and what was not, for its severity."""

    packets: int = 0
    drops: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Printed:
    """An interface as reports print it."""

    interface: str | None
    netns: str | None


def capture(reader: Reader, wanted: Wanted, out: BinaryIO, form: str = "packets", *, redact: bool = False) -> Answer:
    """Write the packets from where `out` begins, one at a time; return what is to be said of them, without rows.

    `form` is packets, or net_dm: then each is an alert of the kernel's drop monitor, as Wireshark decodes them.
    With `redact`, nobody is told by address or name.
    """
    judged = assessed(reader, "packets")
    answer = answered(reader, judged, ())
    out.seek(0)
    out.truncate()
    found = _Sum()
    veil = Veil(reader) if redact else None
    out.write(_section(answer, veil))
    out.writelines(_blocks(reader, wanted, found, veil, alerts=form == "net_dm"))
    none = "No packet was sampled" if judged.status == "complete" else "No packet is on record that was sampled"
    if found.left and not found.packets:
        none = f"None of {counted(found.left, 'packet')} is of the severity that is asked for"
    wrote = f"wrote {counted(found.packets, 'packet')}" if found.packets else f"{none}: the file is valid, and empty"
    totals = [total for total in reader.drops(reader.scope.since_ns, _length(reader))
              if keeps(wanted, _harm(total.drop.key))]
    recorded = sum(total.drop.count for total in totals)
    about = "about " if any(total.about for total in totals) else ""
    drawn = "about " if found.drops > found.packets else ""  # a weight is what was drawn from, not what was counted
    stand = f", standing for {drawn}{counted(found.drops, 'drop')}" if found.packets else ""
    return replace(answer, lead=[f"{wrote}{stand}; on record in this window: {about}{counted(recorded, 'drop')}",
                                 *unjudged(reader)])


def _length(reader: Reader) -> int:
    """Return the length of the window, so that it is one step, or as much of it as SQLite has numbers for."""
    return min(reader.scope.until_ns - reader.scope.since_ns, 2**63 - 1)


def _section(answer: Answer, veil: Veil | None) -> bytes:
    """Say in the file itself whose packets these are, and what was not watched: it may be all that somebody has."""
    kernels = dict.fromkeys(f"Linux {run.kernel}" for run in answer.runs)
    told = " · ".join([*heading(answer), *warning(answer)])
    return pcapng.section(f"dwreport {__version__}", clean(", ".join(kernels)),
                          told if veil is None else veil.text(told))


def _blocks(reader: Reader, wanted: Wanted, found: _Sum, veil: Veil | None, *,
            alerts: bool) -> Iterator[bytes]:
    """Yield packets in the order of time, and each interface before the first of its own.

    What the packets of a key have in common is made once: there are many packets, and few keys.
    """
    interfaces: dict[_Place, int] = {}
    known: dict[DropKey, tuple[str, str | None]] = {}
    if alerts:
        yield pcapng.interface(pcapng.NETLINK, "NET_DM", "")
        yield pcapng.packet(0, reader.scope.since_ns, *net_dm.family(), "")
    for given in reader.packets():
        packet = given if veil is None else veil.packet(given)
        key = packet.key
        if key not in known:
            known[key] = _why(key), _harm(key)
        why, harm = known[key]
        if not keeps(wanted, harm):
            found.left += 1
            continue
        if alerts:
            found.packets += 1
            found.drops += packet.weight
            yield pcapng.packet(0, packet.time_ns, *net_dm.alert(packet), _comment(packet, why))
            continue
        place = packet.host, _name(key.interface), key.interface.netns, _link_type(packet)
        if place not in interfaces:
            interfaces[place] = len(interfaces)
            yield pcapng.interface(place[3], place[1], clean(packet.host))
        found.packets += 1
        found.drops += packet.weight
        yield pcapng.packet(interfaces[place], packet.time_ns, packet.data, packet.length, _comment(packet, why))


def _name(interface: Interface) -> str:
    return interface_cell(_Printed(interface.name, netns_text(interface)), interface.ifindex)


def _link_type(packet: PacketRow) -> int:
    """Return what the bytes begin with; of what is neither Ethernet nor IP, this format has nothing to say."""
    if packet.link_header and has_link_header(packet.key):
        return pcapng.ETHERNET
    version = None if is_message(packet.key) else _VERSIONS.get(packet.key.kind.protocol or 0)
    return pcapng.RAW_IP if version and packet.data[:1] and packet.data[0] >> 4 == version else pcapng.USER0


def _comment(packet: PacketRow, why: str) -> str:
    """Begin with the weight, which a hostile name of any length must not push out."""
    early = f" · dropped {-packet.time_ns} ns before 1970, which the time cannot say" if packet.time_ns < 0 else ""
    return f"stands for {counted(packet.weight, 'packet')}{early}{why}"


def _why(key: DropKey) -> str:
    """Return what is said of all packets of a key."""
    location, kind, _interface = key
    cause = causes.of_drop(key)
    offset = "" if location.offset is None else f"+{location.offset:#x}"
    address = "" if location.address is None else f"{location.address:#x}"
    told = {
        "reason": kind.reason,
        "location": f"{location.symbol or address}{offset}" + (f" [{location.module}]" if location.module else ""),
        "trap": f"{kind.trap}" + (f" ({kind.trap_group})" if kind.trap_group else "") if kind.trap else None,
        "protocol": "a message between programs" if is_message(key) else protocol_name(kind.protocol),
        "cause": f"{cause.title} ({cause.harm or 'unknown'})" if cause else None,
    }
    return "".join(f" · {name}: {clean(value)}" for name, value in told.items() if value)


def _harm(key: DropKey) -> str | None:
    cause = causes.of_drop(key)
    return cause.harm if cause else None
