"""The rows of drops as they are on record: of a second, a minute or an hour, whatever a report's steps are."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import cast

from dropwatchd.history.read.reader import KEY, KEY_JOINS, Reader, key_of
from dropwatchd.history.read.scope import WINDOWS, drop_clause
from dropwatchd.model import DropKey


@dataclass(frozen=True, slots=True)
class Fine:
    """Some drops of a window: when it begins, how long it is, and the times of its first and last drop."""

    start_ns: int
    width_ns: int
    count: int
    first_ns: int
    last_ns: int


def fine(reader: Reader, subjects: Collection[tuple[str, DropKey]]) -> Iterator[Fine]:
    """Yield the windows of these hosts and keys within the reader's scope, in the order of time."""
    clause = f"{WINDOWS} AND {drop_clause(reader.scope)}"
    ids = {row[-4:] for row in reader.rows(f"""
        SELECT host_of(r.id), {KEY}, d.run_id, d.location_id, d.kind_id, d.interface_id
        FROM (SELECT DISTINCT run_id, location_id, kind_id, interface_id FROM drops WHERE {clause}) d {KEY_JOINS}""")
           if (cast("str", row[0]), key_of(row)) in subjects}
    for row in reader.rows(f"""
            SELECT window_start_ns, window_width_ns, count, first_ns, last_ns,
                   run_id, location_id, kind_id, interface_id
            FROM drops d WHERE {clause} ORDER BY window_start_ns, window_width_ns"""):
        if row[5:] in ids:
            yield Fine(*cast("tuple[int, int, int, int, int]", row[:5]))
