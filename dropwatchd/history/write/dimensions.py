"""Row ids of what is told again and again: places, kinds, namespaces, devices and counters, found or made."""

import json
from collections.abc import Hashable, Iterable, Mapping
from sqlite3 import Connection
from typing import Any, NamedTuple

from dropwatchd.history.statements import DESCRIBE_DEVICE, INSERT_COUNTERS, NAME_NAMESPACE, SEE, SEE_NAMESPACES
from dropwatchd.history.write.connection import insert_id, scalar
from dropwatchd.history.write.forget import SEEN_EVERY_NS
from dropwatchd.model import CounterKey, Device, DropKey, Interface, Kind, Location, Namespace


class _Table(NamedTuple):
    """A table and its natural key: the columns, and what stands for NULL in those that may be."""

    name: str
    key: Mapping[str, str]

    def finding(self) -> str:
        """Return the query for a natural key, in the words of the table's index: any others would not use it."""
        same = (f'coalesce("{column}", {nothing}) = coalesce(:{column}, {nothing})' if nothing else
                f"{column} = :{column}" for column, nothing in self.key.items())
        return f"SELECT id FROM {self.name} WHERE {' AND '.join(same)}"  # noqa: S608 - names of our own


_LOCATIONS = _Table("locations", {"symbol": "''", "offset": "-1", "module": "''", "address": "''"})
_KINDS = _Table("kinds", {"reason": "''", "protocol": "-1", "origin": "", "trap": "''", "trap_group": "''"})
_NAMESPACES = _Table("namespaces", {"boot_id": "", "cookie": "-1", "inode": "-1", "name": "''"})
_INTERFACES = _Table("interfaces", {"boot_id": "", "namespace_id": "-1", "ifindex": "-1", "name": "''"})
_COUNTERS = _Table("counters", {"collector": "", "name": "", "namespace_id": "-1", "ifindex": "-1", "interface": "''",
                                "labels": ""})
_FIND = {table.name: table.finding() for table in (_LOCATIONS, _KINDS, _NAMESPACES, _INTERFACES, _COUNTERS)}
_NEW_COUNTERS = f"SELECT id, {', '.join(_COUNTERS.key)} FROM counters WHERE id > ?"  # noqa: S608 - names of our own
_ENTITY = "SELECT min(entity) FROM namespaces WHERE entity > 0 AND "

_FOR_LIFE = {"container", "pod", "unit"}  # a namespace is of these from its begin, though it be known later
_KNOWN_LIMIT = 20_000  # rows remembered; beyond that they are looked up again
Place = tuple[int, int, int]  # the rows of a location, a kind and an interface


