"""Call stacks of the kernel, of a history."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from typing import NamedTuple, cast

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import host_clause
from dropwatchd.model import Location


class StackRow(NamedTuple):
    """How the kernel came to the first drop of a place and reason; `frames` as they are stored, the innermost first."""

    host: str
    location: Location
    reason: str | None
    frames: tuple[str, ...]


def stacks(reader: Reader) -> list[StackRow]:
    """Return the call stacks of all runs of the scope's hosts, the newest first."""
    rows = reader.rows(f"""
        SELECT host_of(r.id), l.symbol, l.offset, l.module, l.address, f.reason, s.frames
        FROM first_stacks f JOIN stacks s ON s.id = f.stack_id JOIN locations l ON l.id = f.location_id
             JOIN runs r ON r.id = f.run_id
        WHERE {host_clause(reader.scope)} ORDER BY r.id DESC, l.id, f.reason""")
    return [_row(cast("_Columns", row)) for row in rows]


_Columns = tuple[str, str | None, int | None, str | None, str | None, str, str]


def _row(row: _Columns) -> StackRow:
    host, symbol, offset, module, address, reason, frames = row
    place = Location(symbol, offset, module, None if address is None else int(address, 16))
    return StackRow(host, place, reason or None, tuple(frames.split("\n")))
