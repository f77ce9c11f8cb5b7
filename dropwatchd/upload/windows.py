"""Drops and packets of a run as they are sent: drops of whole minutes, or of the hour where that is all there is."""

import sqlite3
from collections.abc import Mapping

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.model import NANO
from dropwatchd.upload.names import Names, clean
from dropwatchd.upload.slice import Row

MINUTE_NS = 60 * NANO
Used = Mapping[str, set[int]]
Span = tuple[int, int]

# What a host has of a minute, all of it: whatever was sent of it before is part of that.
_MINUTES = f"""
    SELECT window_start_ns - window_start_ns % {MINUTE_NS} AS start, {MINUTE_NS} AS width, location_id, kind_id,
           interface_id, sum(count), CASE WHEN count(bytes) = count(*) THEN sum(bytes) END, min(first_ns), max(last_ns)
    FROM drops WHERE window_start_ns >= :since AND window_start_ns < :until AND run_id = :run
         AND window_width_ns <= {MINUTE_NS}
    GROUP BY start, location_id, kind_id, interface_id"""  # noqa: S608 - numbers of ours

# Hours in which minutes were folded, and all that was dropped in each.
_HOURS = f"""
    WITH folded AS MATERIALIZED (
        SELECT DISTINCT window_start_ns - window_start_ns % {HOUR_NS} AS hour FROM drops
        WHERE window_start_ns >= :since - :since % {HOUR_NS} AND window_start_ns < :until AND run_id = :run
              AND window_width_ns > {MINUTE_NS})
    SELECT hour, {HOUR_NS}, location_id, kind_id, interface_id, sum(count),
           CASE WHEN count(bytes) = count(*) THEN sum(bytes) END, min(first_ns), max(last_ns)
    FROM folded CROSS JOIN drops
    WHERE window_start_ns >= hour AND window_start_ns < hour + {HOUR_NS} AND run_id = :run
    GROUP BY hour, location_id, kind_id, interface_id"""  # noqa: S608 - numbers of ours


def drops(connection: sqlite3.Connection, run_id: int, names: Names, span: Span, used: Used) -> list[Row]:
    """Return the drops of the minutes that a span touches."""
    since_ns, until_ns = max(span[0], 0), span[1]
    bound = {"run": run_id, "since": since_ns - since_ns % MINUTE_NS, "until": until_ns}
    found: dict[Row, Row] = {}
    for query in (_MINUTES, _HOURS):
        for start_ns, width_ns, location, kind, interface, *counted in connection.execute(query, bound):
            _use(used, location, kind, interface)
            key = (names.locations[location].key, names.kinds[kind].key, names.interfaces[interface].key, start_ns,
                   width_ns)
            found[key] = _added(found.get(key), (*counted,))
    return [(*key, *counted) for key, counted in found.items()]


def _added(one: Row | None, other: Row) -> Row:
    """Add up what has one key there: a namespace that got its name has two rows here."""
    if one is None:
        return other
    octets = None if one[1] is None or other[1] is None else one[1] + other[1]
    return one[0] + other[0], octets, min(one[2], other[2]), max(one[3], other[3])


def packets(connection: sqlite3.Connection, run_id: int, names: Names, span: Span, used: Used) -> list[Row]:
    """Return the sampled packets of a span."""
    found = []
    for row in connection.execute("""
            SELECT time_ns, id, location_id, kind_id, interface_id, length, weight, link_header, data, details
            FROM packets WHERE run_id = ? AND time_ns >= ? AND time_ns < ?""", (run_id, *span)):
        time_ns, packet, location, kind, interface, length, weight, link_header, data, details = clean(row)
        _use(used, location, kind, interface)
        found.append((time_ns, packet, names.locations[location].key, names.kinds[kind].key,
                      names.interfaces[interface].key, length, weight, bool(link_header), data, details))
    return found


def _use(used: Used, location: int, kind: int, interface: int) -> None:
    for table, row in (("locations", location), ("kinds", kind), ("interfaces", interface)):
        used[table].add(row)
