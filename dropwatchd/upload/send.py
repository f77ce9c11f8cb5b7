"""Writes slices into the central history: one transaction each, which counts itself, so that none is done twice."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dropwatchd.history.fleet.keys import key
from dropwatchd.model import NANO
from dropwatchd.upload.reconcile import There
from dropwatchd.upload.slice import Marks, Part, Row, Sent, Slice

if TYPE_CHECKING:
    from psycopg import Connection


class OvertakenError(Exception):
    """Somebody else has sent of the same host meanwhile: what is there has to be looked at anew."""


class _Table(NamedTuple):
    """Columns with their types, behind host and run where rows have these, and what to do where a row is there."""

    columns: str
    conflict: str
    scope: str = "host run"


_NOTHING = "DO NOTHING"
_WHERE_LATER = """
    UPDATE SET until_ns = excluded.until_ns, until_boot_ns = excluded.until_boot_ns, ending = excluded.ending
    WHERE excluded.until_ns >= t.until_ns"""
_TABLES = {
    "locations": _Table('location bigint, symbol text, "offset" bigint, module text, address text', _NOTHING, ""),
    "kinds": _Table("kind bigint, reason text, protocol int, origin text, trap text, trap_group text", _NOTHING, ""),
    "namespaces": _Table(
        "namespace bigint, entity bigint, boot_id text, cookie bigint, inode bigint, name text, kind text,"
        "valid_from_ns bigint, valid_until_ns bigint",
        """(host, namespace) DO UPDATE SET name = coalesce(excluded.name, t.name),
           kind = coalesce(excluded.kind, t.kind), valid_from_ns = least(t.valid_from_ns, excluded.valid_from_ns),
           valid_until_ns = greatest(t.valid_until_ns, excluded.valid_until_ns)""", "host"),
    "interfaces": _Table(
        "interface bigint, boot_id text, namespace bigint, ifindex bigint, name text, kind text, driver text,"
        "peer text, valid_from_ns bigint, valid_until_ns bigint",
        """(host, interface) DO UPDATE SET kind = coalesce(excluded.kind, t.kind),
           driver = CASE WHEN excluded.kind IS NULL THEN t.driver ELSE excluded.driver END,
           peer = CASE WHEN excluded.kind IS NULL THEN t.peer ELSE excluded.peer END,
           valid_from_ns = least(t.valid_from_ns, excluded.valid_from_ns),
           valid_until_ns = greatest(t.valid_until_ns, excluded.valid_until_ns)""", "host"),
    "counters": _Table("counter bigint, collector text, name text, namespace bigint, ifindex bigint, interface text,"
                       "labels text, gauge boolean", _NOTHING, "host"),
    "counter_starts": _Table("counter bigint, time_ns bigint, value bigint", _NOTHING),
    "drops": _Table(
        "location bigint, kind bigint, interface bigint, window_start_ns bigint, window_width_ns bigint, count bigint,"
        "bytes bigint, first_ns bigint, last_ns bigint",
        """(host, run, window_start_ns, window_width_ns, location, kind, interface) DO UPDATE
           SET count = excluded.count, bytes = excluded.bytes, first_ns = least(t.first_ns, excluded.first_ns),
               last_ns = greatest(t.last_ns, excluded.last_ns) WHERE excluded.count > t.count"""),
    "packets": _Table("time_ns bigint, packet bigint, location bigint, kind bigint, interface bigint, length bigint,"
                      "weight bigint, link_header boolean, data bytea, details text", _NOTHING),
    "counter_changes": _Table(
        "counter bigint, until_ns bigint, since_ns bigint, delta bigint",
        """(host, run, counter, until_ns) DO UPDATE SET since_ns = least(t.since_ns, excluded.since_ns),
           delta = t.delta + excluded.delta"""),
    "watches": _Table(
        "watch bigint, part int, place bigint, what text, name text, namespace bigint, since_ns bigint,"
        "until_ns bigint, since_boot_ns bigint, until_boot_ns bigint, limits text, ending text",
        f"(host, run, watch, part) DO {_WHERE_LATER.strip()}"),
    "gaps": _Table(
        "gap bigint, since_ns bigint, until_ns bigint, cause text, effect text, scope text, lost bigint, detail text",
        """(host, run, gap, since_ns) DO UPDATE SET until_ns = greatest(t.until_ns, excluded.until_ns),
           lost = greatest(t.lost, excluded.lost)"""),
    "events": _Table("event bigint, time_ns bigint, kind text, subject text, detail text, namespace bigint,"
                     "ifindex bigint", _NOTHING),
}
_NAMES = {"locations", "kinds", "namespaces", "interfaces", "counters"}


def _statement(name: str, table: _Table) -> str:
    """Return SQL that takes columns as arrays: a statement has one for each, however many rows there are."""
    columns = [column.strip().split(" ") for column in table.columns.split(",")]
    scope = table.scope.split()
    return " ".join(f"""
        INSERT INTO dropwatch.{name} AS t ({', '.join([*scope, *(column for column, _type in columns)])})
        SELECT {''.join('%b::bigint, ' for _ in scope)}r.*
        FROM unnest({', '.join(f'%b::{kind}[]' for _column, kind in columns)}) r
        ON CONFLICT {table.conflict}""".split())  # noqa: S608


_STATEMENTS = {name: _statement(name, table) for name, table in _TABLES.items()}
_RUN = """
    INSERT INTO dropwatch.runs AS t (host, run, boot_id, hostname, kernel, version, started_ns, ended_ns, ending,
                                     changes_ns, reach_ns, complete)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (host, run) DO UPDATE SET ended_ns = excluded.ended_ns, ending = excluded.ending,
        changes_ns = excluded.changes_ns, reach_ns = excluded.reach_ns, complete = excluded.complete"""


class Sender:
    """Sends the slices of one host; remembers which names are there, so that they go once."""

    def __init__(self) -> None:
        self._there: set[tuple[str, Row]] = set()
        self._sendings = 0

    def marks(self, connection: "Connection[Any]", machine_id: str) -> Marks:
        """Return what the central history has of a host."""
        host = key(machine_id)
        found = connection.execute("SELECT sendings FROM dropwatch.hosts WHERE host = %s", (host,)).fetchone()
        marks = Marks(found[0] if found else 0, {})
        if marks.sendings != self._sendings:  # by others, or it was taken back from a copy
            self._there.clear()
            self._sendings = marks.sendings
        for run, complete, changes_ns, reach_ns, last_gap in connection.execute("""
                SELECT run, complete, changes_ns, reach_ns,
                       (SELECT max(gap) FROM dropwatch.gaps g WHERE NOT complete AND g.host = r.host AND g.run = r.run)
                FROM dropwatch.runs r WHERE host = %s""", (host,)):
            marks.runs[run] = Sent(changes_ns, reach_ns, last_gap or 0, complete)
        for run, watch, *part in connection.execute("""
                SELECT run, watch, part, since_ns, until_ns, ending FROM dropwatch.watches
                WHERE host = %s AND run = ANY(%s) ORDER BY part""",
                                                    (host, [run for run, sent in marks.runs.items()
                                                            if not sent.complete])):
            marks.runs[run].watches[watch] = Part(*part)
        return marks

    @staticmethod
    def there(connection: "Connection[Any]", machine_id: str, run: int) -> There:
        """Return what can be asked about a run's counter changes."""
        bound = (key(machine_id), run)

        def pairs(sql: str, *more: int) -> dict[int, int]:
            return {counter: int(value) for counter, value in connection.execute(sql, (*bound, *more))}

        return There(
            lambda: {*pairs("""SELECT DISTINCT until_ns, 0 FROM dropwatch.counter_changes
                               WHERE host = %s AND run = %s""")},
            lambda since_ns: pairs("""SELECT counter, sum(delta) FROM dropwatch.counter_changes
                                      WHERE host = %s AND run = %s AND until_ns > %s GROUP BY counter""", since_ns),
            lambda: pairs("""SELECT counter, value + coalesce((
                                 SELECT sum(delta) FROM dropwatch.counter_changes d
                                 WHERE d.host = s.host AND d.run = s.run AND d.counter = s.counter), 0)
                             FROM dropwatch.counter_starts s JOIN dropwatch.counters c USING (host, counter)
                             WHERE gauge AND host = %s AND run = %s"""),
            lambda: _expired(connection))

    def send(self, connection: "Connection[Any]", made: Slice, marks: Marks) -> int:
        """Write a slice that was made by these marks; return how many rows. Raise OvertakenError, and the driver's."""
        host, rows = key(made.machine_id), 0
        new = {name: self._new(name, rows) for name, rows in made.rows.items()}
        try:
            with connection.transaction(), connection.cursor() as cursor:
                _begin(cursor, host, made, marks)
                ending = made.run[5:] if made.complete else (None, None)
                cursor.execute(_RUN, (host, made.run_key, *made.run[:5], *ending, made.changes_ns,
                                      made.reach_ns, made.complete))
                for name, table in _TABLES.items():
                    if chosen := new.get(name):
                        scope = [{"host": host, "run": made.run_key}[part] for part in table.scope.split()]
                        cursor.execute(_STATEMENTS[name], [*scope, *(list(column) for column in
                                                                     zip(*chosen, strict=True))])
                        rows += len(chosen)
        except BaseException:
            self._there.clear()
            raise
        self._sendings = marks.sendings + 1
        self._there |= {(name, row) for name in _NAMES for row in new.get(name, ())}
        return rows

    def _new(self, name: str, rows: Sequence[Row]) -> Sequence[Row]:
        return [row for row in rows if (name, row) not in self._there] if name in _NAMES else rows


