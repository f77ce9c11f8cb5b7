"""Keeps the sums of each hour: made soon after it is over, some rows at a time, and anew when rows change."""

# ruff: noqa: S608 - the SQL is put together from texts of this module; values are bound.

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.statements import ADD, ADD_CHANGE, SUM_DELTAS

_ROWS = 100_000  # that one step adds up


class _Summed(NamedTuple):
    """A table, where its rows lie in time, its sums, and what they are of the rows of a span."""

    name: str
    column: str
    sums: str
    select: str
    since: str
    until: str


_DROPS = _Summed("drops", "window_start_ns", "drop_hours", f"""
    run_id, location_id, kind_id, interface_id, sum(count), CASE WHEN count(bytes) = count(*) THEN sum(bytes) END,
    min(first_ns), max(last_ns)
    FROM drops WHERE window_start_ns >= :since AND window_start_ns < :until
    GROUP BY run_id, location_id, kind_id, interface_id {ADD}""", "first_ns", "last_ns")
_CHANGES = _Summed("counter_changes", "until_ns", "counter_hours", f"""
    run_id, counter_id, min(since_ns), max(until_ns), {SUM_DELTAS}
    FROM counter_changes WHERE until_ns >= :since AND until_ns < :until
    GROUP BY run_id, counter_id {ADD_CHANGE}""", "since_ns", "until_ns")
_TABLES = {table.name: table for table in (_DROPS, _CHANGES)}

_TOUCH = """
    INSERT INTO hours (what, hour_ns, since_ns, until_ns, summed_ns) VALUES (?, ?, NULL, NULL, NULL)
    ON CONFLICT DO UPDATE SET since_ns = NULL, until_ns = NULL, summed_ns = NULL WHERE summed_ns NOTNULL"""


def touch(connection: Connection, what: str, rows: Sequence[Sequence[Any]]) -> None:
    """Have the hours of some rows summed anew, which are written or moved; they are in the order of their first column.

    That is the time to which they belong. Mostly all are of one hour.
    """
    ends = {row[0] // HOUR_NS for row in (*rows[:1], *rows[-1:])}
    hours = ends if len(ends) < 2 else {row[0] // HOUR_NS for row in rows}
    if hours:
        connection.exec_driver_sql(_TOUCH, [(what, hour * HOUR_NS) for hour in sorted(hours)])


def remove_before(connection: Connection, what: str, before_ns: int) -> None:
    """Remove the sums of hours that begin before a time, where rows were removed; those left are summed anew."""
    table, kept = _TABLES[what], "what = ? AND hour_ns < ?"
    connection.exec_driver_sql(f"DELETE FROM {table.sums} WHERE hour_ns < ?", (before_ns,))
    connection.exec_driver_sql(f"""
        DELETE FROM hours WHERE {kept} AND NOT EXISTS (
            SELECT 1 FROM {table.name} WHERE {table.column} >= hour_ns AND {table.column} < hour_ns + {HOUR_NS})""",
                               (what, before_ns))
    connection.exec_driver_sql(
        f"UPDATE hours SET since_ns = NULL, until_ns = NULL, summed_ns = NULL WHERE {kept}", (what, before_ns))


def sum_hours(connection: Connection, before_ns: int) -> bool:
    """Sum up some of what has to be, the newest hour that ended before a time first; say whether there was anything."""
    left = _ROWS
    while left > 0:
        found = connection.exec_driver_sql("""
            SELECT what, hour_ns, summed_ns FROM hours WHERE since_ns IS NULL AND hour_ns <= ?
            ORDER BY hour_ns DESC LIMIT 1""", (before_ns - HOUR_NS,)).first()
        if found is None:
            break
        left -= max(1, _sum_some(connection, _TABLES[found[0]], found[1], found[2], left))
    return left < _ROWS


def _sum_some(connection: Connection, table: _Summed, hour_ns: int, summed_ns: int | None, most: int) -> int:
    """Add up to so many rows of an hour, or all of one moment, to its sums; return how many."""
    if summed_ns is None:
        connection.exec_driver_sql(f"DELETE FROM {table.sums} WHERE hour_ns = ?", (hour_ns,))
    since_ns, end_ns = summed_ns or hour_ns, hour_ns + HOUR_NS
    span = f"{table.name} WHERE {table.column} >= ? AND {table.column} < ?"
    last_ns = connection.exec_driver_sql(f"SELECT {table.column} FROM {span} ORDER BY 1 LIMIT 1 OFFSET ?",
                                         (since_ns, end_ns, most)).scalar()
    until_ns = end_ns if last_ns is None else max(last_ns, since_ns + 1)
    rows: int = connection.exec_driver_sql(f"SELECT count(*) FROM {span}", (since_ns, until_ns)).scalar_one()
    connection.exec_driver_sql(f"INSERT INTO {table.sums} SELECT {hour_ns}, {table.select}",
                               {"since": since_ns, "until": until_ns})
    connection.exec_driver_sql("UPDATE hours SET summed_ns = ? WHERE what = ? AND hour_ns = ?",
                               (until_ns, table.name, hour_ns))
    if until_ns == end_ns:
        _complete(connection, table, hour_ns)
    return rows


def _complete(connection: Connection, table: _Summed, hour_ns: int) -> None:
    """Say from when to when the rows of an hour are, whose sums can be read from now on."""
    since_ns, until_ns = connection.exec_driver_sql(
        f"SELECT min({table.since}), max({table.until}) FROM {table.sums} WHERE hour_ns = ?", (hour_ns,)).one()
    if since_ns is None:
        connection.exec_driver_sql("DELETE FROM hours WHERE what = ? AND hour_ns = ?", (table.name, hour_ns))
    else:
        connection.exec_driver_sql("UPDATE hours SET since_ns = ?, until_ns = ? WHERE what = ? AND hour_ns = ?",
                                   (since_ns, until_ns, table.name, hour_ns))
