"""Takes out of the central history what a report asks for, into one of the same kind as each host has."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import connect, explained, psycopg, script
from dropwatchd.history.fleet.hosts import Asked, asked_hosts
from dropwatchd.history.fleet.queries import QUERIES, RUNS, USED_COUNTERS
from dropwatchd.history.pulled import Pulled
from dropwatchd.history.scope import LONGEST_CHANGE_NS, WIDEST_WINDOW_NS, Scope
from dropwatchd.model import NANO, Effect, GapCause

if TYPE_CHECKING:
    from psycopg import Connection

_MARGIN_NS = 300 * NANO  # what a report looks at before its window: see Aligned, and events
_HOUR_NS = 3600 * NANO
_FINE_NS = 26 * _HOUR_NS  # windows up to here are read minute by minute, the midst of longer ones by the hour
_INDEXED = {"watches": "run_id", "runs": "machine_id", "interfaces": "boot_id", "counters": "collector"}
_FEW = 50  # hosts of which all runs are taken: a boot, or a run, may be asked for


@contextmanager
def opened(url: str) -> Iterator[sqlite3.Connection]:
    """Give what a Reader takes for a connection; raise FleetError."""
    with connect(url) as connection:
        try:
            connection.execute("SET default_transaction_read_only = on")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            puller = _Puller(connection)
            yield puller.connection()
        except psycopg().Error as error:
            raise explained(error) from error


@dataclass(slots=True)
class _Puller:
    """Takes each window once, all from one snapshot."""

    source: "Connection[Any]"
    taken: list[tuple[int, int, str | None, sqlite3.Connection]] = field(default_factory=list)

    def connection(self) -> Pulled:
        made = sqlite3.connect(":memory:", isolation_level=None, factory=Pulled)
        made.pull = self.pull
        return made

    def pull(self, scope: Scope) -> sqlite3.Connection:
        for since_ns, until_ns, host, connection in self.taken:
            if host == scope.host and since_ns <= scope.since_ns and scope.until_ns <= until_ns:
                return connection
        made = self.connection()
        made.executescript(f"{script('local.sql')}; BEGIN")
        _fill(made, self.source, scope)
        for table, column in _INDEXED.items():
            made.execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")
        made.execute("COMMIT")
        self.taken.append((scope.since_ns - _MARGIN_NS // 2, scope.until_ns, scope.host, made))
        return made


def _fill(made: sqlite3.Connection, source: "Connection[Any]", scope: Scope) -> None:
    """Put all of a scope that is there into an empty history."""
    asked = asked_hosts(source, scope.host)
    since_ns, until_ns = scope.since_ns - _MARGIN_NS, scope.until_ns
    is_long = until_ns - since_ns > _FINE_NS
    bound = {
        "hosts": asked.keys, "every": asked.every, "since": since_ns, "until": until_ns,
        "windows": since_ns - WIDEST_WINDOW_NS, "changes": until_ns + LONGEST_CHANGE_NS,
        "all_runs": len(asked.keys) <= _FEW,
        "hours": -(-scope.since_ns // _HOUR_NS) * _HOUR_NS if is_long else until_ns,
        "hours_end": until_ns // _HOUR_NS * _HOUR_NS if is_long else until_ns,
    }
    with source.cursor(binary=True) as cursor:
        runs = _runs(made, cursor, asked, bound)
        bound["runs"] = list(runs)
        for insert, query in QUERIES.items():
            cursor.execute(query, bound)
            rows = cursor.fetchall()
            if ":run" in insert or "/*run*/" in insert:
                rows = [(runs[row[0]], *row[1:]) for row in rows if row[0] in runs]
            made.executemany(insert.replace("/*run*/", ""), rows)
        used = [row[0] for row in made.execute(
            "SELECT counter_id FROM counter_starts UNION SELECT counter_id FROM counter_changes")]
        cursor.execute(USED_COUNTERS, {**bound, "counters": used})
        made.executemany("INSERT OR IGNORE INTO counters VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", cursor.fetchall())
    _expire(made, source, since_ns)


def _runs(made: sqlite3.Connection, cursor: Any, asked: Asked, bound: dict[str, Any]) -> dict[int, int]:
    """Take the runs, and return their numbers here, in the order in which they were recorded."""
    cursor.execute(RUNS, bound)
    rows = cursor.fetchall()
    made.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     [(place, asked.machines[row[1]], *row[2:]) for place, row in enumerate(rows, 1)])
    return {row[0]: place for place, row in enumerate(rows, 1)}


def _expire(made: sqlite3.Connection, source: "Connection[Any]", since_ns: int) -> None:
    """Have the ledger of each host tell where the window begins before all that is kept."""
    [(until_ns,)] = source.execute("SELECT max(until_ns) FROM dropwatch.expired").fetchall()
    if until_ns > since_ns:
        made.execute("""
            INSERT INTO gaps (run_id, since_ns, until_ns, cause, effect, scope, lost, detail)
            SELECT max(id), ?, ?, ?, ?, 'drops', NULL, '' FROM runs GROUP BY machine_id""",
                     (since_ns, until_ns, GapCause.EXPIRED, Effect.BLIND))