def _expired(connection: "Connection[Any]") -> int:
    """Return up to when rows were removed there, as far as its schema lets hosts know (from 0004 on)."""
    [(may,)] = connection.execute("SELECT has_table_privilege('dropwatch.expired', 'SELECT')").fetchall()
    return int(connection.execute("SELECT max(until_ns) FROM dropwatch.expired").fetchall()[0][0]) if may else 0


def _begin(cursor: Any, host: int, made: Slice, marks: Marks) -> None:
    """Count the transaction; who was overtaken by another sender finds another number."""
    before_ns = time.time_ns()
    cursor.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1e9)::bigint")
    ahead_ns = (before_ns + time.time_ns()) // 2 - cursor.fetchone()[0]
    ahead_ns = 0 if abs(ahead_ns) < NANO else ahead_ns
    if not marks.sendings:
        cursor.execute("INSERT INTO dropwatch.hosts (host, machine_id, hostname) VALUES (%s, %s, %s)"
                       " ON CONFLICT DO NOTHING", (host, made.machine_id, made.hostname))
    cursor.execute("""UPDATE dropwatch.hosts SET sendings = sendings + 1, sent_at = clock_timestamp(), hostname = %s,
                             ahead_ns = %s WHERE host = %s AND sendings = %s AND machine_id = %s""",
                   (made.hostname, ahead_ns, host, marks.sendings, made.machine_id))
    if cursor.rowcount != 1:
        raise OvertakenError
