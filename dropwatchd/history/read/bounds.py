"""When drops of each key were first and last seen within each step of a window, and rows that are of several steps."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from dropwatchd.history.read import layers
from dropwatchd.history.read.reader import KEY, KEY_JOINS, Reader, key_of
from dropwatchd.history.read.scope import AT_MOST, drop_clause
from dropwatchd.model import DropKey

# Of a day or an hour that is summed, that all of it is of one step; and that a row is not.
_SAME_STEP = "(h.since_ns - :start) / :step = (h.until_ns - :start) / :step"
_CROSSES = "((max(first_ns, :since) - :start) / :step < (min(last_ns, :until - 1) - :start) / :step)"

Bounds = Mapping[tuple[str, DropKey], Mapping[int, tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Row:
    """Drops of one row: how many, and when the first and the last were."""

    count: int
    first_ns: int
    last_ns: int

    def before(self, edge_ns: int) -> int:
        """Return how many were before a time, as scope.INSIDE has it for the edges of a window."""
        if edge_ns <= self.first_ns:
            return 0
        if edge_ns > self.last_ns:
            return self.count
        if self.count < 2:
            return 0
        return 1 + int((self.count - 2) * ((edge_ns - self.first_ns) / (self.last_ns - self.first_ns)))


def bounds(reader: Reader, start_ns: int, step_ns: int) -> Bounds:
    """Return (first, last) of each host and key in the steps in which rows begin; steps are counted from `start_ns`.

    Of a row that ends in another step, its first drop alone was in the one in which it begins.
    """
    found: dict[tuple[str, DropKey], dict[int, tuple[int, int]]] = defaultdict(dict)
    for row in reader.rows(f"""
            WITH {layers.drops(f"{drop_clause(reader.scope)} AND {AT_MOST} > 0", f"{layers.WITHIN} AND {_SAME_STEP}")},
            d AS MATERIALIZED (
                SELECT run_id, location_id, kind_id, interface_id, (max(first_ns, :since) - :start) / :step AS step,
                       min(first_ns) AS first, max(CASE WHEN {_CROSSES} THEN first_ns ELSE last_ns END) AS last
                FROM drop_rows GROUP BY run_id, location_id, kind_id, interface_id, step)
            SELECT host_of(r.id), {KEY}, d.step, d.first, d.last FROM d {KEY_JOINS}""",
                           start=start_ns, step=step_ns):
        step, first_ns, last_ns = cast("tuple[int, int, int]", row[16:])
        own = found[cast("str", row[0]), key_of(row)]
        before = own.get(step, (first_ns, last_ns))
        own[step] = min(first_ns, before[0]), max(last_ns, before[1])
    return found


def crossing(reader: Reader, start_ns: int, step_ns: int) -> Mapping[tuple[str, DropKey], Sequence[Row]]:
    """Return the rows of each host and key of which some drops may be in a later step than that in which they begin."""
    found: dict[tuple[str, DropKey], list[Row]] = defaultdict(list)
    for row in reader.rows(f"""
            WITH {layers.drops(f"{drop_clause(reader.scope)} AND {_CROSSES}", f"{layers.WITHIN} AND {_SAME_STEP}")}
            SELECT host_of(r.id), {KEY}, d.count, d.first_ns, d.last_ns FROM drop_rows d {KEY_JOINS}""",
                           start=start_ns, step=step_ns):
        found[cast("str", row[0]), key_of(row)].append(Row(*cast("tuple[int, int, int]", row[16:])))
    return found
