"""Takes out of the central history what a report asks for, into one of the same kind as each host has."""

import json
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import connect, explained, psycopg, script
from dropwatchd.history.fleet.hosts import Asked, asked_hosts
from dropwatchd.history.fleet.queries import (
    BASE,
    DROP_SUMS,
    FINE_CHANGES,
    FOLDED_DROPS,
    INSERT_DROPS,
    INSERT_SUMS,
    NEEDED,
    RUNS,
    SUMMED_DROPS,
    USED_COUNTERS,
    Queries,
)
from dropwatchd.history.fleet.shards import Missing, Shards, ask
from dropwatchd.history.read.pulled import Pulled
from dropwatchd.history.read.scope import LONGEST_CHANGE_NS, WIDEST_WINDOW_NS, Scope
from dropwatchd.model import NANO, Effect, GapCause

if TYPE_CHECKING:
    from psycopg import Connection

_MARGIN_NS = 300 * NANO  # what a report looks at before its window: see Aligned, and events
_HOUR_NS = 3600 * NANO
_FINE_NS = 26 * _HOUR_NS  # windows up to here are read minute by minute, the midst of longer ones by the hour
_INDEXED = {"watches": "run_id", "runs": "machine_id", "interfaces": "boot_id", "counters": "collector"}
_WITH = {"counter_changes": "counters", "counter_starts": "counters"}  # tables that come with another
_NEAR_NS = 120 * NANO  # to an edge: counters are read every ten seconds, and sent by the minute
_LEAST_STEP_NS = 60 * NANO  # shorter ones are asked for by what looks at single rows besides
_Rows = list[tuple[str, list[tuple[Any, ...]] | None]]  # of each statement, None where it takes none
_FEW = 50  # hosts of which all runs are taken: a boot, or a run, may be asked for


@contextmanager
def opened(url: str) -> Iterator[Pulled]:
    """Give what a Reader takes for a connection; raise FleetError."""
    with connect(url) as connection:
        try:
            shards = ask(connection)
            connection.execute("SET default_transaction_read_only = on")
            connection.execute("SET jit = off")  # compiling takes longer than these queries
            connection.execute("SET work_mem = '64MB'")  # so that sums are made in memory, without sorting rows
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            with ThreadPoolExecutor(1) as ahead:
                puller = _Puller(connection, shards, ahead)
                try:
                    yield puller.connection()
                except BaseException:
                    fault = puller.fault()
                    connection.cancel()
                    if fault:
                        raise fault from None
                    raise
        except psycopg().Error as error:
            raise explained(error) from error


@dataclass(slots=True)
class _Puller:
    """Takes each window once, all from one snapshot."""

    source: "Connection[Any]"
    shards: Shards
    ahead: Executor
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
        made = sqlite3.connect(":memory:", isolation_level=None, factory=_Window)
        made.pull = self.pull
        made.begin(self.source, scope, self.shards, self.ahead)
        self.taken.append(made)
        return made


    def fault(self) -> BaseException | None:
        """Return why what was asked for ahead has failed, after which nothing more can be asked for."""
        return next((fault for window in self.taken for one in window.expected.values()
                     if one.done() and (fault := one.exception())), None)


