"""When drops of each key were first and last seen within each step of a window."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from collections import defaultdict
from collections.abc import Mapping
from typing import cast

from dropwatchd.history.read import layers
from dropwatchd.history.read.reader import KEY, KEY_JOINS, Reader, key_of
from dropwatchd.history.read.scope import AT_MOST, drop_clause
from dropwatchd.model import DropKey

Bounds = Mapping[tuple[str, DropKey], Mapping[int, tuple[int, int]]]


def bounds(reader: Reader, start_ns: int, step_ns: int) -> Bounds:
    """Return (first, last) of each host and key in the steps in which rows begin; steps are counted from `start_ns`.

    A row that is wider than a step is one of the step in which it begins.
    """
    same_step = "(h.since_ns - :start) / :step = (h.until_ns - :start) / :step"
    found: dict[tuple[str, DropKey], dict[int, tuple[int, int]]] = defaultdict(dict)
    for row in reader.rows(f"""
            WITH {layers.drops(f"{drop_clause(reader.scope)} AND {AT_MOST} > 0", f"{layers.WITHIN} AND {same_step}")},
            d AS MATERIALIZED (
                SELECT run_id, location_id, kind_id, interface_id, (max(first_ns, :since) - :start) / :step AS step,
                       min(first_ns) AS first, max(last_ns) AS last
                FROM drop_rows GROUP BY run_id, location_id, kind_id, interface_id, step)
            SELECT host_of(r.id), {KEY}, d.step, d.first, d.last FROM d {KEY_JOINS}""",
                           start=start_ns, step=step_ns):
        step, first_ns, last_ns = cast("tuple[int, int, int]", row[16:])
        own = found[cast("str", row[0]), key_of(row)]
        before = own.get(step, (first_ns, last_ns))
        own[step] = min(first_ns, before[0]), max(last_ns, before[1])
    return found
