"""The totals of a history as rows: all drops that were ever written, whatever has expired since."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from dataclasses import dataclass
from typing import cast

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import run_clause
from dropwatchd.model import DropKey, Interface, Kind, Location, Origin


@dataclass(frozen=True, slots=True)
class EverRow:
    """How many packets were dropped since the history began.

    `folded` is 1 where those of all interfaces and namespaces are added up, 2 where those of all reasons and functions
    are too: see history/schema.py. `netns` is a name, or net:[inode].
    """

    folded: int
    symbol: str | None
    module: str | None
    reason: str | None
    origin: Origin
    trap: str | None
    interface: str | None
    netns: str | None
    count: int

    def key(self) -> DropKey:
        """Return what a cause is looked up by."""
        return DropKey(Location(self.symbol, None, self.module), Kind(self.reason, None, self.origin, self.trap),
                       Interface(None, None, self.interface, self.netns))


def has_totals(reader: Reader) -> bool:
    """Say whether the history has totals at all: up to revision 0006 it has none."""
    return bool(list(reader.rows("SELECT 1 FROM sqlite_master WHERE name = 'totals'")))


def ever(reader: Reader) -> list[EverRow]:
    """Return the totals of the hosts that are asked for, in the order in which they first came."""
    rows = reader.rows(f"""
        SELECT folded, symbol, module, reason, origin, trap, interface, netns, count FROM totals
        WHERE machine_id IN (SELECT r.machine_id FROM runs r WHERE {run_clause(reader.scope)}) ORDER BY id""")
    return [EverRow(*cast("tuple[int, str | None, str | None, str | None, Origin, str | None, str | None, str | None,"
                          " int]", row)) for row in rows]


def began_ns(reader: Reader) -> int | None:
    """Return when the first run began: from then on drops were added up."""
    [(first_ns,)] = reader.rows(f"""
        SELECT (SELECT r.started_ns FROM runs r WHERE {run_clause(reader.scope)} ORDER BY r.id LIMIT 1)""")
    return cast("int | None", first_ns)
