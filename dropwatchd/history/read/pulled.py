"""A connection to what was taken out of a larger history for one window: another window takes another one."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
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
