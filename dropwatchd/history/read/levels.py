"""Levels in a report's window: the sockets that are for some alone, and what this host has that is not seen."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from dropwatchd.history.read import layers
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import run_clause
from dropwatchd.history.statements import added, summed


@dataclass(frozen=True, slots=True)
class SocketRow:
    """A socket that takes packets for one local address, or of one peer, alone; `peer` is "" where that is anybody."""

    host: str
    netns: int | None
    local: str
    peer: str
    protocol: str


@dataclass(frozen=True, slots=True)
class UnseenRow:
    """A thing in which packets are lost unseen, that was there at any time in the window; `name` says what kind."""

    host: str
    netns: int | None
    interface: str | None
    name: str
    labels: dict[str, str]


_Level = tuple[str, int | None, str | None, str, dict[str, str]]


def bound_sockets(reader: Reader) -> tuple[set[tuple[str, int | None]], list[SocketRow]]:
    """Return where such sockets were looked for in the window, and those that were there at any time in it."""
    there = [SocketRow(host, netns, **labels) for host, netns, _interface, _name, labels in _levels(reader, "bound")]
    return looked(reader, "bound"), there


def unseen(reader: Reader) -> list[UnseenRow]:
    """Return what the hosts had in the window that could not be seen; `looked` says where it was looked for."""
    return [UnseenRow(*level) for level in _levels(reader, "unseen")]


def looked(reader: Reader, collector: str) -> set[tuple[str, int | None]]:
    """Return the (host, namespace) in which a collector was read in the window."""
    return {(watch.host, watch.netns) for watch in reader.watches()
            if (watch.what, watch.name) == ("counters", collector)}


def _levels(reader: Reader, collector: str) -> Iterator[_Level]:
    """Yield the levels of a collector that were not zero at some time in the window."""
    if not looked(reader, collector):
        return
    before_within_or_after = f"(h.until_ns <= :since OR {layers.WITHIN} OR h.since_ns >= :until)"
    wanted = "counter_id IN (SELECT id FROM counters WHERE collector = :collector)"
    rows = reader.rows(f"""
        WITH {layers.changes(wanted, before_within_or_after, ever=True)},
        d AS MATERIALIZED (
            SELECT run_id, counter_id, {summed("(CASE WHEN until_ns < :until THEN delta ELSE 0 END)")} AS moved,
                   count(*) FILTER (WHERE until_ns > :since AND since_ns < :until) AS times
            FROM change_rows GROUP BY run_id, counter_id)
        SELECT host_of(r.id), n.entity, c.interface, c.name, c.labels,
               {added("coalesce(s.value, 0)", "coalesce(d.moved, 0)")} AS level, coalesce(d.times, 0)
        FROM counters c JOIN runs r LEFT JOIN counter_starts s ON s.counter_id = c.id AND s.run_id = r.id
             LEFT JOIN namespaces n ON n.id = c.namespace_id
             LEFT JOIN d ON d.counter_id = c.id AND d.run_id = r.id
        WHERE c.collector = :collector AND r.started_ns < :until AND {run_clause(reader.scope)}
              AND EXISTS (SELECT 1 FROM watches w WHERE w.run_id = r.id AND w.what = 'counters'
                          AND w.name = :collector AND w.until_ns >= :since AND w.since_ns < :until)""",
                       collector=collector)
    for host, netns, interface, name, labels, level, moved in rows:
        if level or moved:
            yield (cast("str", host), cast("int | None", netns), cast("str | None", interface), cast("str", name),
                   json.loads(cast("str", labels)))