class Dimensions:
    """Remembers ids, within transactions of one connection; where one fails, it has to forget what it made in it."""

    def __init__(self, connection: Connection, boot_id: str) -> None:
        self._connection = connection
        self._boot_id = boot_id
        self._known: dict[Hashable, int] = {}
        self._places: dict[DropKey, tuple[Place, int]] = {}  # and until when they need not be told to be seen
        self._seen: dict[tuple[str, int], int] = {}  # until when a row is on record as referred to
        self._namespaces: dict[int, Namespace] = {}

    def forget(self) -> None:
        """Look up everything again: rows have been removed, or not been made, and their ids may be given to others."""
        self._known, self._places, self._seen = {}, {}, {}

    def begin(self) -> None:
        """Begin a transaction, with bounded memory."""
        if max(len(self._known), len(self._places)) > _KNOWN_LIMIT:
            self.forget()

    def name(self, namespaces: Mapping[int, Namespace]) -> None:
        """Learn what numbers stand for that counters, events and watches refer to."""
        self._namespaces |= namespaces

    def describe(self, devices: Iterable[Device]) -> None:
        """Write what devices are."""
        for device in devices:
            there = self._namespaces.get(device.netns) or Namespace(device.netns, device.netns)
            interface = Interface(device.netns, device.ifindex, device.name, there.name, there.inode, there.kind)
            row = self.interface(interface, device.time_ns)
            self._connection.execute(DESCRIBE_DEVICE, (device.kind, device.driver, device.peer, row))

    def place(self, key: DropKey, first_ns: int, last_ns: int) -> Place:
        """Return what drops between two times refer to, and have it on record as seen."""
        place, due_ns = self._places.get(key, (None, 0))
        if place is None or last_ns > due_ns:
            location, kind = self.location(key.location, last_ns), self.kind(key.kind, last_ns)
            place = location, kind, self.interface(key.interface, first_ns)
            told_ns = min(self._seen.get(row, 0) for row in (("locations", location), ("kinds", kind)))
            self._places[key] = place, told_ns + SEEN_EVERY_NS
        return place

    def location(self, location: Location, time_ns: int) -> int:
        row = self._known.get(("locations", location))
        if row is None:
            address = None if location.address is None else f"0x{location.address:016x}"
            row = self._id(_LOCATIONS, location, {**location._asdict(), "address": address}, {"seen_ns": time_ns})
        self._see("locations", [(time_ns, row)])
        return row

    def kind(self, kind: Kind, time_ns: int) -> int:
        row = self._known.get(("kinds", kind))
        if row is None:
            row = self._id(_KINDS, kind, kind._asdict(), {"seen_ns": time_ns})
        self._see("kinds", [(time_ns, row)])
        return row

    def interface(self, interface: Interface, time_ns: int) -> int:
        known = self._known.get(("interfaces", interface))
        if known is not None:
            return known
        namespace_id = None
        if interface.netns is not None:
            cookie = interface.netns if interface.netns != interface.netns_inode else None
            namespace_id = self.namespace(Namespace(interface.netns, interface.netns_inode, interface.netns_name,
                                                    interface.netns_kind, cookie), time_ns)
        return self._id(
            _INTERFACES, interface,
            {"boot_id": self._boot_id, "namespace_id": namespace_id, "ifindex": interface.ifindex,
             "name": interface.name},
            {"valid_from_ns": time_ns, "valid_until_ns": time_ns})

    def namespace_number(self, number: int | None, time_ns: int) -> int | None:
        """Return the row of a namespace that a number was told for; None stands for none."""
        if number is None:
            return None
        return self.namespace(self._namespaces.get(number) or Namespace(number, number), time_ns)

    def namespace(self, namespace: Namespace, time_ns: int) -> int:
        known = self._known.get(("namespaces", namespace))
        if known is not None:
            return known
        key = {"boot_id": self._boot_id, "cookie": namespace.cookie, "inode": namespace.inode, "name": namespace.name}
        if namespace.cookie and namespace.name and namespace.kind in _FOR_LIFE:
            self._connection.execute(
                NAME_NAMESPACE, (namespace.name, namespace.kind, self._boot_id, namespace.cookie))
        row = self._find(_NAMESPACES, key)
        if row is None:
            row = insert_id(self._connection, "namespaces", {
                **key, "kind": namespace.kind, "entity": 0, "valid_from_ns": time_ns, "valid_until_ns": time_ns})
            self._connection.execute("UPDATE namespaces SET entity = ? WHERE id = ?",
                                     (self._entity(namespace) or row, row))
        self._connection.execute(SEE_NAMESPACES, (time_ns, row))
        self._known["namespaces", namespace] = row
        return row

    def _entity(self, namespace: Namespace) -> int | None:
        """Return the first row of the same namespace; the initial one is the same in every boot."""
        if namespace.kind == "initial":
            same = "kind = 'initial'"
        else:
            same = f"boot_id = :boot AND cookie IS :cookie{'' if namespace.cookie else ' AND inode IS :inode'}"
        found: int | None = scalar(self._connection, _ENTITY + same, {
            "boot": self._boot_id, "cookie": namespace.cookie, "inode": namespace.inode})
        return found

    def counters(self, gauges: Mapping[CounterKey, bool], times: Mapping[CounterKey, int]) -> dict[CounterKey, int]:
        """Return the ids of counters; those that are new are made all at once: a first round has thousands of them."""
        unknown = [key for key in gauges if ("counters", key) not in self._known]
        if unknown:
            rows = [{"collector": key.collector, "name": key.name, "ifindex": key.ifindex, "interface": key.interface,
                     "namespace_id": self.namespace_number(key.netns, 0), "labels": json.dumps(dict(key.labels)),
                     "gauge": gauges[key], "seen_ns": times[key]} for key in unknown]
            last = scalar(self._connection, "SELECT coalesce(max(id), 0) FROM counters")
            self._connection.executemany(INSERT_COUNTERS, rows)
            new = {row[1:]: row[0] for row in self._connection.execute(_NEW_COUNTERS, (last,))}
            for key, row in zip(unknown, rows, strict=True):
                found = new.get(tuple(row[column] for column in _COUNTERS.key)) or self._find(_COUNTERS, row)
                assert found is not None  # noqa: S101 - it was inserted just now, or was there
                self._known["counters", key] = found
        ids = {key: self._known["counters", key] for key in gauges}
        self._see("counters", [(times[key], row) for key, row in ids.items()])
        return ids

    def _see(self, table: str, rows: Iterable[tuple[int, int]]) -> None:
        """Have it on record, to within an hour, that rows are referred to: (time, row)."""
        due = [(time_ns, row) for time_ns, row in rows if time_ns > self._seen.get((table, row), 0) + SEEN_EVERY_NS]
        self._connection.executemany(SEE[table], due)
        self._seen |= {(table, row): time_ns for time_ns, row in due}

    def _id(self, table: _Table, key: Hashable, row: dict[str, Any], rest: dict[str, Any]) -> int:
        """Return an id; named tuples of nothing are equal to each other, so a table is part of what is remembered."""
        found = self._find(table, row)
        known = insert_id(self._connection, table.name, row | rest) if found is None else found
        self._known[table.name, key] = known
        return known

    def _find(self, table: _Table, row: dict[str, Any]) -> int | None:
        """Return the row of a natural key; NULL is a value like any other."""
        found: int | None = scalar(self._connection, _FIND[table.name], row)
        return found
