"""Takes out of the central history what a report asks for, into one of the same kind as each host has."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import connect, explained, psycopg
from dropwatchd.history.fleet.shards import Shards, ask
from dropwatchd.history.fleet.taken import Taken
from dropwatchd.history.read.pulled import Pulled
from dropwatchd.history.read.scope import Scope

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def opened(url: str, *, whole: bool = False) -> Iterator[Pulled]:
    """Give what a Reader takes for a connection; raise FleetError.

    With `whole` nothing is added up, whatever the window is, and it is taken into a temporary file: it may be much.
    """
    with connect(url) as connection:
        try:
            shards = ask(connection)
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")  # a pool's session stays as it was
            connection.execute("SET LOCAL jit = off")  # compiling takes longer than these queries
            connection.execute("SET LOCAL work_mem = '64MB'")  # so that sums are made in memory, without sorting rows
            connection.execute("SET LOCAL cursor_tuple_fraction = 1")  # all that they find is taken
            with ThreadPoolExecutor(1) as ahead:
                puller = _Puller(connection, shards, whole, ahead)
                try:
                    yield puller.connection()
                except BaseException:
                    fault = puller.fault()
                    if not all(one.done() for one in puller.expected()):
                        connection.cancel()
                    if fault:
                        raise fault from None
                    raise
        except psycopg().Error as error:
            raise explained(error) from error


@dataclass(slots=True)
class _Puller:
    """Takes each window once, all from one snapshot."""

    source: "Connection[Any]"
    shards: Shards
    whole: bool
    ahead: Executor
    taken: list["Taken"] = field(default_factory=list)

    def connection(self) -> Pulled:
        made = sqlite3.connect(":memory:", isolation_level=None, factory=Pulled)
        made.pull = self.pull
        made.told = self.shards.told
        return made

    def pull(self, scope: Scope) -> sqlite3.Connection:
        for window in self.taken:
            if window.has(scope):
                return window
        made = sqlite3.connect("" if self.whole else ":memory:", isolation_level=None, factory=Taken)
        made.pull = self.pull
        made.begin(self.source, scope, self.shards, None if self.whole else self.ahead)
        self.taken.append(made)
        return made

    def expected(self) -> "list[Future[Any]]":
        """Return what was asked for ahead, and not taken yet."""
        return [one for window in self.taken for one in window.expected.values()]

    def fault(self) -> BaseException | None:
        """Return why that has failed, after which nothing more can be asked for."""
        return next((fault for one in self.expected() if one.done() and (fault := one.exception())), None)
