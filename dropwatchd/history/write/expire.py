"""Removes the oldest rows, a bounded number at a time, and before them what claims that there are none."""

# ruff: noqa: S608 - the SQL is put together from texts of this module; values are bound.

from sqlite3 import Connection
from typing import NamedTuple

from dropwatchd.history.statements import EXPIRED_AGAIN, INSERT_GAP, REBASE_GAUGES
from dropwatchd.history.write.connection import scalar
from dropwatchd.history.write.hours import remove_before
from dropwatchd.model import Effect, Gap, GapCause

ROWS = 20_000     # that one step removes; all of one moment go together
_PACKETS = 10_000


class _Table(NamedTuple):
    """A table, by the begin of its rows, which is indexed, their end, and what of them stays."""

    name: str
    begin: str
    end: str
    but: str = ""
    is_summed: bool = False


# What expires together; and the watches that vouch for it. The watch "daemon" stays, for that it ran.
_TABLES = {
    "packets": (_Table("packets", "time_ns", "time_ns"),),
    "drops": (_Table("drops", "window_start_ns", "last_ns", is_summed=True),
              _Table("counter_changes", "until_ns", "until_ns", is_summed=True),
              _Table("gaps", "until_ns", "until_ns", f"AND cause != '{GapCause.EXPIRED}'"),
              _Table("events", "time_ns", "time_ns")),
}
_WATCHED = {"packets": "('packets')", "drops": "('software', 'hardware', 'counters')"}


def expire(connection: Connection, what: str, oldest_ns: int, run: int, why: str = "") -> int:
    """Remove rows before a time, some of them; return how many. All watches that vouched for them end there at once."""
    _shorten(connection, what, oldest_ns, run, why)
    return sum(_delete(connection, table, oldest_ns) for table in _TABLES[what])


def begin_of_counts(connection: Connection) -> int | None:
    """Return when the oldest window or counter change begins."""
    begin: int | None = scalar(connection, """
        SELECT min(first) FROM (SELECT min(window_start_ns) AS first FROM drops
                                UNION ALL SELECT min(until_ns) FROM counter_changes)""")
    return begin


def begin_of_watches(connection: Connection) -> int | None:
    """Return from when on counts are vouched for."""
    begin: int | None = scalar(
        connection, f"SELECT min(since_ns) FROM watches WHERE what IN {_WATCHED['drops']}")
    return begin


def remove_packets(connection: Connection, why: str) -> Gap | None:
    """Remove the oldest packets; return what the ledger has to say of it."""
    first_ns, last_ns = connection.execute("""
        SELECT min(time_ns), max(time_ns) FROM (SELECT time_ns FROM packets ORDER BY time_ns LIMIT ?)""",
                                            (_PACKETS,)).fetchone()
    if first_ns is None:
        return None
    removed = connection.execute("DELETE FROM packets WHERE time_ns <= ?", (last_ns,)).rowcount
    connection.execute("""UPDATE watches SET since_ns = min(?, until_ns)
                          WHERE what = 'packets' AND since_ns <= ?""", (last_ns + 1, last_ns))
    return Gap(first_ns, last_ns, GapCause.STORAGE_FULL, Effect.DETAIL, removed, "packets",
               f"packets removed early: {why}")


def _shorten(connection: Connection, what: str, oldest_ns: int, run: int, why: str) -> None:
    watched = f"what IN {_WATCHED[what]}"
    expired_ns = scalar(
        connection, f"SELECT min(since_ns) FROM watches WHERE {watched} AND since_ns < ?", (oldest_ns,))
    if expired_ns is None:
        return
    connection.execute(f"DELETE FROM watches WHERE {watched} AND until_ns < ?", (oldest_ns,))
    connection.execute(f"UPDATE watches SET since_ns = ? WHERE {watched} AND since_ns < ?",
                       (oldest_ns, oldest_ns))
    if not connection.execute(EXPIRED_AGAIN, (expired_ns, oldest_ns, GapCause.EXPIRED, what, why)).rowcount:
        connection.execute(INSERT_GAP, (run, expired_ns, oldest_ns, GapCause.EXPIRED, Effect.BLIND, what, None, why))


def _delete(connection: Connection, table: _Table, before_ns: int) -> int:
    name, begin, end, but, _is_summed = table
    cut_ns = scalar(connection, f"""
        SELECT {begin} FROM {name} WHERE {begin} < ? {but} ORDER BY {begin} LIMIT 1 OFFSET {ROWS}""", (before_ns,))
    until_ns = before_ns if cut_ns is None else cut_ns + 1
    if name == "counter_changes":
        connection.execute(REBASE_GAUGES, (min(until_ns, before_ns),))
    removed = connection.execute(f"DELETE FROM {name} WHERE {begin} < ? AND {end} < ? {but}",
                                 (until_ns, before_ns)).rowcount
    if table.is_summed and removed:
        remove_before(connection, name, until_ns)
    return removed
