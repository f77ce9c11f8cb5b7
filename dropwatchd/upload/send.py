"""Writes slices into the central history: one transaction each, which counts itself, so that none is done twice."""

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import REVISION, check, psycopg
from dropwatchd.history.fleet.keys import key
from dropwatchd.model import NANO
from dropwatchd.upload import short
from dropwatchd.upload.memory import Memory
from dropwatchd.upload.reconcile import There
from dropwatchd.upload.slice import Marks, Part, Sent, Slice
from dropwatchd.upload.tables import RUN, STATEMENTS, TABLES

if TYPE_CHECKING:
    from psycopg import Connection

_CHANGED = "40001"  # serialization_failure: what dropwatch.send() raises where something is not as it was


class OvertakenError(Exception):
    """Somebody else has sent of the same host meanwhile: what is there has to be looked at anew."""


class Sender:
    """Sends the slices of one host; remembers what is there, so that it is not asked again, nor sent."""

    def __init__(self) -> None:
        self._memory: Memory | None = None
        self.is_sure = False

    def doubt(self) -> None:
        """Begin anew, with a connection that was not checked: what is remembered may not be so until it was used."""
        self.is_sure = False

    def forget(self) -> None:
        self._memory = None

    def marks(self, connection: "Connection[Any]", machine_id: str) -> Marks:
        """Return what the central history has of a host, by memory or by asking; raise FleetError."""
        if self._memory is None or not self._memory.holds(machine_id):
            self._memory = _ask(connection, machine_id)
            self.is_sure = True
        return self._memory.marks

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

    def send(self, connection: "Connection[Any]", made: Slice) -> int:
        """Write a slice that was made by the marks; return how many rows. Raise OvertakenError, and the driver's."""
        memory, self._memory = self._memory, None
        assert memory is not None, "a slice is made by marks"  # noqa: S101 - a mistake of ours
        rows = memory.new(made)
        if short.is_usual(made, memory):
            usual, rest = short.parted(rows, made, memory)
            with connection.transaction() if any(rest.values()) else nullcontext():
                sent_us = _send_short(connection, made, usual, memory.sent_us)
                _insert(connection, made, rest)
        else:
            with connection.transaction():
                sent_us = _begin(connection, made, memory.marks.sendings)
                _insert(connection, made, rows)
        memory.sent(made, sent_us)
        self._memory, self.is_sure = memory, True
        return sum(map(len, rows.values()))


def _expired(connection: "Connection[Any]") -> int:
    """Return up to when rows were removed there, as far as its schema lets hosts know (from 0004 on)."""
    [(may,)] = connection.execute("SELECT has_table_privilege('dropwatch.expired', 'SELECT')").fetchall()
    return int(connection.execute("SELECT max(until_ns) FROM dropwatch.expired").fetchall()[0][0]) if may else 0


def _ask(connection: "Connection[Any]", machine_id: str) -> Memory:
    """Return what is there of a host."""
    schema, host = check(connection), key(machine_id)
    found = connection.execute("SELECT sendings, hostname, (extract(epoch FROM sent_at) * 1e6)::bigint"
                               " FROM dropwatch.hosts WHERE host = %s", (host,)).fetchone()
    sendings, hostname, sent_us = found or (0, "", 0)
    marks = Marks(sendings, {})
    for run, complete, changes_ns, reach_ns, last_gap in connection.execute("""
            SELECT run, complete, changes_ns, reach_ns,
                   (SELECT max(gap) FROM dropwatch.gaps g WHERE NOT complete AND g.host = r.host AND g.run = r.run)
            FROM dropwatch.runs r WHERE host = %s""", (host,)):
        marks.runs[run] = Sent(changes_ns, reach_ns, max(last_gap or 0, 0), complete)
    for run, watch, *part in connection.execute("""
            SELECT run, watch, part, since_ns, until_ns, ending FROM dropwatch.watches
            WHERE host = %s AND run = ANY(%s) ORDER BY part""",
                                                (host, [run for run, sent in marks.runs.items() if not sent.complete])):
        marks.runs[run].watches[watch] = Part(*part)
    return Memory(machine_id, hostname, schema, marks, sent_us)


def _send_short(connection: "Connection[Any]", made: Slice, rows: short.Rows, last_sent_us: int) -> int:
    """Write what is usual; return when that was, by the server's clock in microseconds."""
    header = short.Header(REVISION, key(made.machine_id), made.run_key, last_sent_us, time.time_ns())
    try:
        [(sent_us,)] = connection.execute(*short.call(header, made, rows)).fetchall()
    except psycopg().Error as error:
        if error.sqlstate == _CHANGED:
            raise OvertakenError from error
        raise
    if sent_us is None:
        raise OvertakenError
    return int(sent_us)


def _insert(connection: "Connection[Any]", made: Slice, rows: short.Rows) -> None:
    """Write anything, table by table."""
    for name, table in TABLES.items():
        if chosen := rows.get(name):
            scope = [{"host": key(made.machine_id), "run": made.run_key}[part] for part in table.scope.split()]
            connection.execute(STATEMENTS[name], [*scope, *(list(column) for column in zip(*chosen, strict=True))])


def _begin(connection: "Connection[Any]", made: Slice, sendings: int) -> int:
    """Count the transaction, and write its run; return when it is. Who was overtaken finds another number."""
    host, before_ns = key(made.machine_id), time.time_ns()
    [(there_ns,)] = connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1e9)::bigint").fetchall()
    ahead_ns = (before_ns + time.time_ns()) // 2 - there_ns
    ahead_ns = 0 if abs(ahead_ns) < NANO else ahead_ns
    if not sendings:
        connection.execute("INSERT INTO dropwatch.hosts (host, machine_id, hostname) VALUES (%s, %s, %s)"
                           " ON CONFLICT DO NOTHING", (host, made.machine_id, made.hostname))
    found = connection.execute("""
        UPDATE dropwatch.hosts SET sendings = sendings + 1, sent_at = clock_timestamp(), hostname = %s, ahead_ns = %s
        WHERE host = %s AND sendings = %s AND machine_id = %s RETURNING (extract(epoch FROM sent_at) * 1e6)::bigint""",
                               (made.hostname, ahead_ns, host, sendings, made.machine_id)).fetchone()
    if found is None:
        raise OvertakenError
    ending = made.run[5:] if made.complete else (None, None)
    connection.execute(RUN, (host, made.run_key, *made.run[:5], *ending, made.changes_ns, made.reach_ns, made.complete))
    return int(found[0])
