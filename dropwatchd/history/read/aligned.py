"""Drops and counters of the time between two readings of the counters, where one must be found in the other."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from dropwatchd.history.read import layers
from dropwatchd.history.read.pulled import Pulled, has_sums
from dropwatchd.history.read.reader import (
    COUNTER_JOINS,
    EARLIER_NS,
    KEY,
    KEY_JOINS,
    CounterTotal,
    Reader,
    Row,
    key_of,
    moved_at_most,
)
from dropwatchd.history.read.scope import change_clause, drop_clause, run_clause
from dropwatchd.history.statements import SUM_DELTAS, summed
from dropwatchd.model import SWITCHED_OFF, DropKey, GapCause

# Drops this near to a reading of counters may be on either side of it: a round of readings takes its time.
_NEAR_NS = 1_000_000_000

# Between two readings of which one may lie before the window; longer ones are not compared.
_ROUND_NS = 5_000_000_000  # what reading all counters of many namespaces may take, and shorter than a failed round
_LONGEST_NS = EARLIER_NS - _ROUND_NS

# When counters were first and last read in the window, by run and namespace; -1 stands for all of them together. Where
# none moves across an edge of the window, none did from the reading beyond it up to the edge.
_SPANS = f"""
    {layers.changes("until_ns > :since AND since_ns < :until AND (since_ns >= :since OR until_ns < :until)")},
    single AS MATERIALIZED (
        SELECT run_id, counter_id, min(CASE WHEN since_ns >= :since THEN since_ns ELSE until_ns END) AS first,
               max(CASE WHEN until_ns < :until THEN until_ns ELSE since_ns END) AS last,
               min(since_ns) AS since, max(until_ns) AS until
        FROM change_rows GROUP BY run_id, counter_id),
    moved AS MATERIALIZED (
        SELECT d.run_id, n.entity AS netns, min(first) AS first, max(last) AS last,
               min(since) < :since AS early, max(until) >= :until AS late
        FROM single d JOIN counters c ON c.id = d.counter_id LEFT JOIN namespaces n ON n.id = c.namespace_id
        GROUP BY d.run_id, n.entity),
    visits AS MATERIALIZED (
        SELECT w.run_id, n.entity AS netns, min(w.since_ns) AS first_ns, max(w.until_ns) AS last_ns
        FROM watches w LEFT JOIN namespaces n ON n.id = w.namespace_id
        WHERE w.what = 'counters' AND w.since_ns < :until AND w.until_ns >= :since
        GROUP BY w.run_id, n.entity),
    readings AS MATERIALIZED (
        SELECT run_id, netns, first, last FROM moved
        UNION ALL
        SELECT v.run_id, v.netns, CASE WHEN m.early THEN m.first ELSE max(v.first_ns, :since) END,
               CASE WHEN m.late THEN m.last ELSE min(v.last_ns, :until) END
        FROM visits v LEFT JOIN moved m ON m.run_id = v.run_id AND m.netns = v.netns
        UNION ALL
        SELECT s.run_id, n.entity, min(time_ns), max(time_ns)
        FROM counter_starts s JOIN counters c ON c.id = s.counter_id LEFT JOIN namespaces n ON n.id = c.namespace_id
        WHERE time_ns >= :since AND time_ns < :until GROUP BY s.run_id, n.entity),
    spans AS MATERIALIZED (
        SELECT run_id, netns, min(first) AS first, max(last) AS last FROM readings
        WHERE netns IS NOT NULL GROUP BY run_id, netns
        UNION ALL SELECT run_id, -1, min(first), max(last) FROM readings GROUP BY run_id)"""

_SPAN_JOINS = """LEFT JOIN spans own ON own.run_id = d.run_id AND own.netns = coalesce(n.entity, -1)
                 LEFT JOIN spans whole ON whole.run_id = d.run_id AND whole.netns = -1"""

# Of a span's sums: that each lies within the spans of its run and namespace, or outside, as do then all its drops.
_UNDECIDED = " OR ".join(f"""
    NOT coalesce(d.first_ns >= {span}.first + {_NEAR_NS} AND d.last_ns <= {span}.last - {_NEAR_NS}
                 OR d.last_ns < {span}.first - {_NEAR_NS} OR d.first_ns > {span}.last + {_NEAR_NS}, 1)"""
                         for span in ("own", "whole"))
_IS_DECIDED = f"""
    (h.since_ns >= (SELECT max(since) FROM midst) AND h.until_ns <= (SELECT min(until) FROM midst)
     OR NOT EXISTS (SELECT 1 FROM {{sums}} d JOIN interfaces i ON i.id = d.interface_id
                    LEFT JOIN namespaces n ON n.id = i.namespace_id {_SPAN_JOINS}
                    WHERE d.{{begin}} = h.{{begin}} AND ({_UNDECIDED})))"""


@dataclass(frozen=True, slots=True)
class AlignedDrop:
    """`count` drops of one key on one host, and how many of them lie between two readings of the counters.

    `inside` do for sure and `at_most` may, between the first and the last reading of their namespace's counters in
    the window; `host_inside` and `host_at_most` between those of any counter.
    """

    host: str
    key: DropKey
    count: int
    inside: int
    at_most: int
    host_inside: int
    host_at_most: int


class Aligned:
    """Answers about everything in the window, whatever the filters of the report: counters know no reason.

    A window that begins between two readings is taken from the earlier one on: what happened at its beginning would
    be compared with nothing. Of longer changes, such as a collector has after it failed, no notice is taken.
    """

    def __init__(self, reader: Reader) -> None:
        self._edge_ns, self._report = reader.scope.since_ns, reader
        scope = reader.scope.unfiltered()
        self._reader = reader.of(scope)
        [(since_ns,)] = self._reader.rows(f"""
            SELECT coalesce(max(since_ns) - {_ROUND_NS}, :since) FROM counter_changes d JOIN runs r ON r.id = d.run_id
            WHERE until_ns > :since AND until_ns < :since + {_LONGEST_NS} AND since_ns < :since
                  AND since_ns > :since - {_LONGEST_NS} AND {run_clause(scope)}""")
        self._reader = reader.of(replace(scope, since_ns=cast("int", since_ns)))

    def drops(self) -> list[AlignedDrop]:
        """Return the drops of each key. Those in the midst of all spans of a run are added up before any join.

        What was added up elsewhere must lie there; of runs in which it does not, the rows are taken.
        """
        found = self._drops()
        here = self._reader.connection
        if isinstance(here, Pulled) and (unsure := {int(run) for row in found if row[21]
                                                    for run in str(row[21]).split(",")}):
            here.refine(unsure)
            found = self._drops()
        return [AlignedDrop(cast("str", row[0]), key_of(row), *cast("_Counts", row[16:21])) for row in found]

    def _drops(self) -> list[Row]:
        return list(self._reader.rows(f"""
            WITH {_SPANS},
            midst AS MATERIALIZED (
                SELECT run_id, max(first) + {_NEAR_NS} AS since, min(last) - {_NEAR_NS} AS until
                FROM spans GROUP BY run_id),
            {layers.drops(drop_clause(self._reader.scope), f"{layers.WITHIN} AND {_IS_DECIDED}",
                          sums=has_sums(self._reader.connection, self._reader.scope))},
            d AS MATERIALIZED (
                SELECT run_id, location_id, kind_id, interface_id, sum(count) AS count,
                       min(first_ns) AS first_ns, max(last_ns) AS last_ns,
                       CASE WHEN midst.since IS NULL OR (first_ns >= midst.since AND last_ns <= midst.until)
                            THEN 0 ELSE window_start_ns END AS place
                FROM drop_rows LEFT JOIN midst USING (run_id)
                GROUP BY run_id, location_id, kind_id, interface_id, place)
            SELECT host_of(r.id), {KEY}, sum(d.count), {_within('own')}, {_within('whole')},
                   group_concat(CASE d.place WHEN {layers.SUMMED} THEN d.run_id END)
            FROM d {KEY_JOINS}
            {_SPAN_JOINS}
            GROUP BY host_of(r.id), d.location_id, d.kind_id, d.interface_id"""))

    def counters(self) -> list[CounterTotal]:
        """Return by how much counters moved from their first to their last reading; of it, what may be too early."""
        clause = f"{change_clause(self._reader.scope)} AND since_ns >= :since AND until_ns < :until"
        return [CounterTotal._make(row) for row in self._reader.rows(f"""
            WITH {layers.changes(clause, "h.since_ns >= :edge AND h.until_ns < :until")},
            d AS MATERIALIZED (
                SELECT run_id, counter_id, {SUM_DELTAS} AS delta, {moved_at_most("since_ns < :edge")} AS straddling
                FROM change_rows GROUP BY run_id, counter_id)
            SELECT host_of(r.id), c.collector, c.name, n.entity, c.interface, c.labels, {summed("d.delta")}, c.gauge,
                   CAST(total(d.straddling) AS INTEGER), n.name, n.inode
            FROM d {COUNTER_JOINS}
            GROUP BY host_of(r.id), c.collector, c.name, n.entity, n.name, c.interface, c.labels, c.gauge""",
            edge=self._edge_ns)]

    def looked_at(self, names: Iterable[str]) -> set[tuple[str, str, str, int | None]]:
        """Return (host, collector, name, netns) of those of the named counters that the window's runs have read.

        A collector that failed in the window has not looked all the time, so that its zeros mean nothing; as little
        as those of one that was switched off.
        """
        failed = {(gap.host, gap.scope.removeprefix("counters:").partition("@")[0]) for gap in self._reader.gaps()
                  if gap.cause == GapCause.COLLECTOR_FAILED}
        watched = defaultdict[tuple[int, str], set[int | None]](set)
        watches = self._report.watches_from(self._reader.scope.since_ns)
        for watch in watches:
            if watch.what == "counters" and watch.until_ns >= self._reader.scope.since_ns:
                watched[watch.run_id, watch.name].add(watch.netns)
        started = cast("Iterator[tuple[int, str, str, str, int | None]]", self._reader.rows(f"""
            SELECT DISTINCT s.run_id, host_of(r.id), c.collector, c.name, n.entity
            FROM counter_starts s JOIN counters c ON c.id = s.counter_id JOIN runs r ON r.id = s.run_id
                 LEFT JOIN namespaces n ON n.id = c.namespace_id
            WHERE c.name IN (SELECT value FROM json_each(:names)) AND s.time_ns < :until
                  AND {run_clause(self._reader.scope)}""", names=json.dumps([*names])))
        read = {(host, collector, name, netns) for run, host, collector, name, netns in started
                if (there := watched.get((run, collector))) and (netns is None or {None, netns} & there)}
        off = {(watch.host, watch.name, watch.netns) for watch in watches
               if watch.what == "counters" and watch.ending == SWITCHED_OFF}
        return {(host, collector, name, netns) for host, collector, name, netns in read
                if (host, collector) not in failed and (host, collector, netns) not in off}


_Counts = tuple[int, int, int, int, int]


def _within(span: str) -> str:
    """Return SQL for how many drops lie within a span of readings, for sure and at most."""
    return ", ".join(
        f"coalesce(sum(d.count * (d.{early} >= {span}.first {near} AND d.{late} <= {span}.last {far})), 0)"
        for early, late, near, far in (("first_ns", "last_ns", f"+ {_NEAR_NS}", f"- {_NEAR_NS}"),
                                       ("last_ns", "first_ns", f"- {_NEAR_NS}", f"+ {_NEAR_NS}")))
