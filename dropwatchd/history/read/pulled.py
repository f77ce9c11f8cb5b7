"""A connection to what was taken out of a larger history for one window: another window takes another one."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from dropwatchd.history.read.scope import Scope


class Pulled(sqlite3.Connection):
    """`pull` returns a connection to a history in which all is that a scope asks for, and perhaps more.

    `told` is what could not be taken, in a line each. `places` are those of runs among all of their host, the newest 1:
    not all of them are here.
    """

    pull: Callable[[Scope], sqlite3.Connection]
    told: Sequence[str] = ()
    places: Mapping[int, int] = MappingProxyType({})

    def expect(self, table: str) -> None:
        """Hear that a table will be asked for soon."""

    def sum_drops(self, scope: Scope, start_ns: int, step_ns: int) -> bool:  # noqa: ARG002 - of what has sums
        """Say whether the table drop_sums stands for the rows in the midst of a scope, with their shape in these steps.

        A query that names it is taken to add it to the rows of drops; to one that does not, all are rows of drops.
        """
        return False

    def has_sums(self, scope: Scope) -> bool:  # noqa: ARG002
        """Say whether that table is there, and right for a scope."""
        return False

    def refine(self, runs: Collection[int]) -> None:
        """Have all rows of some runs in drops, and none in drop_sums."""


def has_sums(connection: sqlite3.Connection, scope: Scope) -> bool:
    """Say whether some rows of drops of a scope are in the table drop_sums: see Pulled."""
    return isinstance(connection, Pulled) and connection.has_sums(scope)
