"""Counters as people see them: those that tell something, and what of them may not be the window's."""

from collections import Counter
from collections.abc import Sequence

from dropwatchd.history.read.patterns import matches
from dropwatchd.history.read.reader import Reader
from dwreport.packets.ethertypes import protocol_number
from dwreport.report.answer import Section
from dwreport.report.columns import counter_columns
from dwreport.report.protocols import protocols
from dwreport.report.rows import CounterRow, counter_row
from dwreport.text import clean, counted, number

_MOST = 20   # counters that a person reads
_NAMED = 3
_KINDS = ("drop", "error", "pressure", None)  # of counters that tell something; ordinary traffic is "info"


def counter_rows(reader: Reader) -> list[CounterRow]:
    """Return the counters that moved."""
    kinds = {(device.host, device.netns, device.name): device.kind for device in reader.devices()}
    asked = reader.scope.protocol
    return [counter_row(total, kinds.get((total.host, total.netns, total.interface or "")))
            for total in reader.counters()
            if not (known := protocols(total)) or any(matches(asked, {str(protocol_number(one))}) for one in known)]


def counter_section(rows: Sequence[CounterRow]) -> Section[CounterRow]:
    """Return the counters that moved, for people those that tell something."""
    telling = sorted((row for row in rows if row.kind in _KINDS), key=_weight)[:_MOST]
    rest = len(rows) - len(telling)
    note = f"and {counted(rest, 'more counter')}, ordinary traffic among them; dwreport counters shows all"
    if not telling:
        note = f"No counter of drops or errors moved; {counted(rest, 'other')} did; dwreport counters shows all"
    return Section("counters", rows, counter_columns(), telling, title="Counters that moved" if telling else "",
                   notes=[*straddling_notes(telling), *([note] if rest else [])], record=CounterRow)


def every_counter(rows: Sequence[CounterRow]) -> Section[CounterRow]:
    """Return all counters that moved, those that tell something first."""
    ordered = sorted(rows, key=_weight)
    return Section("counters", rows, counter_columns(), ordered, title="Counters that moved",
                   notes=straddling_notes(rows), record=CounterRow)


def _named(row: CounterRow, *, alone: bool) -> str:
    """Name a counter, with its place where others have the same name."""
    place = " in ".join(clean(part) for part in (row.interface, row.netns) if part)
    return clean(row.name) + (f" ({place})" if place and not alone else "")


def straddling_notes(rows: Sequence[CounterRow]) -> list[str]:
    """Say which counters were read so that part of their change may lie outside of the window."""
    found = sorted((row for row in rows if row.straddling), key=lambda row: -abs(row.straddling))
    if not found:
        return []
    times = Counter(row.name for row in found)
    named = ", ".join(f"{number(abs(row.straddling))} of {_named(row, alone=times[row.name] == 1)}"
                      for row in found[:_NAMED])
    more = f" and some of {counted(len(found) - _NAMED, 'more counter')}" if len(found) > _NAMED else ""
    return [f"Up to {named}{more} moved just outside the window: between readings that reach beyond its edges."]


def _weight(row: CounterRow) -> tuple[int, int]:
    """Sort drops before errors before pressure, and much before little."""
    return _KINDS.index(row.kind) if row.kind in _KINDS else len(_KINDS), -abs(row.delta)