class _Window(Pulled):
    """A history of one window; a table comes into being, with its rows, when a query names it.

    One that is missed fails, and is not taken for an empty one.
    """

    _source: "Connection[Any]"
    _scope: Scope
    _shards: Shards
    _missing: list[tuple[int, Missing]]  # with the number of a run of their own
    _bound: dict[str, Any]
    _runs: dict[int, int]  # keys, with the number here
    _hosts: dict[int, int]  # those numbers, with the host's key
    _lacking: dict[str, str]  # statements that make the tables which are not here yet
    _is_coarse: bool  # changes of counters are added up between the edges of the window
    _summed: tuple[int, int] | None  # drops in its midst are, with their shape in steps from a time, of a length
    _parts: bool  # it is asked for parts of the window
    _ahead: Executor  # has the server go on beside us: one query at a time, for there is one connection
    expected: "dict[str, Future[_Rows]]"

    def begin(self, source: "Connection[Any]", scope: Scope, shards: Shards, ahead: Executor) -> None:
        """Take the runs and what they watched."""
        self._source, self._scope, self._shards, self._ahead = source, scope, shards, ahead
        self.expected = {}
        self._is_coarse, self._parts, self._summed = False, False, None
        tables = dict(re.findall(r"(?s)CREATE TABLE (\w+) (.*?);", script("local.sql")))
        late = {*NEEDED, *_WITH}
        self._lacking = {table: f"CREATE TABLE {table} {rest}" for table, rest in tables.items() if table in late}
        for table, rest in tables.items():
            if table not in late:
                self._ask(f"CREATE TABLE {table} {rest}")
        asked = asked_hosts(source, scope.host, shards)
        self._bound = _bound(asked, scope)
        with source.cursor(binary=True) as cursor:
            cursor.execute(RUNS, self._bound)
            rows = cursor.fetchall()
        self._runs = {row[0]: place for place, row in enumerate(rows, 1)}  # in the order in which they were recorded
        self._hosts = {place: row[1] for place, row in enumerate(rows, 1)}
        self._bound["runs"] = [*self._runs]
        self.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                         [(place, asked.machines[row[1]], *row[2:]) for place, row in enumerate(rows, 1)])
        self._missing = [*enumerate(asked.missing, len(rows) + 1)]
        self.executemany("INSERT INTO runs VALUES (?, ?, '', ?, '', '', ?, NULL, ?)", [
            (place, host.machine_id, host.hostname, min(host.sent_ns, scope.since_ns), GapCause.NOT_ANSWERED)
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
        if self._summed and "drops" in words and "drop_sums" not in words:
            self.refine(self._runs.values())
            self._summed = None
        return self._ask(sql, parameters)

    def expect(self, table: str) -> None:
        """Ask for a table, and do not wait for it."""
        if table in self._lacking and table not in self.expected:
            self.expected[table] = self._ahead.submit(self._fetched, NEEDED[table], self._bound)

    def sum_drops(self, scope: Scope, start_ns: int, step_ns: int) -> bool:
        """Have drops in the midst of the window added up there, unless they have come in another way."""
        if "drops" in self._lacking and step_ns >= _LEAST_STEP_NS and self._covers(scope):
            self._ask(self._lacking.pop("drops"))
            self._ask(DROP_SUMS)
            self._summed = start_ns, step_ns
            self._take_sums()
            self._take(FOLDED_DROPS)
        return self._summed == (start_ns, step_ns) and self._covers(scope)

    def has_sums(self, scope: Scope) -> bool:
        """Say whether some of the drops of a scope have been added up, and it has all of these."""
        return self._summed is not None and self._covers(scope)

    def refine(self, runs: Collection[int]) -> None:
        """Take the rows of drops of some runs, in the place of what was added up."""
        numbers = json.dumps([*runs])
        for table in ("drops", "drop_sums"):
            self._ask(f"DELETE FROM {table} WHERE run_id IN (SELECT value FROM json_each(?))", (numbers,))  # noqa: S608 - of ours
        whole = len({*runs}) == len(self._runs)
        bound = {} if whole else {"hosts": [*{self._hosts[run] for run in runs}], "every": False}
        self._take(NEEDED["drops"], {key: run for key, run in self._runs.items() if run in {*runs}}, bound)

    def _covers(self, scope: Scope) -> bool:
        return scope.since_ns <= self._scope.since_ns and scope.until_ns >= self._scope.until_ns

    def _take_sums(self) -> None:
        start_ns, step_ns = self._summed or (0, 1)
        with self._source.cursor(binary=True) as cursor:
            cursor.execute(SUMMED_DROPS, {**self._bound, "near": _NEAR_NS, "start": start_ns, "step": step_ns})
            rows = [(self._runs[row[0]], *row[1:]) for row in cursor if row[0] in self._runs]
        self._ask("BEGIN")
        self.executemany(INSERT_SUMS, [row for row in rows if row[4] is None])
        self.executemany(INSERT_DROPS, [row[:-1] for row in rows if row[4] is not None])
        self._ask("COMMIT")

    def _ask(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        return super().execute(sql, parameters)

    def _need(self, name: str) -> None:
        """Make a table, and those that come with it."""
        for table in (name, *(one for one, other in _WITH.items() if other == name)):
            self._ask(self._lacking.pop(table))
        expected = self.expected.pop(name, None)
        self._insert(expected.result() if expected else self._fetched(NEEDED[name], self._bound), self._runs)
        if name == "counters":
            self._is_coarse = True
            self._take_counters()
        elif name == "gaps":
            self._expire()
        self._index()

    def _take(self, queries: Queries, runs: Mapping[int, int] | None = None,
              bound: Mapping[str, Any] | None = None) -> None:
        """Take rows: of some runs alone, and with other values, where these are given."""
        rows = self._fetched(queries, {**self._bound, **(bound or {})})
        self._insert(rows, self._runs if runs is None else runs)

    def _fetched(self, queries: Queries, bound: Mapping[str, Any]) -> "_Rows":
        """Return what queries have found, behind the statements that insert it."""
        found: _Rows = []
        with self._source.cursor(binary=True) as cursor:
            for insert, query in queries.items():
                if query:
                    cursor.execute(self._shards.of_all(query) if "%(" not in query else query, bound)
                found.append((insert, cursor.fetchall() if query else None))
        return found

    def _insert(self, found: "_Rows", runs: Mapping[int, int]) -> None:
        self._ask("BEGIN")
        for insert, rows in found:
            if rows is None:
                self._ask(insert)
            elif "/*run*/" in insert:
                self.executemany(insert.replace("/*run*/", ""),
                                 [(runs[row[0]], *row[1:]) for row in rows if row[0] in runs])
            else:
                self.executemany(insert, rows)
        self._ask("COMMIT")

    def _take_counters(self) -> None:
        """Take the names of the counters that are referred to."""
        used = [row[0] for row in self._ask(
            "SELECT counter_id FROM counter_starts UNION SELECT counter_id FROM counter_changes")]
        with self._source.cursor(binary=True) as cursor:
            cursor.execute(USED_COUNTERS, {**self._bound, "counters": used})
            self.executemany("INSERT OR IGNORE INTO counters VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", cursor.fetchall())

    def _expire(self) -> None:
        """Have the ledger of each host tell where the window begins before all that is kept, and of what is missing."""
        since_ns = self._bound["since"]
        self.executemany("""
            INSERT INTO gaps (run_id, since_ns, until_ns, cause, effect, scope, lost, detail)
            VALUES (?, ?, ?, ?, ?, 'drops', NULL, ?)""", [
                (place, since_ns, self._bound["until"], GapCause.NOT_ANSWERED, Effect.BLIND,
                 f"shard {host.shard}: {host.fault}") for place, host in self._missing])
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


def _bound(asked: Asked, scope: Scope) -> dict[str, Any]:
    """Return what the queries refer to."""
    since_ns, until_ns = scope.since_ns - _MARGIN_NS, scope.until_ns
    is_long = until_ns - since_ns > _FINE_NS
    return {
        "hosts": [] if asked.every else asked.keys, "every": asked.every,
        "since": since_ns, "edge": scope.since_ns, "until": until_ns,
        "windows": since_ns - WIDEST_WINDOW_NS, "changes": until_ns + LONGEST_CHANGE_NS,
        "all_runs": len(asked.keys) <= _FEW,
        "hours": -(-scope.since_ns // _HOUR_NS) * _HOUR_NS if is_long else until_ns,
        "hours_end": until_ns // _HOUR_NS * _HOUR_NS if is_long else until_ns,
    }
