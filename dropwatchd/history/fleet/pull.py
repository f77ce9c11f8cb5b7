"""Takes out of the central history what a report asks for, into one of the same kind as each host has."""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import connect, explained, psycopg, script
from dropwatchd.history.fleet.doubts import Off, clocks, machines
from dropwatchd.history.fleet.hosts import Asked, asked_hosts
from dropwatchd.history.fleet.queries import BASE, FINE_CHANGES, GENUINE, NEEDED, RUNS, USED_COUNTERS, Queries
from dropwatchd.history.fleet.shards import Missing, Shards, ask
from dropwatchd.history.read.pulled import Pulled
from dropwatchd.history.read.scope import LONGEST_CHANGE_NS, WIDEST_WINDOW_NS, Scope
from dropwatchd.model import NANO, Effect, GapCause

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

_MARGIN_NS = 300 * NANO  # what a report looks at before its window: see Aligned, and events
_HOUR_NS = 3600 * NANO
_FINE_NS = 26 * _HOUR_NS  # windows up to here are read minute by minute, the midst of longer ones by the hour
_INDEXED = {"watches": "run_id", "runs": "machine_id", "interfaces": "boot_id", "counters": "collector"}
_WITH = {"counter_changes": "counters", "counter_starts": "counters"}  # tables that come with another
_AT_ONCE = 10_000  # rows of a whole history
_FEW = 50  # hosts of which all runs are taken: a boot, or a run, may be asked for


@contextmanager
def opened(url: str, *, whole: bool = False) -> Iterator[Pulled]:
    """Give what a Reader takes for a connection; raise FleetError.

    With `whole` nothing is added up, whatever the window is, and it is taken into a temporary file: it may be much.
    """
    with connect(url) as connection:
        try:
            shards = ask(connection)
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")  # a pool's session stays as it was
            connection.execute("SET LOCAL jit = off")  # compiling takes longer than these queries
            connection.execute("SET LOCAL work_mem = '64MB'")  # so that sums are made in memory, without sorting rows
            connection.execute("SET LOCAL cursor_tuple_fraction = 1")  # all that they find is taken
            yield _Puller(connection, shards, whole).connection()
        except psycopg().Error as error:
            raise explained(error) from error


@dataclass(slots=True)
class _Puller:
    """Takes each window once, all from one snapshot."""

    source: "Connection[Any]"
    shards: Shards
    whole: bool
    taken: list["_Window"] = field(default_factory=list)

    def connection(self) -> Pulled:
        made = sqlite3.connect(":memory:", isolation_level=None, factory=Pulled)
        made.pull = self.pull
        made.told = self.shards.told
        return made

    def pull(self, scope: Scope) -> sqlite3.Connection:
        for window in self.taken:
            if window.has(scope):
                return window
        made = sqlite3.connect("" if self.whole else ":memory:", isolation_level=None, factory=_Window)
        made.pull = self.pull
        made.begin(self.source, scope, self.shards, whole=self.whole)
        self.taken.append(made)
        return made


