"""Keeps the sums of hours and days: made soon after they are over, some rows at a time, and anew when rows change."""

# ruff: noqa: S608 - the SQL is put together from texts of this module; values are bound.

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from dropwatchd.history.calendar import DAY_NS, HOUR_NS
from dropwatchd.history.statements import ADD, ADD_CHANGE, SUM_DELTAS
from dropwatchd.history.write.connection import scalar

_ROWS = 100_000  # that one step adds up


class _Layer(NamedTuple):
    """Spans of one width, the table that lists them, and the column that tells when one begins."""

    list: str
    begin: str
    width_ns: int


class _Summed(NamedTuple):
    """A table, where its rows lie in time, its sums, and what they are of the rows of a span."""

    layer: _Layer
    what: str  # as the list calls it
    name: str
    column: str
    sums: str
    select: str
    since: str
    until: str


_HOURS, _DAYS = _Layer("hours", "hour_ns", HOUR_NS), _Layer("days", "day_ns", DAY_NS)
_COLUMNS = {"drops": "window_start_ns", "counter_changes": "until_ns"}


def _drops(layer: _Layer, name: str, column: str, sums: str) -> _Summed:
    return _Summed(layer, "drops", name, column, sums, f"""
        run_id, location_id, kind_id, interface_id, sum(count), CASE WHEN count(bytes) = count(*) THEN sum(bytes) END,
        min(first_ns), max(last_ns)
        FROM {name} WHERE {column} >= :since AND {column} < :until
        GROUP BY run_id, location_id, kind_id, interface_id {ADD}""", "first_ns", "last_ns")


def _changes(layer: _Layer, name: str, column: str, sums: str) -> _Summed:
    return _Summed(layer, "counter_changes", name, column, sums, f"""
        run_id, counter_id, min(since_ns), max(until_ns), {SUM_DELTAS}
        FROM {name} WHERE {column} >= :since AND {column} < :until
        GROUP BY run_id, counter_id {ADD_CHANGE}""", "since_ns", "until_ns")


# A day is summed from its hours: these have theirs when its turn comes.
_TABLES = {(table.layer, table.what): table for table in (
    _drops(_HOURS, "drops", _COLUMNS["drops"], "drop_hours"),
    _changes(_HOURS, "counter_changes", _COLUMNS["counter_changes"], "counter_hours"),
    _drops(_DAYS, "drop_hours", "hour_ns", "drop_days"),
    _changes(_DAYS, "counter_hours", "hour_ns", "counter_days"))}


def touch(connection: Connection, what: str, rows: Sequence[Sequence[Any]]) -> None:
    """Have the hours and days of some rows summed anew, which are written or moved; the rows are in the order of time.

    That is their first column, by which they belong to an hour. Mostly all are of one.
    """
    for layer in (_HOURS, _DAYS) if rows else ():
        ends = {row[0] // layer.width_ns for row in (rows[0], rows[-1])}
        spans = ends if len(ends) < 2 else {row[0] // layer.width_ns for row in rows}
        connection.executemany(f"""
            INSERT INTO {layer.list} (what, {layer.begin}) VALUES (?, ?)
            ON CONFLICT DO UPDATE SET since_ns = NULL, until_ns = NULL, summed_ns = NULL WHERE summed_ns NOTNULL""",
                               [(what, span * layer.width_ns) for span in sorted(spans)])


def remove_before(connection: Connection, what: str, before_ns: int) -> None:
    """Remove the sums of hours and days that begin before a time, where rows were removed; those left are made anew."""
    column = _COLUMNS[what]
    for layer in (_HOURS, _DAYS):
        kept = f"what = ? AND {layer.begin} < ?"
        connection.execute(f"DELETE FROM {_TABLES[layer, what].sums} WHERE {layer.begin} < ?", (before_ns,))
        connection.execute(f"""
            DELETE FROM {layer.list} WHERE {kept} AND NOT EXISTS (
                SELECT 1 FROM {what}
                WHERE {column} >= {layer.begin} AND {column} < {layer.begin} + {layer.width_ns})""", (what, before_ns))
        connection.execute(
            f"UPDATE {layer.list} SET since_ns = NULL, until_ns = NULL, summed_ns = NULL WHERE {kept}",
            (what, before_ns))


def sum_hours(connection: Connection, before_ns: int) -> bool:
    """Sum up some of what has to be, the newest hour that ended before a time first; say whether there was anything.

    Days come when no hour is left.
    """
    left = _ROWS
    while left > 0:
        found = _next(connection, _HOURS, before_ns) or _next(connection, _DAYS, before_ns)
        if found is None:
            break
        left -= max(1, _sum_some(connection, *found, left))
    return left < _ROWS


def _next(connection: Connection, layer: _Layer, before_ns: int) -> tuple[_Summed, int, int | None] | None:
    """Return the newest span of a layer that lacks its sums, and up to where its rows are added up."""
    found = connection.execute(f"""
        SELECT what, {layer.begin}, summed_ns FROM {layer.list} WHERE since_ns IS NULL AND {layer.begin} <= ?
        ORDER BY {layer.begin} DESC LIMIT 1""", (before_ns - layer.width_ns,)).fetchone()
    return None if found is None else (_TABLES[layer, found[0]], found[1], found[2])


def _sum_some(connection: Connection, table: _Summed, begin_ns: int, summed_ns: int | None, most: int) -> int:
    """Add up to so many rows of a span, or all of one moment, to its sums; return how many."""
    layer = table.layer
    if summed_ns is None:
        connection.execute(f"DELETE FROM {table.sums} WHERE {layer.begin} = ?", (begin_ns,))
    since_ns, end_ns = summed_ns or begin_ns, begin_ns + layer.width_ns
    span = f"{table.name} WHERE {table.column} >= ? AND {table.column} < ?"
    last_ns = scalar(connection, f"SELECT {table.column} FROM {span} ORDER BY 1 LIMIT 1 OFFSET ?",
                     (since_ns, end_ns, most))
    until_ns = end_ns if last_ns is None else max(last_ns, since_ns + 1)
    rows: int = scalar(connection, f"SELECT count(*) FROM {span}", (since_ns, until_ns))
    connection.execute(f"INSERT INTO {table.sums} SELECT {begin_ns}, {table.select}",
                       {"since": since_ns, "until": until_ns})
    connection.execute(f"UPDATE {layer.list} SET summed_ns = ? WHERE what = ? AND {layer.begin} = ?",
                       (until_ns, table.what, begin_ns))
    if until_ns == end_ns:
        _complete(connection, table, begin_ns)
    return rows


def _complete(connection: Connection, table: _Summed, begin_ns: int) -> None:
    """Say from when to when the rows of a span are, whose sums can be read from now on."""
    begin, listed = table.layer.begin, f"what = ? AND {table.layer.begin} = ?"
    since_ns, until_ns = connection.execute(
        f"SELECT min({table.since}), max({table.until}) FROM {table.sums} WHERE {begin} = ?", (begin_ns,)).fetchone()
    if since_ns is None:
        connection.execute(f"DELETE FROM {table.layer.list} WHERE {listed}", (table.what, begin_ns))
    else:
        connection.execute(f"UPDATE {table.layer.list} SET since_ns = ?, until_ns = ? WHERE {listed}",
                           (since_ns, until_ns, table.what, begin_ns))
