"""A connection to what was taken out of a larger history for one window: another window takes another one."""

import sqlite3
from collections.abc import Callable

from dropwatchd.history.scope import Scope


class Pulled(sqlite3.Connection):
    """`pull` returns a connection to a history in which all is that a scope asks for, and perhaps more."""

    pull: Callable[[Scope], sqlite3.Connection]
