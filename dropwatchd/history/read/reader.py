"""Queries on a history: typed rows, grouped by SQLite, without any rendering.

SQL is written out because importing SQLAlchemy takes longer (250 ms) than a whole report.
"""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import cast

from dropwatchd.history.read import layers, samples
from dropwatchd.history.read.asked import install
from dropwatchd.history.read.drop_totals import DropTotal, Row, drop_of, key_of, merged, part_of
from dropwatchd.history.read.portioned import Portioned
from dropwatchd.history.read.portions import Portion
from dropwatchd.history.read.pulled import Pulled, has_sums
from dropwatchd.history.read.rows import CounterTotal, DeviceRow, LedgerGap, LoggedEvent, PacketRow, Run, WatchRow
from dropwatchd.history.read.scope import (
    AT_LEAST,
    AT_MOST,
    INSIDE,
    IS_WITHIN,
    OF_RUNS,
    WINDOWS,
    Scope,
    change_clause,
    drop_clause,
    host_clause,
    may_clause,
    run_clause,
)
from dropwatchd.history.statements import SUM_DELTAS, summed
from dropwatchd.model import GapCause, Window

__all__ = ["COUNTER_JOINS", "EARLIER_NS", "KEY", "KEY_JOINS", "CounterTotal", "DeviceRow", "DropTotal", "LedgerGap",
           "LoggedEvent", "PacketRow", "Reader", "Row", "Run", "WatchRow", "key_of", "moved_at_most"]


# The columns of a drop's key, after the host in a row, and where they come from.
KEY = """l.symbol, l.offset, l.module, l.address, k.reason, k.protocol, k.origin, k.trap, k.trap_group,
          n.entity, i.ifindex, i.name, n.name, n.inode, n.kind"""
KEY_JOINS = """JOIN locations l ON l.id = d.location_id JOIN kinds k ON k.id = d.kind_id
                JOIN interfaces i ON i.id = d.interface_id LEFT JOIN namespaces n ON n.id = i.namespace_id
                JOIN runs r ON r.id = d.run_id"""
COUNTER_JOINS = """JOIN counters c ON c.id = d.counter_id LEFT JOIN namespaces n ON n.id = c.namespace_id
                   JOIN runs r ON r.id = d.run_id"""

EARLIER_NS = 125_000_000_000  # so long before a window drops may begin that are held against its counters

# What a later run does to the record of others, and what befalls that on its way to a central one.
_OF_ANY_RUN = ", ".join(f"'{cause}'" for cause in (
    GapCause.EXPIRED, GapCause.STORAGE_FULL, GapCause.NOT_UPLOADED, GapCause.NOT_ANSWERED))

# That nothing speaks against a run r going on: a next one of its machine, or its end.
_LIVES = "(r.ended_ns IS NULL AND r.id = (SELECT max(m.id) FROM runs m WHERE m.machine_id = r.machine_id))"


