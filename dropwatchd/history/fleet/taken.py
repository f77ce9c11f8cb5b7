"""What a report has taken out of the central history for a window: a history in memory, table by table."""

import json
import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import script
from dropwatchd.history.fleet.doubts import Off, clocks, machines
from dropwatchd.history.fleet.hosts import Asked, asked_hosts
from dropwatchd.history.fleet.queries import (
    BASE,
    DROP_SUMS,
    FINE_CHANGES,
    FINE_DROPS,
    FOLDED_DROPS,
    GENUINE,
    INSERT_DROPS,
    INSERT_SUMS,
    NEEDED,
    RUNS,
    SUMMED_DROPS,
    USED_COUNTERS,
    Queries,
)
from dropwatchd.history.fleet.shards import Missing, Shards
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
_NEAR_NS = 120 * NANO  # to an edge: counters are read every ten seconds, and sent by the minute
_LEAST_STEP_NS = 60 * NANO  # shorter ones are asked for by what looks at single rows besides
_MOST_NS = 1 << 63
_AT_ONCE = 10_000  # rows of a whole history
_Rows = Iterable[tuple[Any, ...]]
_FEW = 50  # hosts of which all runs are taken: a boot, or a run, may be asked for


class Taken(Pulled):
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
    _summed: tuple[int, int] | None  # drops in its midst are, with their shape in steps from a time, of a length
    _parts: bool  # it is asked for parts of the window
    _ahead: Executor | None  # has the server go on beside us: one query at a time, for there is one connection
    expected: "dict[str, Future[Mapping[str, _Rows]]]"

    def begin(self, source: "Connection[Any]", scope: Scope, shards: Shards, ahead: Executor | None) -> None:
        """Take the runs and what they watched."""
        self._source, self._scope, self._shards, self._ahead = source, scope, shards, ahead
        self.expected, self._whole = {}, ahead is None
        self._is_coarse, self._parts, self._summed = False, False, None
        tables = dict(re.findall(r"(?s)CREATE TABLE (\w+) (.*?);", script("local.sql")))
        late = {*NEEDED, *_WITH}
        self._lacking = {table: f"CREATE TABLE {table} {rest}" for table, rest in tables.items() if table in late}
        for table, rest in tables.items():
            if table not in late:
                self._ask(f"CREATE TABLE {table} {rest}")
        asked = asked_hosts(source, scope.host, shards)
        self._bound = _bound(asked, scope, whole=self._whole)
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
        if self._summed and "drops" in words and "drop_sums" not in words:
            self._summed = None
            self._take(FINE_DROPS)
        return self._ask(sql, parameters)

    def expect(self, table: str) -> None:
        """Ask for a table, and do not wait for it."""
        if self._ahead and table in self._lacking and table not in self.expected:
            self.expected[table] = self._ahead.submit(self._fetched, NEEDED[table])

    def sum_drops(self, scope: Scope, start_ns: int, step_ns: int) -> bool:
        """Have drops in the midst of the window added up there, unless they have come in another way."""
        fits = start_ns >= 0 and _LEAST_STEP_NS <= step_ns < _MOST_NS  # or it would not count in 64 bits
        if "drops" in self._lacking and not self._whole and fits and self._covers(scope):
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
        hosts = [*{host for (host, _key), run in self._runs.items() if run in runs}]
        self._take(NEEDED["drops"], None, runs, hosts=hosts, every=False)

    def _covers(self, scope: Scope) -> bool:
        return scope.since_ns <= self._scope.since_ns and scope.until_ns >= self._scope.until_ns

    def _take_sums(self) -> None:
        start_ns, step_ns = self._summed or (0, 1)
        with self._source.cursor(binary=True) as cursor:
            cursor.execute(SUMMED_DROPS, {**self._bound, "near": _NEAR_NS, "start": start_ns, "step": step_ns})
            rows = [(self._runs[row[:2]], *row[2:]) for row in cursor if row[:2] in self._runs]
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
        self._take(NEEDED[name], expected.result() if expected else None)
        if name == "counters":
            self._is_coarse = not self._whole
            self._take_counters()
        elif name == "gaps":
            self._expire()
        self._index()

    def _take(self, queries: Queries, found: Mapping[str, "_Rows"] | None = None, runs: Collection[int] = (),
              **bound: object) -> None:
        """Take rows: perhaps such as have come, of some runs alone, or with other values."""
        wanted = {key: run for key, run in self._runs.items() if run in runs} if runs else self._runs
        self._ask("BEGIN")
        with self._cursor() as cursor:
            for insert, query in queries.items():
                if not query:
                    self._ask(insert)
                    continue
                rows = found[insert] if found else self._asked(cursor, query, **bound)
                if "/*run*/" in insert:  # what a host says of a run that is not its own is nothing
                    rows = ((wanted[row[:2]], *row[2:]) for row in rows if row[:2] in wanted)
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

    def _asked(self, cursor: "Cursor[Any]", query: str, **bound: object) -> "_Rows":
        """Return what a query finds: all of it, or of a whole history some at a time."""
        cursor.execute(self._shards.of_all(query) if "%(" not in query else query, {**self._bound, **bound})
        return cursor if self._whole else cursor.fetchall()

    def _fetched(self, queries: Queries) -> Mapping[str, "_Rows"]:
        """Return what queries find, by the statements that insert it."""
        with self._cursor() as cursor:
            return {insert: self._asked(cursor, query) for insert, query in queries.items()}

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
        "hosts": [] if asked.every else asked.keys, "every": asked.every, "since": since_ns, "until": until_ns,
        "edge": until_ns if whole else scope.since_ns,
        "windows": since_ns - WIDEST_WINDOW_NS, "changes": until_ns + LONGEST_CHANGE_NS,
        "all_runs": len(asked.keys) <= _FEW,
        "hours": -(-scope.since_ns // _HOUR_NS) * _HOUR_NS if is_long else until_ns,
        "hours_end": until_ns // _HOUR_NS * _HOUR_NS if is_long else until_ns,
    }
