"""The rows of reports, one dataclass each: their fields are the keys of JSON and the columns of CSV."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, cast

from dropwatchd.history.read.portioned import PartWindow
from dropwatchd.history.read.reader import CounterTotal, DropTotal, LedgerGap, LoggedEvent
from dropwatchd.model import NANO, Drop, Interface, Window
from dwreport import causes
from dwreport.causes import kinds
from dwreport.findings.steps import space_of, step
from dwreport.packets.ethertypes import protocol_name
from dwreport.text import named_netns, netns_text


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time in a row. Its text is RFC 3339 in UTC; a table shows local time."""

    ns: int

    def __str__(self) -> str:
        whole = datetime.fromtimestamp(self.ns // NANO, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{whole}.{self.ns % NANO // 1000:06d}Z"


@dataclass(frozen=True, slots=True)
class LocationRow:
    """Where in the kernel; an address in hexadecimal, where no symbol is known."""

    symbol: str | None
    offset: int | None
    module: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class DropRow:
    """Drops of one key; what is not known is None."""

    count: int
    bytes: int | None
    first: Moment
    last: Moment
    reason: str | None
    location: LocationRow
    interface: str | None
    ifindex: int | None
    netns: str | None
    protocol: str | None
    origin: str
    trap: str | None
    cause: str | None
    advice: str | None
    harm: str | None
    host: str


@dataclass(frozen=True, slots=True)
class TotalRow(DropRow):
    """Drops of the whole report: `straddling` of `count` perhaps just outside of it, and perhaps `at_most` within.

    It is `about` so many where samples alone tell which of them are asked for: `at_least` to `at_most`.
    """

    straddling: int
    at_most: int
    at_least: int
    about: bool


@dataclass(frozen=True)
class _Start:
    window_start: Moment
    window_seconds: float


@dataclass(frozen=True)
class WindowRow(DropRow, _Start):
    """Drops within one window of time; `about` so many where samples alone tell which of them are asked for."""

    at_least: int
    at_most: int
    about: bool


@dataclass(frozen=True, slots=True)
class CounterRow:
    """By how much a counter moved; `straddling` of that between readings of which one lies outside of the window."""

    collector: str
    name: str
    interface: str | None
    netns: str | None
    labels: Mapping[str, str]
    delta: int
    layer: str | None
    kind: str | None
    meaning: str | None
    host: str
    straddling: int


@dataclass(frozen=True, slots=True)
class GapRow:
    """A row of the ledger; `lost` is None where the number is unknown."""

    since: Moment
    until: Moment
    cause: str
    lost: int | None
    effect: str
    scope: str
    detail: str | None
    host: str | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened."""

    time: Moment
    event: str
    subject: str
    detail: str | None
    netns: str | None
    host: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of time; `count` is None where nothing watched, or drops were counted whose time is not known, or of
    which no sample tells whether they match.

    Zero means none.
    """

    since: Moment
    until: Moment
    count: int | None
    coverage: str
    top_reason: str | None
    top_symbol: str | None
    top_cause: str | None
    top_count: int | None


def _drop_fields(host: str, drop: Drop) -> dict[str, Any]:
    location, kind, interface = drop.key
    cause = causes.of_drop(drop.key)
    return {
        "count": drop.count,
        "bytes": drop.octets,
        "first": Moment(drop.first_ns),
        "last": Moment(drop.last_ns),
        "reason": kind.reason,
        "location": LocationRow(location.symbol, location.offset, location.module,
                                None if location.address is None else f"{location.address:#x}"),
        "interface": interface.name,
        "ifindex": interface.ifindex,
        "netns": netns_text(interface),
        "protocol": protocol_name(kind.protocol),
        "origin": kind.origin,
        "trap": kind.trap,
        "cause": cause.title if cause else None,
        "advice": step(causes.advice(cause, interface.name), space_of(interface)) if cause else None,
        "harm": cause.harm if cause else None,
        "host": host,
    }


def total_row(total: DropTotal) -> TotalRow:
    """Return a row of drops of the whole report."""
    return TotalRow(**_drop_fields(total.host, total.drop), straddling=total.straddling,
                    at_most=total.at_most, at_least=total.at_least, about=total.about)


def window_row(host: str, window: Window) -> WindowRow:
    """Return a row of drops within one window of time."""
    count = window.drop.count
    least, most, about = (window.at_least, window.at_most, window.about) if isinstance(window, PartWindow) else (
        count, count, False)
    return WindowRow(window_start=Moment(window.start_ns), window_seconds=window.width_ns / NANO, at_least=least,
                     at_most=most, about=about, **_drop_fields(host, window.drop))


def counter_row(total: CounterTotal, device: str | None = None) -> CounterRow:
    """Return a row of `counters`; what one of an interface means depends on the kind of device, where that is known."""
    cause = kinds.counter(total.name, device) if total.collector == "link" else causes.of_counter(
        total.collector, total.name)
    return CounterRow(
        total.collector, total.name, total.interface,
        netns_text(Interface(total.netns, None, None, total.netns_name, total.netns_inode)),
        cast("dict[str, str]", json.loads(total.labels)), total.delta,
        cause.layer if cause else None, cause.kind if cause else None, cause.title if cause else None, total.host,
        total.straddling)


def gap_row(gap: LedgerGap) -> GapRow:
    """Return a row of `coverage.gaps`."""
    return GapRow(Moment(gap.since_ns), Moment(gap.until_ns), gap.cause, gap.lost, gap.effect, gap.scope,
                  gap.detail or None, gap.host)


def event_row(event: LoggedEvent, names: Mapping[int, str]) -> EventRow:
    """Return a row of `events`."""
    return EventRow(Moment(event.time_ns), event.kind, event.subject, event.detail or None,
                    named_netns(event.netns, names), event.host)


def plain(row: object) -> dict[str, object]:
    """Return the fields of a row as JSON has them."""
    return {field.name: getattr(row, field.name) for field in fields(cast("Any", row))}