class _Window(Pulled):
    """A history of one window; a table comes into being, with its rows, when a query names it.

    One that is missed fails, and is not taken for an empty one.
    """

    _source: "Connection[Any]"
    _scope: Scope
    _shards: Shards
    _missing: list[tuple[int, Missing]]  # with the number of a run of their own
    _off: dict[int, Off]
    _bound: dict[str, Any]
    _runs: dict[tuple[int, int], int]  # the number of a run here, by its host's key and its own
    _lacking: dict[str, str]  # statements that make the tables which are not here yet
    _is_coarse: bool  # changes of counters are added up between the edges of the window
    _whole: bool  # each row is taken by itself, some at a time
    _parts: bool  # it is asked for parts of the window

    def begin(self, source: "Connection[Any]", scope: Scope, shards: Shards, *, whole: bool) -> None:
        """Take the runs and what they watched."""
        self._source, self._scope, self._shards, self._whole = source, scope, shards, whole
        self._is_coarse = self._parts = False
        tables = dict(re.findall(r"(?s)CREATE TABLE (\w+) (.*?);", script("local.sql")))
        late = {*NEEDED, *_WITH}
        self._lacking = {table: f"CREATE TABLE {table} {rest}" for table, rest in tables.items() if table in late}
        for table, rest in tables.items():
            if table not in late:
                self._ask(f"CREATE TABLE {table} {rest}")
        asked = asked_hosts(source, scope.host, shards)
        self._bound = _bound(asked, scope, whole=whole)
        with source.cursor(binary=True) as cursor:
            cursor.execute(RUNS, self._bound)
            rows = [row for row in cursor.fetchall() if row[1] in asked.machines]  # of hosts that were not removed
        self._runs = {(row[1], row[0]): place for place, row in enumerate(rows, 1)}  # in the order of recording
        self._bound["runs"] = [row[0] for row in rows]
        self.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                         [(place, asked.machines[row[1]], *row[2:-1]) for place, row in enumerate(rows, 1)])
        self.places = {number: row[-1] for number, row in enumerate(rows, 1)}
        newest = {row[1]: (place, row[6]) for place, row in enumerate(rows, 1)}
        self._off = {newest[host][0]: Off(asked.machines[host], newest[host][1], ahead_ns)
                     for host, ahead_ns in asked.ahead.items() if host in newest}
        self._missing = [*enumerate(asked.missing, len(rows) + 1)]
        self.executemany("INSERT INTO runs VALUES (?, ?, '', ?, '', '', ?, NULL, ?)", [
            (place, host.machine_id, host.hostname, min(host.sent_ns, scope.until_ns - 1), GapCause.NOT_ANSWERED)
            for place, host in self._missing])
        self._take(BASE)
        self._index()

    def has(self, scope: Scope) -> bool:
        """Say whether all of a scope is here; of a part of the window, changes are then needed one by one."""
        own = self._scope
        is_here = (own.host == scope.host and own.since_ns - _MARGIN_NS // 2 <= scope.since_ns
                   and scope.until_ns <= own.until_ns)
        self._parts |= is_here and (scope.since_ns > own.since_ns or scope.until_ns < own.until_ns)
        return is_here

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Ask, when the tables that are named are here."""
        words = {*re.findall(r"\w+", sql)}
        for table in words & {*NEEDED, *_WITH}:
            if table in self._lacking:
                self._need(_WITH.get(table, table))
        if self._parts and self._is_coarse and "counter_changes" in words:
            self._is_coarse = False
            self._take(FINE_CHANGES)
        return self._ask(sql, parameters)

    def _ask(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        return super().execute(sql, parameters)

    def _need(self, name: str) -> None:
        """Make a table, and those that come with it."""
        for table in (name, *(one for one, other in _WITH.items() if other == name)):
            self._ask(self._lacking.pop(table))
        self._take(NEEDED[name])
        if name == "counters":
            self._is_coarse = not self._whole
            self._take_counters()
        elif name == "gaps":
            self._expire()
        self._index()

    def _take(self, queries: Queries) -> None:
        self._ask("BEGIN")
        with self._cursor() as cursor:
            for insert, query in queries.items():
                if not query:
                    self._ask(insert)
                    continue
                cursor.execute(self._shards.of_all(query) if "%(" not in query else query, self._bound)
                rows: Iterable[tuple[Any, ...]] = cursor if self._whole else cursor.fetchall()
                if "/*run*/" in insert:  # what a host says of a run that is not its own is nothing
                    rows = ((self._runs[row[:2]], *row[2:]) for row in rows if row[:2] in self._runs)
                try:
                    self.executemany(insert.replace("/*run*/", ""), rows)
                except sqlite3.IntegrityError:
                    [table] = re.findall("INSERT INTO ([a-z]+) ", insert)
                    if table not in GENUINE:
                        raise
                    cursor.execute(f"{query} AND {GENUINE[table]}".encode(), self._bound)
                    self._ask(f"DELETE FROM {table}")  # noqa: S608
                    self.executemany(insert, cursor.fetchall())
        self._ask("COMMIT")

    def _cursor(self) -> "Cursor[Any]":
        """Return what asks for all rows at once, or of a whole history for some at a time."""
        if not self._whole:
            return self._source.cursor(binary=True)
        cursor = self._source.cursor("taken", binary=True)
        cursor.itersize = _AT_ONCE
        return cursor

    def _take_counters(self) -> None:
        """Take the names of the counters that are referred to."""
        used = [row[0] for row in self._ask(
            "SELECT counter_id FROM counter_starts UNION SELECT counter_id FROM counter_changes")]
        self._bound["counters"] = used
        self._take(USED_COUNTERS)

    def _expire(self) -> None:
        """Have the ledger of each host tell where the window begins before all that is kept, and of what is missing."""
        since_ns = self._scope.since_ns
        self.executemany("""
            INSERT INTO gaps (run_id, since_ns, until_ns, cause, effect, scope, lost, detail)
            VALUES (?, ?, ?, ?, ?, 'drops', NULL, ?)""", [
                (place, since_ns, self._bound["until"], GapCause.NOT_ANSWERED, Effect.BLIND,
                 f"shard {host.shard}: {host.fault}") for place, host in self._missing])
        self.executemany("""
            INSERT INTO gaps (run_id, since_ns, until_ns, cause, effect, scope, lost, detail)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)""", [
                *clocks(self, self._off, since_ns, self._bound["until"]), *machines(self)])
        query = self._shards.of_all("SELECT coalesce(max(until_ns), 0) FROM dropwatch.expired")
        [(until_ns,)] = self._source.execute(query.encode()).fetchall()
        if until_ns > since_ns:
            self._ask("""
                INSERT INTO gaps (run_id, since_ns, until_ns, cause, effect, scope, lost, detail)
                SELECT max(id), ?, ?, ?, ?, 'drops', NULL, '' FROM runs GROUP BY machine_id""",
                      (since_ns, until_ns, GapCause.EXPIRED, Effect.BLIND))

    def _index(self) -> None:
        for table, column in _INDEXED.items():
            if table not in self._lacking:
                self._ask(f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column})")


def _bound(asked: Asked, scope: Scope, *, whole: bool) -> dict[str, Any]:
    """Return what the queries refer to; of a whole history nothing lies where they add up."""
    since_ns, until_ns = scope.since_ns - _MARGIN_NS, scope.until_ns
    is_long = until_ns - since_ns > _FINE_NS and not whole
    return {
        "hosts": asked.keys, "every": asked.every, "since": since_ns, "until": until_ns,
        "edge": until_ns if whole else scope.since_ns,
        "windows": since_ns - WIDEST_WINDOW_NS, "changes": until_ns + LONGEST_CHANGE_NS,
        "all_runs": len(asked.keys) <= _FEW,
        "hours": -(-scope.since_ns // _HOUR_NS) * _HOUR_NS if is_long else until_ns,
        "hours_end": until_ns // _HOUR_NS * _HOUR_NS if is_long else until_ns,
    }
