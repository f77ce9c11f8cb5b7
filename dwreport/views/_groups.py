"""Drops by what they have in common: --by reason,interface,hour; of what was sampled alone, about how many."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, make_dataclass
from functools import partial
from math import ceil, floor, sqrt
from typing import Any

import click

from dropwatchd.history.read.portions import effective, likely
from dropwatchd.history.read.reader import DropTotal, PacketRow, Reader
from dwreport import causes
from dwreport.findings.ends import ends_of
from dwreport.packets.ethertypes import protocol_name
from dwreport.report.answer import Answer, Column, Section
from dwreport.report.arrange import keeps
from dwreport.report.columns import moment, text
from dwreport.report.gaps import answered, assessed, gap_section
from dwreport.report.rows import Moment
from dwreport.report.wanted import Wanted
from dwreport.text import netns_text, number, share, time_format
from dwreport.views._hours import TIMES, Stretch, hours
from dwreport.views._lead import events_lead, hidden

Values = tuple[str | None, ...]
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """So many drops, the squares of how many fewer and more samples leave open, and how many there are in any case.

    At an edge of the window drops are apportioned: `edge` fewer, or more, may have been in it.
    """

    count: float
    fewer: float
    more: float
    sure: int
    most: int
    edge: int = 0


def _cause(total: DropTotal) -> str | None:
    cause = causes.of_drop(total.drop.key)
    return cause.title if cause else None


def _severity(total: DropTotal) -> str | None:
    cause = causes.of_drop(total.drop.key)
    return cause.harm if cause else None


def _port(packet: PacketRow) -> str | None:
    ends = ends_of(packet)
    return None if ends.destination_port is None else f"{ends.transport}/{ends.destination_port}"


EXACT: dict[str, Callable[[DropTotal], str | None]] = {
    "reason": lambda total: total.drop.key.kind.trap or total.drop.key.kind.reason,
    "interface": lambda total: total.drop.key.interface.name,
    "netns": lambda total: netns_text(total.drop.key.interface),
    "host": lambda total: total.host,
    "cause": _cause,
    "severity": _severity,
    "protocol": lambda total: protocol_name(total.drop.key.kind.protocol),
    "location": lambda total: total.drop.key.location.symbol,
    "origin": lambda total: total.drop.key.kind.origin,
}
_SAMPLED: dict[str, Callable[[PacketRow], str | None]] = {
    "transport": lambda packet: ends_of(packet).transport,
    "port": _port,
    "address": lambda packet: ends_of(packet).source,
    "destination": lambda packet: ends_of(packet).destination,
}
_FIRM = {"interface", "netns", "host", "port", "address", "destination"}  # these are copied
NAMES = (*EXACT, *_SAMPLED, *TIMES)


@dataclass
class _Group:
    """What is added up: so many drops, of which the number is sure but for what sampling leaves open: see _Part."""

    count: float = 0.0
    fewer: float = 0.0
    more: float = 0.0
    sure: int = 0
    most: int = 0
    edge: int = 0
    first_ns: int = 2**63 - 1
    last_ns: int = 0


def view(reader: Reader, wanted: Wanted) -> Answer:
    """Show how many drops have each of the values in common."""
    if unknown := [name for name in wanted.by if name not in NAMES]:
        raise click.UsageError(f"there is no --by {unknown[0]}; there are {', '.join(NAMES)}")
    if "hour" in wanted.by and "day" in wanted.by:
        raise click.UsageError("--by takes one step of time; leave out hour, or day")
    scope, judged = reader.scope, assessed(reader)
    found = _grouped(reader, wanted)
    record = make_dataclass("GroupRow", [*((name, str | None) for name in wanted.by), ("count", int), ("at_least", int),
                                         ("at_most", int), ("about", bool), ("first", Moment), ("last", Moment)],
                            frozen=True)
    counts = _whole([group.count for _values, group in found])
    rows = [record(*values, count, *_range(group), _is_about(group), Moment(group.first_ns),
                   Moment(group.last_ns)) for (values, group), count in zip(found, counts, strict=True)]
    times = time_format(scope.since_ns, scope.until_ns)
    section: Section[Any] = Section("groups", rows, _columns(wanted.by, rows, times), rows, record=record)
    return answered(reader, judged, [section, gap_section(reader, judged)],
                    events_lead(reader, judged, any_drops=bool(rows)), hidden(reader))


def _grouped(reader: Reader, wanted: Wanted) -> list[tuple[Values, _Group]]:
    """Return groups, those of times in their order, others with the most first."""
    scope, by = reader.scope, wanted.by
    name = next((name for name in by if name in TIMES), None)
    steps = hours(reader, name) if name else None
    whole = (steps.start_ns, steps.step_ns) if steps else (scope.since_ns, scope.until_ns - scope.since_ns)
    samples: dict[tuple[object, ...], list[PacketRow]] = defaultdict(list)
    if any(name in _SAMPLED for name in by):
        for packet in reader.packets():
            samples[packet.host, packet.key].append(packet)
    groups: dict[Values, _Group] = defaultdict(_Group)
    begins: dict[str | None, int] = {}  # an hour that comes twice has no order by its name
    for total in reader.drops(*whole):
        if keeps(wanted, _severity(total)):
            every = samples[total.host, total.drop.key]
            for one in steps.stretches(total, scope.since_ns) if steps else [_all(total)]:
                begins[one.label] = min(one.first_ns, begins.get(one.label, one.first_ns))
                own = [packet for packet in every if not steps or steps.label(packet.time_ns) == one.label]
                for values, part, seen in _parts(total, one, by, own):
                    _add(groups[values], part, seen or (one.first_ns, one.last_ns))
    if name:
        return sorted(groups.items(), key=lambda item: (begins[item[0][by.index(name)]], -item[1].count))
    return sorted(groups.items(), key=lambda item: (-item[1].count, str(item[0])))


def _all(total: DropTotal) -> Stretch:
    return Stretch(None, total.drop.count, total.drop.first_ns, total.drop.last_ns)


def _parts(total: DropTotal, one: Stretch, by: Sequence[str],
           packets: Sequence[PacketRow]) -> Iterator[tuple[Values, _Part, _Span | None]]:
    """Yield the values of drops, and how many have them.

    When the first and the last were is told by samples, too, of what samples alone tell.
    """
    count, when = one.count, one.label

    def values(packet: PacketRow | None) -> Values:
        return tuple(when if name in TIMES else EXACT[name](total) if name in EXACT
                     else _SAMPLED[name](packet) if packet else None for name in by)

    # Of drops that are about so many, any part is too.
    whole = total.drop.count
    below, above = ((whole - total.at_least) / whole, (total.at_most - whole) / whole) if total.about else (0.0, 0.0)
    beyond = one.up + (0 if total.about else total.at_most - whole)
    doubtful = one.down + total.straddling
    most = max(count, total.at_most) if total.about else count + beyond
    if not any(name in _SAMPLED for name in by) or not packets:
        sure = total.at_least if when is None else min(1, count) if total.about else max(0, count - doubtful)
        yield values(None), _Part(count, (count * below) ** 2, (count * above) ** 2, sure, most), None
        return
    sampled: dict[Values, list[PacketRow]] = defaultdict(list)
    for packet in packets:
        sampled[values(packet)].append(packet)
    whole = sum(packet.weight for packet in packets)
    size = effective([packet.weight for packet in packets])
    is_census = len(packets) >= total.drop.count == count and not total.about
    for key, own in sampled.items():
        part = sum(packet.weight for packet in own) / whole
        low, high = (part, part) if is_census else likely(part, size)
        fewer, more = (count ** 2 * ((end - part) ** 2 + (part * error) ** 2)
                       for end, error in ((low, below), (high, above)))
        times = [packet.time_ns for packet in own]
        sure = min(len(own), count) if when is None or is_census else 0
        yield (key, _Part(count * part, fewer, more, sure, sure + beyond if is_census else most,
                          max(beyond, doubtful)), (min(times), max(times)))


def _add(group: _Group, part: _Part, span: _Span) -> None:
    group.count += part.count
    group.fewer += part.fewer
    group.more += part.more
    group.sure += part.sure
    group.most += part.most
    group.edge += part.edge
    group.first_ns = min(group.first_ns, span[0])
    group.last_ns = max(group.last_ns, span[1])


def _range(group: _Group) -> tuple[int, int]:
    """Return between how many and how many there are, of what was sampled for 95 of 100 samplings.

    The distances of the parts to the ends of their ranges add up as deviations do (Zou and Donner's MOVER).
    """
    if not _is_about(group):
        return group.sure, group.most
    return (max(group.sure, floor(group.count - group.edge - sqrt(group.fewer))),
            min(group.most, ceil(group.count + group.edge + sqrt(group.more))))


def _whole(counts: Sequence[float]) -> list[int]:
    """Return whole numbers that add up to what the counts do: the greatest remainders are rounded up."""
    found = [floor(count) for count in counts]
    left = round(sum(counts)) - sum(found)
    for place in sorted(range(len(counts)), key=lambda place: found[place] - counts[place])[:left]:
        found[place] += 1
    return found


def _is_about(group: _Group) -> bool:
    return bool(group.fewer or group.more)


def _columns(by: Iterable[str], rows: Sequence[Any], times: str) -> list[Column[Any]]:
    whole = sum(row.count for row in rows)
    return [
        Column("COUNT", _count, right=True),
        Column("SHARE", lambda row: share(row.count, whole), right=True),
        *(Column(name.upper(), partial(_value, name), wraps=name not in TIMES, firm=name in _FIRM) for name in by),
        Column("FIRST", lambda row: moment(row.first, times)),
        Column("LAST", lambda row: moment(row.last, times)),
    ]


def _value(name: str, row: Any) -> str:
    return text(getattr(row, name))


def _count(row: Any) -> str:
    if not row.about and row.at_least == row.at_most:
        return number(row.count)
    about = "about " if row.about else ""
    return f"{about}{number(row.count)} ({number(row.at_least)} to {number(row.at_most)})"
