"""Damage inside a history: what SQLite and the schema can tell of it, for whoever writes, reads or verifies one."""

# Tables are looked at in the file itself (main): readers of older revisions hide some behind temporary ones.
# ruff: noqa: S608 - names of tables and columns come from the schema, and are quoted.

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Timer

from dropwatchd.history.calendar import DAY_NS, HOUR_NS
from dropwatchd.history.errors import is_damage
from dropwatchd.history.statements import SUM_DELTAS

_BIG = ("packets", "drops", "counter_changes", "drop_hours", "counter_hours",
        "drop_days", "counter_days")  # looked at last, where time is short
_AFTER_CRASH_S = 5.0

# What a column holds, by the type it was declared with; whether it may be NULL the schema says as well.
_HELD = {"INTEGER": "integer", "BIGINT": "integer", "BOOLEAN": "integer", "TEXT": "text", "BLOB": "blob"}

# What no row says that was written as it should be. A clock that is set turns times round: nothing is said of them.
_NEVER = {
    "drops": "count < 1 OR bytes < 0 OR window_width_ns < 1",
    "drop_hours": "count < 1 OR bytes < 0",
    "drop_days": "count < 1 OR bytes < 0",
    "packets": "length < 0 OR weight < 1 OR link_header NOT IN (0, 1)",
    "counters": "gauge NOT IN (0, 1) OR CASE WHEN json_valid(labels) THEN json_type(labels) != 'object' ELSE 1 END",
    "watches": "CASE WHEN json_valid(limits) THEN json_type(limits) != 'array' ELSE 1 END",
    "locations": "address NOT GLOB '0x?*' OR substr(address, 3) GLOB '*[^0-9a-f]*'",
    "gaps": "lost < 0 OR effect NOT IN ('blind', 'partial', 'detail')",
    "totals": "count < 1 OR folded NOT IN (0, 1, 2)",
    "collector_runs": "failures < 0 OR rounds < failures",
}


def after_crash(connection: sqlite3.Connection, seconds: float = _AFTER_CRASH_S) -> str | None:
    """Return the damage found where the last run has no end, as far as the time allows; None after a proper end."""
    if connection.execute("SELECT EXISTS (SELECT 1 FROM runs WHERE ended_ns IS NULL)").fetchone() == (0,):
        return None
    return quick_check(connection, seconds)


def quick_check(connection: sqlite3.Connection, seconds: float) -> str | None:
    """Return what is wrong with the pages of one table after the other, big ones last; of the rest nothing is said.

    Every page of a table is read, and its rows as far as NOT NULL, CHECK and STRICT tell what they hold. What indexes
    hold is not compared with the rows (https://www.sqlite.org/pragma.html#pragma_quick_check).
    """
    end = time.monotonic() + seconds
    for table in sorted(_tables(connection), key=lambda name: name in _BIG):
        with _time_limit(connection, end - time.monotonic()) as over:
            fault = next(pages(connection, f"quick_check({_quoted(table)})"), None)
        if over.is_set():
            return None
        if fault:
            return f"table {table}: {fault}"
    return None


def found(connection: sqlite3.Connection, seconds: float) -> str | None:
    """Return the first fault of all that can be told within the time; None where none was."""
    with _time_limit(connection, seconds):
        for faults in (pages(connection, "quick_check"), values(connection), references(connection), sums(connection)):
            if fault := next(faults, None):
                return fault
    return None


def at_a_glance(connection: sqlite3.Connection, seconds: float) -> str | None:
    """Return the first fault in the tables that are never big, as far as the time allows: names, runs, the ledger."""
    with _time_limit(connection, seconds):
        for table in _tables(connection):
            if table in _BIG:
                continue
            for faults in (pages(connection, f"quick_check({_quoted(table)})"), _wrong_values(connection, table)):
                if fault := next(faults, None):
                    return f"table {table}: {fault}"
    return None


def pages(connection: sqlite3.Connection, pragma: str = "integrity_check") -> Iterator[str]:
    """Yield what SQLite finds wrong with the pages, or what keeps it from looking further."""
    try:
        for (text,) in connection.execute(f"PRAGMA main.{pragma}"):
            if text != "ok":
                yield " ".join(str(text).split())
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error):
            raise
        yield str(error)


def values(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield which columns hold what they never do."""
    for table in _tables(connection):
        yield from (f"table {table}: {fault}" for fault in _wrong_values(connection, table))


def references(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield which tables refer to rows that are not there."""
    for table in _tables(connection):
        missing: dict[str, int] = {}
        for _, _, parent, _ in connection.execute(f"PRAGMA main.foreign_key_check({_quoted(table)})"):
            missing[parent] = missing.get(parent, 0) + 1
        for parent, count in missing.items():
            yield f"table {table}: {count} rows refer to {parent} that are not there"


def sums(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield how many hours are not the sum of their rows, and how many days not of their hours."""
    for span, width_ns, sources in (
            ("hour", HOUR_NS, (("drops", "window_start_ns"), ("counter_changes", "until_ns"))),
            ("day", DAY_NS, (("drop_hours", "hour_ns"), ("counter_hours", "hour_ns")))):
        for what, (table, column), summed, total in zip(
                ("drops", "counter_changes"), sources, (f"drop_{span}s", f"counter_{span}s"),
                ("sum(count)", SUM_DELTAS), strict=True):
            (wrong,) = connection.execute(f"""
                SELECT count(*) FROM {span}s h WHERE what = '{what}' AND since_ns NOTNULL
                AND (SELECT {total} FROM {summed} WHERE {span}_ns = h.{span}_ns) IS NOT (
                    SELECT {total} FROM {table} WHERE {column} >= h.{span}_ns AND {column} < h.{span}_ns + {width_ns})
            """).fetchone()
            if wrong:
                yield f"table {summed}: {wrong} {span}s are not the sum of their rows in {table}"


def _wrong_values(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    wrong = list(_wrong_types(connection, table))
    yield from wrong
    if table in _NEVER and not wrong:
        (count,) = connection.execute(f"SELECT count(*) FROM main.{_quoted(table)} WHERE {_NEVER[table]}").fetchone()
        if count:
            yield f"{count} rows where {_NEVER[table]}"


def _wrong_types(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    columns = [(name, _HELD[declared], not_null) for _, name, declared, not_null, _, _ in
               connection.execute(f"PRAGMA main.table_info({_quoted(table)})") if declared in _HELD]
    if not columns:
        return
    sums = ", ".join(f"""total(typeof({_quoted(name)}) NOT IN ('{held}'{"" if not_null else ", 'null'"}))"""
                     for name, held, not_null in columns)
    for (name, held, _), count in zip(
            columns, connection.execute(f"SELECT {sums} FROM main.{_quoted(table)}").fetchone(), strict=True):
        if count:
            yield f"{name} is not {held} in {count:.0f} rows"


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _time_limit(connection: sqlite3.Connection, seconds: float) -> Iterator[Event]:
    """Interrupt what the connection does when the time is over; the event says whether it was."""
    over = Event()

    def interrupt() -> None:
        over.set()
        connection.interrupt()

    timer = Timer(max(0.0, seconds), interrupt)
    timer.start()
    try:
        yield over
    except sqlite3.OperationalError:
        if not over.is_set():
            raise
    finally:
        timer.cancel()
        timer.join()  # it must not interrupt what comes next