class Reader:
    """Answers from one snapshot of a history, within a scope."""

    def __init__(self, connection: sqlite3.Connection, scope: Scope, now_ns: int,
                 hosts: dict[int, str] | None = None) -> None:
        connection = connection.pull(scope) if isinstance(connection, Pulled) else connection
        self.connection = connection
        self.scope = scope
        self.now_ns = now_ns
        self._runs: list[Run] | None = None
        self._watches: list[WatchRow] | None = None
        self._earlier: list[WatchRow] = []  # that ended so shortly before
        install(connection, scope)
        self._hosts = hosts or _hosts(connection)
        connection.create_function("host_of", 1, self._hosts.get, deterministic=True)

    def of(self, scope: Scope) -> "Reader":
        """Return what answers from the same snapshot within another scope, whose filters are the same, or none."""
        connection = self.connection.pull(scope) if isinstance(self.connection, Pulled) else self.connection
        return Reader(connection, scope, self.now_ns, self._hosts if connection is self.connection else None)

    def rows(self, sql: str, **values: object) -> Iterator[Row]:
        """Ask within the scope, whose values are bound."""
        bound = {**self.scope.values(), "now": self.now_ns, **values}
        return cast("Iterator[Row]", self.connection.execute(sql, bound))

    def expect_counters(self) -> None:
        """Say that counters will be asked for, which may come from elsewhere meanwhile."""
        if isinstance(self.connection, Pulled):
            self.connection.expect("counters")

    def runs(self) -> list[Run]:
        """Return the runs that touch the report's window, oldest first."""
        if self._runs is None:
            self._runs = self._read_runs()
        return self._runs

    def _read_runs(self) -> list[Run]:
        return [Run(*cast("_RunRow", row)) for row in self.rows(f"""
            SELECT * FROM (
                SELECT id, host_of(id) AS hostname, machine_id, kernel, started_ns,
                       coalesce((SELECT until_ns FROM watches w WHERE w.run_id = r.id
                                 ORDER BY until_boot_ns DESC, until_ns DESC LIMIT 1), ended_ns, started_ns) AS until_ns,
                       NOT {_LIVES} AS ended
                FROM runs r WHERE {run_clause(self.scope)}) r
            WHERE min(started_ns, until_ns) < :until AND (until_ns >= :since OR NOT ended)
                  OR EXISTS (SELECT 1 FROM watches w WHERE w.run_id = r.id AND w.until_ns >= :since
                                                           AND w.since_ns < :until) ORDER BY id""")]

    def watches(self) -> list[WatchRow]:
        """Return what was watched within the report's window, or up to its edges, and what goes on being watched."""
        if self._watches is None:
            self._watches = self._read_watches()
        return self._watches

    def watches_from(self, since_ns: int) -> list[WatchRow]:
        """Return those of a window that begins up to EARLIER_NS before: all the same but few."""
        return [*self.watches(), *(watch for watch in self._earlier if watch.until_ns >= since_ns)]

    def _read_watches(self) -> list[WatchRow]:
        watches: list[WatchRow] = []
        self._earlier = []
        for *row, limits, ending, is_own in self.rows(f"""
                SELECT host_of(r.id), w.run_id, w.what, w.name, n.entity, w.since_ns, w.until_ns, w.limits, w.ending,
                       w.until_ns >= :since OR w.ending = '' AND {_LIVES} AS is_own
                FROM watches w JOIN runs r ON r.id = w.run_id LEFT JOIN namespaces n ON n.id = w.namespace_id
                WHERE w.since_ns < :until AND (w.until_ns >= :since - {EARLIER_NS} OR is_own)
                      AND {run_clause(self.scope)}
                ORDER BY w.since_ns, w.id"""):
            (watches if is_own else self._earlier).append(
                WatchRow._make((*row, _limits(cast("str", limits)), ending)))
        return watches

    def devices(self) -> list[DeviceRow]:
        """Return what devices were, as far as it was seen, the latest last."""
        return [DeviceRow(*cast("_DeviceRow", row)) for row in self.rows(f"""
            SELECT DISTINCT host_of(r.id), n.entity, i.name, i.kind, i.driver, i.peer
            FROM interfaces i JOIN runs r ON r.boot_id = i.boot_id LEFT JOIN namespaces n ON n.id = i.namespace_id
            WHERE i.kind IS NOT NULL AND i.name IS NOT NULL AND {run_clause(self.scope)} ORDER BY i.valid_until_ns""")]

    def gaps(self) -> list[LedgerGap]:
        """Return what the ledger says about the report's window, oldest first."""
        return [LedgerGap(*cast("_GapRow", row)) for row in self.rows(f"""
            SELECT host_of(r.id), g.since_ns, g.until_ns, g.cause, g.effect, g.scope, g.lost, g.detail
            FROM gaps g JOIN runs r ON r.id = g.run_id
            WHERE g.until_ns >= :since AND g.since_ns < :until AND {host_clause(self.scope)}
                  AND ({OF_RUNS} OR g.cause IN ({_OF_ANY_RUN}))
            ORDER BY g.since_ns, g.id""")]

    def drops(self, start_ns: int, step_ns: int) -> list[DropTotal]:
        """Return the drops of each host, location, kind and interface, the most first, and their shape over time.

        One query reads each row once: that is most of what a report costs. Days and hours in one step are sums.
        """
        found = self._drops(start_ns, step_ns)
        if self._portioned:
            found = [part for total in found
                     if (part := part_of(total, self._portioned, start_ns, step_ns)).drop.count]
        return sorted(found, key=lambda total: (-total.drop.count, total.drop.first_ns))

    @cached_property
    def _portioned(self) -> Portioned | None:
        """Return what is said of the window's drops by filters that no column answers; None where there are none."""
        if (only := self.scope.only) is None:
            return None
        sampled = (((one.host, one.key), one.time_ns, one.weight, one.length, one.link_header, one.data)
                   for one in self.packets(every=True))
        return Portioned(only.judge(self.rows), sampled)

    def _drops(self, start_ns: int, step_ns: int) -> list[DropTotal]:
        same_step = "(h.since_ns - :start) / :step = (h.until_ns - :start) / :step"
        clause, here = f"{drop_clause(self.scope)} AND {AT_MOST} > 0", self.connection
        sums = f"""UNION ALL SELECT run_id, location_id, kind_id, interface_id, count, bytes, first_ns, last_ns, count,
                                    count, shape FROM drop_sums WHERE {clause}""" \
            if isinstance(here, Pulled) and here.sum_drops(self.scope, start_ns, step_ns) else ""
        return merged(self.rows(f"""
            WITH {layers.drops(clause, f"{layers.WITHIN} AND {same_step}")},
            steps AS MATERIALIZED (
                SELECT run_id, location_id, kind_id, interface_id,
                       CAST((max(first_ns, :since) - :start) / :step AS INTEGER) AS step,
                       sum({INSIDE}) AS inside,
                       CASE WHEN count(bytes) = count(*)
                            THEN sum(CASE WHEN {IS_WITHIN} THEN bytes
                                     ELSE CASE {INSIDE} WHEN count THEN bytes ELSE bytes * {INSIDE} / count END END)
                       END AS bytes,
                       min(first_ns) AS first, max(last_ns) AS last,
                       sum({AT_LEAST}) AS at_least, sum({AT_MOST}) AS at_most,
                       CAST(max((min(last_ns, :until - 1) - :start) / :step) AS INTEGER) AS reach
                FROM drop_rows GROUP BY run_id, location_id, kind_id, interface_id, step),
            d AS MATERIALIZED (
                SELECT run_id, location_id, kind_id, interface_id, sum(inside) AS inside,
                       CASE WHEN count(bytes) = count(*) THEN sum(bytes) END AS bytes, min(first) AS first,
                       max(last) AS last, sum(at_least) AS at_least, sum(at_most) AS at_most,
                       group_concat(shape) AS shape
                FROM (SELECT run_id, location_id, kind_id, interface_id, inside, bytes, first, last, at_least, at_most,
                             step || ',' || inside || ',' || reach AS shape FROM steps {sums})
                GROUP BY run_id, location_id, kind_id, interface_id)
            SELECT host_of(r.id), {KEY}, d.inside, d.bytes, d.first, d.last, d.inside - d.at_least, d.at_most, d.shape
            FROM d {KEY_JOINS}""", start=start_ns, step=step_ns))

    def may_match(self) -> int:
        """Return how many drops the filters leave out that may match them, for all that is on record."""
        return self.unnamed() + self.unsampled()

    def unnamed(self) -> int:
        """Return how many of them that is because something of their key is not on record."""
        [(count,)] = self.rows(f"""
            WITH {layers.drops(may_clause(self.scope), sums=has_sums(self.connection, self.scope))}
            SELECT coalesce(sum(count), 0) FROM drop_rows""")
        return cast("int", count)

    def unsampled(self) -> int:
        """Return how many of them that is because no sample tells, or too few do."""
        start_ns, step_ns = self.scope.since_ns, min(self.scope.until_ns - self.scope.since_ns, 2**63 - 1)
        return sum(part.open for _total, part in self._unsure(start_ns, step_ns))

    def unsampled_of_windows(self) -> int:
        """Return the like of the windows that were taken one by one: those without a sample of their own tell less."""
        return self._portioned.open if self._portioned else 0

    def others(self) -> list[str]:
        """Return what sampled packets of the window had, the most frequent first, where none has what is asked for."""
        return [*self._portioned.others()] if self._portioned else []

    def unsampled_in(self, start_ns: int, step_ns: int) -> set[int]:
        """Return the steps in which some of these may be."""
        return {step for total, part in self._unsure(start_ns, step_ns) if part.open for step in total.shape}

    def _unsure(self, start_ns: int, step_ns: int) -> Iterator[tuple[DropTotal, Portion]]:
        for total in self._drops(start_ns, step_ns) if self._portioned else ():
            if self._portioned and (part := self._portioned.of((total.host, total.drop.key), total.drop.count)):
                yield total, part

    def windows(self) -> Iterator[tuple[str, Window]]:
        """Yield every row of the drops table with its host, in the order of time; PartWindow where a part is asked."""
        found = self._windows()
        yield from self._portioned.windows(found) if self._portioned else found

    def _windows(self) -> Iterator[tuple[str, Window]]:
        for row in self.rows(f"""
                SELECT host_of(r.id), {KEY}, d.count, d.bytes, d.first_ns, d.last_ns,
                       d.window_start_ns, d.window_width_ns
                FROM drops d {KEY_JOINS} WHERE {WINDOWS} AND {drop_clause(self.scope)}
                ORDER BY d.window_start_ns, d.window_width_ns, d.run_id, d.location_id"""):
            start_ns, width_ns = cast("tuple[int, int]", row[20:])
            yield cast("str", row[0]), Window(start_ns, width_ns, drop_of(row))

    def counters(self) -> list[CounterTotal]:
        """Return the counters that moved, by collector and name."""
        return [CounterTotal._make(row) for row in self.rows(f"""
            WITH {layers.changes(change_clause(self.scope))},
            d AS MATERIALIZED (
                SELECT run_id, counter_id, {SUM_DELTAS} AS delta,
                       {moved_at_most("since_ns < :since OR until_ns > :until")} AS straddling
                FROM change_rows GROUP BY run_id, counter_id)
            SELECT host_of(r.id), c.collector, c.name, n.entity, c.interface, c.labels, {summed("d.delta")} AS total,
                   c.gauge, CAST(total(d.straddling) AS INTEGER), n.name, n.inode
            FROM d {COUNTER_JOINS}
            GROUP BY host_of(r.id), c.collector, c.name, n.entity, n.name, c.interface, c.labels, c.gauge
            HAVING total != 0 ORDER BY c.collector, c.name, c.interface, c.labels""")
            if not self._portioned or self._portioned.judge.labels(cast("str", row[1]), cast("str", row[5]))]

    def packets(self, most: int | None = None, *, every: bool = False) -> Iterator[PacketRow]:
        """Yield the sampled packets in the order of time: all, or so many of each key from all over the time.

        With `every`, filters that packets themselves answer leave out none.
        """
        portioned = None if every else self._portioned
        clause = drop_clause(self.scope, packets=True)
        chosen = f"SELECT * FROM packets WHERE {clause}"
        if most is not None:
            [(has_many,)] = self.rows(samples.HAS_MANY)
            chosen = samples.some_of_each(clause, has_many=bool(has_many))
        for row in self.rows(f"""
                SELECT host_of(r.id), {KEY}, d.time_ns, d.length, d.weight, d.link_header, d.data,
                       json_extract(d.details, '$.queue')
                FROM ({chosen}) d {KEY_JOINS} ORDER BY d.time_ns, d.id""", most=most):
            time_ns, length, weight, link_header, data, queue = cast("_PacketRow", row[16:])
            host, key = cast("str", row[0]), key_of(row)
            if not portioned or portioned.takes((host, key), data, link_header=bool(link_header)):
                yield PacketRow(host, key, time_ns, length, weight, bool(link_header), data, queue)

    def events(self, before_ns: int = 0) -> list[LoggedEvent]:
        """Return what happened in the report's window, and so long before it, oldest first."""
        return [LoggedEvent(*cast("_EventRow", row)) for row in self.rows(f"""
            SELECT host_of(r.id), e.time_ns, e.kind, e.subject, e.detail, n.entity
            FROM events e JOIN runs r ON r.id = e.run_id LEFT JOIN namespaces n ON n.id = e.namespace_id
            WHERE e.time_ns >= :since - :before AND e.time_ns < :until AND {run_clause(self.scope)}
            ORDER BY e.time_ns, e.id""", before=before_ns)]

    def namespaces(self) -> set[int] | None:
        """Return the namespaces that --netns asks for, by a name that they had or by their inode; None: any."""
        if not self.scope.netns:
            return None
        return {cast("int", entity) for entity, in self.rows(
            "SELECT entity FROM namespaces WHERE asked_netns(name, inode)")}

    def netns_names(self) -> dict[int, str]:
        """Return what each namespace is shown as: its newest name, or its inode."""
        return dict(cast("Iterator[tuple[int, str]]", self.rows("""
            SELECT entity, coalesce(name, 'net:[' || inode || ']') FROM namespaces
            WHERE name IS NOT NULL OR inode IS NOT NULL ORDER BY name IS NOT NULL, valid_until_ns""")))


@lru_cache
def _limits(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _hosts(connection: sqlite3.Connection) -> dict[int, str]:
    """Return run -> what its host is called: a machine by its newest name, with its id where two have the same."""
    runs = list(connection.execute("SELECT id, machine_id, hostname FROM runs ORDER BY id"))
    names = {machine: name for _run, machine, name in runs}
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    return {run: f"{names[machine]} ({machine})" if names[machine] in shared else names[machine]
            for run, machine, _name in runs}


def moved_at_most(condition: str) -> str:
    """Return SQL for how much counters may have moved in the rows of a condition.

    Floating numbers do not overflow: it is exact up to 2^53, and no more than 2^63-1.
    """
    return f"CAST(total(CASE WHEN {condition} THEN abs(delta + 0.0) ELSE 0 END) AS INTEGER)"


_RunRow = tuple[int, str, str, str, int, int, bool]
_PacketRow = tuple[int, int, int, int, bytes, str | None]
_DeviceRow = tuple[str, int | None, str, str | None, str | None, str | None]
_EventRow = tuple[str, int, str, str, str, int | None]
_GapRow = tuple[str, int, int, str, str, str, int | None, str]
