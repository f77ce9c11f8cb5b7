"""What row ids of a history stand for, as keys that any host and any time would give them."""

# ruff: noqa: S608 - the SQL is put together from names of columns; values are bound.

import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from dropwatchd.history.fleet.keys import key

Row = tuple[Any, ...]
_FOR_LIFE = {"container", "pod", "unit"}  # such a name comes later into a row that is there: it is no part of the key
_key = lru_cache(maxsize=65_536)(key)


class Named(NamedTuple):
    """A row that others refer to: its key, what is sent of it, and up to when it was seen."""

    key: int
    row: Row
    seen_ns: int


class Names:
    """The names of one snapshot, by table and row id. What is no text of PostgreSQL is made readable: see `clean`."""

    def __init__(self, connection: sqlite3.Connection, machine_id: str) -> None:
        self._machine_id = machine_id
        self.locations = self._table(connection, "locations", ("symbol", "offset", "module", "address", "seen_ns"),
                                     lambda row: Named(_key(*row[:4]), row[:4], row[4]))
        self.kinds = self._table(connection, "kinds", ("reason", "protocol", "origin", "trap", "trap_group", "seen_ns"),
                                 lambda row: Named(_key(*row[:5]), row[:5], row[5]))
        self.namespaces = self._table(
            connection, "namespaces",
            ("boot_id", "cookie", "inode", "name", "kind", "valid_from_ns", "valid_until_ns"), self._namespace)
        self.interfaces = self._table(
            connection, "interfaces",
            ("boot_id", "namespace_id", "ifindex", "name", "kind", "driver", "peer", "valid_from_ns", "valid_until_ns"),
            self._interface)
        self.counters = self._table(
            connection, "counters",
            ("collector", "name", "namespace_id", "ifindex", "interface", "labels", "gauge", "seen_ns"), self._counter)

    def namespace(self, row_id: int | None) -> int | None:
        """Return the key of a namespace, None where none is meant."""
        return None if row_id is None else self.namespaces[row_id].key

    @staticmethod
    def _table(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], named: Any) -> dict[int, Named]:
        rows = connection.execute(f"""SELECT id, {', '.join(f'"{name}"' for name in columns)} FROM {table}""")
        return {row[0]: named(clean(row[1:])) for row in rows}

    def _namespace(self, row: Row) -> Named:
        boot, cookie, inode, name, kind, since_ns, until_ns = row
        own = _key(self._machine_id, boot, cookie, inode, None if kind in _FOR_LIFE else name)
        if kind == "initial":
            entity = _key(self._machine_id, kind)
        else:
            entity = _key(self._machine_id, boot, *(("cookie", cookie) if cookie else ("inode", inode)))
        return Named(own, (entity, boot, cookie, inode, name, kind, since_ns, until_ns), until_ns)

    def _interface(self, row: Row) -> Named:
        boot, namespace_id, ifindex, name, *rest = row
        there = self.namespace(namespace_id)
        return Named(_key(self._machine_id, boot, there, ifindex, name), (boot, there, ifindex, name, *rest), row[-1])

    def _counter(self, row: Row) -> Named:
        collector, name, namespace_id, ifindex, interface, labels, gauge, seen_ns = row
        there = self.namespace(namespace_id)
        return Named(_key(self._machine_id, collector, name, there, ifindex, interface, labels),
                     (collector, name, there, ifindex, interface, labels, bool(gauge)), seen_ns)


def clean(row: Iterable[Any]) -> Row:
    """Return a row as PostgreSQL can take it, whose texts have no NUL."""
    return (*(value.replace("\0", "\\x00") if isinstance(value, str) else value for value in row),)
