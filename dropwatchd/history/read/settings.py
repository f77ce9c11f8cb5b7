"""How things were set while packets were dropped: the gauges of a collector, as spans of one value each."""

# ruff: noqa: S608 - the SQL is put together from texts of scope.py; values are bound.

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, cast

from dropwatchd.history.read import layers
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import run_clause


@dataclass(frozen=True, slots=True)
class Level:
    """A gauge had one value from one reading to another, for sure; `labels` is a JSON object."""

    host: str
    netns: int | None
    ifindex: int | None
    interface: str | None
    name: str
    labels: str
    value: int
    since_ns: int
    until_ns: int


class _Gauge(NamedTuple):
    """A gauge in one run: `until_ns` is its last reading, however often it has moved before."""

    host: str
    netns: int | None
    ifindex: int | None
    interface: str | None
    name: str
    labels: str
    until_ns: int


class _Moved(NamedTuple):
    """By how much it moved between two readings; where it starts, in no time."""

    since_ns: int
    until_ns: int
    delta: int


_GaugeRow = tuple[str, int | None, int | None, str | None, str, str, int]


def levels(reader: Reader, collector: str) -> list[Level]:
    """Return what the gauges of a collector were while runs lasted that touch the window."""
    moved: dict[_Gauge, list[_Moved]] = defaultdict(list)
    for row in reader.rows(f"""
            WITH {layers.moves("SELECT id FROM counters WHERE collector = :collector AND gauge")},
            read AS (
                SELECT w.run_id, n.entity, max(w.until_ns) AS until_ns
                FROM watches w LEFT JOIN namespaces n ON n.id = w.namespace_id
                WHERE w.what = 'counters' AND w.name = :collector AND w.until_ns >= :since AND w.since_ns < :until
                GROUP BY w.run_id, n.entity),
            moved AS MATERIALIZED (
                SELECT run_id, counter_id, time_ns AS since_ns, time_ns AS until_ns, value AS delta
                FROM counter_starts WHERE run_id IN (SELECT run_id FROM read)
                     AND counter_id IN (SELECT id FROM counters WHERE collector = :collector AND gauge)
                UNION ALL SELECT run_id, counter_id, since_ns, until_ns, delta FROM change_rows)
            SELECT host_of(r.id), n.entity, c.ifindex, c.interface, c.name, c.labels, read.until_ns,
                   d.since_ns, d.until_ns, d.delta
            FROM moved d JOIN counters c ON c.id = d.counter_id JOIN runs r ON r.id = d.run_id
                 LEFT JOIN namespaces n ON n.id = c.namespace_id
                 JOIN read ON read.run_id = r.id AND read.entity IS n.entity
            WHERE {run_clause(reader.scope)}
            ORDER BY d.until_ns""", collector=collector):
        moved[_Gauge(*cast("_GaugeRow", row[:7]))].append(
            _Moved(*cast("tuple[int, int, int]", row[7:])))
    return [level for gauge, steps in moved.items() for level in _spans(gauge, steps)]


def _spans(gauge: _Gauge, steps: list[_Moved]) -> Iterator[Level]:
    value = 0
    for step, following in pairwise([*steps, _Moved(gauge.until_ns, gauge.until_ns, 0)]):
        value += step.delta
        yield Level(*gauge[:-1], value, step.until_ns, following.since_ns)
