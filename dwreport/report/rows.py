"""The rows of reports, as the JSON contract has them, from what the history holds."""

import json
from collections.abc import Mapping
from typing import cast

from dropwatchd.history.reader import CounterTotal, DropTotal, LedgerGap, LoggedEvent
from dropwatchd.model import Drop, Interface, Window
from dwreport import catalogue
from dwreport.packets.ethertypes import protocol_name
from dwreport.report.answer import NANO, Moment
from dwreport.text import netns_text

DROP_FIELDS = (
    "count", "bytes", "first", "last", "reason", "location_symbol", "location_offset", "location_module",
    "location_address", "interface", "ifindex", "netns", "protocol", "origin", "trap", "cause", "advice", "harm",
    "host",
)
TOTAL_FIELDS = (*DROP_FIELDS, "straddling")
WINDOW_FIELDS = ("window_start", "window_seconds", *DROP_FIELDS)
COUNTER_FIELDS = ("collector", "name", "interface", "netns", "labels", "delta", "layer", "kind", "meaning", "host")
GAP_FIELDS = ("since", "until", "cause", "lost", "effect", "scope", "detail", "host")


def drop_row(host: str, drop: Drop) -> dict[str, object]:
    """Return a row of `drops`; what is not known is None."""
    location, kind, interface = drop.key
    cause = catalogue.of_drop(drop.key)
    return {
        "count": drop.count,
        "bytes": drop.octets,
        "first": Moment(drop.first_ns),
        "last": Moment(drop.last_ns),
        "reason": kind.reason,
        "location": {
            "symbol": location.symbol, "offset": location.offset, "module": location.module,
            "address": None if location.address is None else f"{location.address:#x}",
        },
        "interface": interface.name,
        "ifindex": interface.ifindex,
        "netns": netns_text(interface),
        "protocol": protocol_name(kind.protocol),
        "origin": kind.origin,
        "trap": kind.trap,
        "cause": cause.title if cause else None,
        "advice": catalogue.advice(cause, interface.name) if cause else None,
        "harm": cause.harm if cause else None,
        "host": host,
    }


def total_row(total: DropTotal) -> dict[str, object]:
    """Return a row of drops of the whole report; `straddling` of them may have happened just outside of it."""
    return {**drop_row(total.host, total.drop), "straddling": total.straddling}


def window_row(host: str, window: Window) -> dict[str, object]:
    """Return a row of drops within one window of time."""
    return {
        "window_start": Moment(window.start_ns),
        "window_seconds": window.width_ns / NANO,
        **drop_row(host, window.drop),
    }


def counter_row(total: CounterTotal) -> dict[str, object]:
    """Return a row of `counters`."""
    cause = catalogue.of_counter(total.collector, total.name)
    return {
        "collector": total.collector,
        "name": total.name,
        "interface": total.interface,
        "netns": netns_text(Interface(total.netns, None, None, total.netns_name, total.netns_inode)),
        "labels": cast("dict[str, str]", json.loads(total.labels)),
        "delta": total.delta,
        "layer": cause.layer if cause else None,
        "kind": cause.kind if cause else None,
        "meaning": cause.title if cause else None,
        "host": total.host,
    }


def gap_row(gap: LedgerGap) -> dict[str, object]:
    """Return a row of `coverage.gaps`."""
    return {
        "since": Moment(gap.since_ns),
        "until": Moment(gap.until_ns),
        "cause": gap.cause,
        "lost": gap.lost,
        "effect": gap.effect,
        "scope": gap.scope,
        "detail": gap.detail or None,
        "host": gap.host,
    }


def event_row(event: LoggedEvent, names: Mapping[int, str]) -> dict[str, object]:
    """Return a row of `events`."""
    return {
        "time": Moment(event.time_ns),
        "event": event.kind,
        "subject": event.subject,
        "detail": event.detail or None,
        "netns": netns_text(Interface(event.netns, netns_name=names.get(event.netns or -1))),
        "host": event.host,
    }
