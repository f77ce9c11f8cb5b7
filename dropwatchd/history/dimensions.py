"""Row ids of what is told again and again: places, kinds, namespaces, devices and counters, found or made."""

import json
from collections.abc import Hashable, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, Text, func, select
from sqlalchemy.dialects.sqlite import insert

from dropwatchd.history import schema as s
from dropwatchd.history.forget import SEEN_EVERY_NS
from dropwatchd.history.statements import DESCRIBE_DEVICE, NAME_NAMESPACE, SEE, SEE_NAMESPACES
from dropwatchd.model import CounterKey, Device, Interface, Kind, Location, Namespace

_COUNTER_KEY = [s.counters.c[name] for name in ("collector", "name", "ifindex", "interface", "namespace_id", "labels")]
_FOR_LIFE = {"container", "pod", "unit"}  # a namespace is of these from its begin, though it be known later
_KNOWN_LIMIT = 20_000  # rows remembered; beyond that they are looked up again


class Dimensions:
    """Remembers ids; a copy that was filled in a transaction counts once that is committed."""

    def __init__(self, boot_id: str) -> None:
        self._boot_id = boot_id
        self._known: dict[Hashable, int] = {}
        self._seen: dict[tuple[Table, int], int] = {}  # until when a row is on record as referred to
        self._namespaces: dict[int, Namespace] = {}
        self._connection: Connection

    def copy(self) -> "Dimensions":
        made = Dimensions(self._boot_id)
        if len(self._known) < _KNOWN_LIMIT:
            made._known, made._seen = dict(self._known), dict(self._seen)
        made._namespaces = dict(self._namespaces)
        return made

    def forget(self) -> None:
        """Look up everything again: rows have been removed, and their ids may be given to others."""
        self._known, self._seen = {}, {}

    def begin(self, connection: Connection) -> None:
        """Work within a transaction."""
        self._connection = connection

    def name(self, namespaces: Mapping[int, Namespace]) -> None:
        """Learn what numbers stand for that counters, events and watches refer to."""
        self._namespaces |= namespaces

    def describe(self, devices: Iterable[Device]) -> None:
        """Write what devices are."""
        for device in devices:
            there = self._namespaces.get(device.netns) or Namespace(device.netns, device.netns)
            interface = Interface(device.netns, device.ifindex, device.name, there.name, there.inode, there.kind)
            row = self.interface(interface, device.time_ns)
            self._connection.exec_driver_sql(DESCRIBE_DEVICE, (device.kind, device.driver, device.peer, row))

    def location(self, location: Location, time_ns: int) -> int:
        row = self._known.get((s.locations, location))
        if row is None:
            address = None if location.address is None else f"0x{location.address:016x}"
            row = self._id(s.locations, location, {**location._asdict(), "address": address}, {"seen_ns": time_ns})
        self._see(s.locations, [(time_ns, row)])
        return row

    def kind(self, kind: Kind, time_ns: int) -> int:
        row = self._known.get((s.kinds, kind))
        if row is None:
            row = self._id(s.kinds, kind, kind._asdict(), {"seen_ns": time_ns})
        self._see(s.kinds, [(time_ns, row)])
        return row

    def interface(self, interface: Interface, time_ns: int) -> int:
        known = self._known.get((s.interfaces, interface))
        if known is not None:
            return known
        namespace_id = None
        if interface.netns is not None:
            cookie = interface.netns if interface.netns != interface.netns_inode else None
            namespace_id = self.namespace(Namespace(interface.netns, interface.netns_inode, interface.netns_name,
                                                    interface.netns_kind, cookie), time_ns)
        return self._id(
            s.interfaces, interface,
            {"boot_id": self._boot_id, "namespace_id": namespace_id, "ifindex": interface.ifindex,
             "name": interface.name},
            {"valid_from_ns": time_ns, "valid_until_ns": time_ns})

    def namespace_number(self, number: int | None, time_ns: int) -> int | None:
        """Return the row of a namespace that a number was told for; None stands for none."""
        if number is None:
            return None
        return self.namespace(self._namespaces.get(number) or Namespace(number, number), time_ns)

    def namespace(self, namespace: Namespace, time_ns: int) -> int:
        known = self._known.get((s.namespaces, namespace))
        if known is not None:
            return known
        key = {"boot_id": self._boot_id, "cookie": namespace.cookie, "inode": namespace.inode, "name": namespace.name}
        if namespace.cookie and namespace.name and namespace.kind in _FOR_LIFE:
            self._connection.exec_driver_sql(
                NAME_NAMESPACE, (namespace.name, namespace.kind, self._boot_id, namespace.cookie))
        row = self._find(s.namespaces, key)
        if row is None:
            row = insert_id(self._connection, s.namespaces, {
                **key, "kind": namespace.kind, "entity": 0, "valid_from_ns": time_ns, "valid_until_ns": time_ns})
            self._connection.execute(s.namespaces.update().where(s.namespaces.c.id == row).values(
                entity=self._entity(namespace) or row))
        self._connection.exec_driver_sql(SEE_NAMESPACES, (time_ns, row))
        self._known[s.namespaces, namespace] = row
        return row

    def _entity(self, namespace: Namespace) -> int | None:
        """Return the first row of the same namespace; the initial one is the same in every boot."""
        n = s.namespaces.c
        if namespace.kind == "initial":
            same = [n.kind == "initial"]
        else:
            same = [n.boot_id == self._boot_id, n.cookie.is_not_distinct_from(namespace.cookie)]
            same += [] if namespace.cookie else [n.inode.is_not_distinct_from(namespace.inode)]
        found: int | None = self._connection.execute(select(func.min(n.entity)).where(*same, n.entity > 0)).scalar()
        return found

    def counters(self, gauges: Mapping[CounterKey, bool], times: Mapping[CounterKey, int]) -> dict[CounterKey, int]:
        """Return the ids of counters; those that are new are made all at once: a first round has thousands of them."""
        unknown = [key for key in gauges if (s.counters, key) not in self._known]
        if unknown:
            rows = [{"collector": key.collector, "name": key.name, "ifindex": key.ifindex, "interface": key.interface,
                     "namespace_id": self.namespace_number(key.netns, 0), "labels": json.dumps(dict(key.labels)),
                     "gauge": gauges[key], "seen_ns": times[key]} for key in unknown]
            last = self._connection.execute(select(func.coalesce(func.max(s.counters.c.id), 0))).scalar_one()
            self._connection.execute(insert(s.counters).on_conflict_do_nothing(), rows)
            made = self._connection.execute(select(s.counters.c.id, *_COUNTER_KEY).where(s.counters.c.id > last))
            new = {row[1:]: row[0] for row in made}
            for key, row in zip(unknown, rows, strict=True):
                own = {column.name: row[column.name] for column in _COUNTER_KEY}
                found = new.get((*own.values(),)) or self._find(s.counters, own)
                assert found is not None  # noqa: S101 - it was inserted just now, or was there
                self._known[s.counters, key] = found
        ids = {key: self._known[s.counters, key] for key in gauges}
        self._see(s.counters, [(times[key], row) for key, row in ids.items()])
        return ids

    def _see(self, table: Table, rows: Iterable[tuple[int, int]]) -> None:
        """Have it on record, to within an hour, that rows are referred to: (time, row)."""
        due = [(time_ns, row) for time_ns, row in rows if time_ns > self._seen.get((table, row), 0) + SEEN_EVERY_NS]
        if due:
            self._connection.exec_driver_sql(SEE[table.name], due)
            self._seen |= {(table, row): time_ns for time_ns, row in due}

    def _id(self, table: Table, key: Hashable, row: Mapping[str, Any], rest: Mapping[str, Any] | None = None) -> int:
        """Return an id; named tuples of nothing are equal to each other, so a table is part of what is remembered."""
        known = self._known.get((table, key))
        if known is None:
            found = self._find(table, row)
            known = found if found is not None else insert_id(self._connection, table, {**row, **(rest or {})})
            self._known[table, key] = known
        return known

    def _find(self, table: Table, row: Mapping[str, Any]) -> int | None:
        """Return the row of a natural key; NULL is a value like any other."""
        found: int | None = self._connection.exec_driver_sql(_finding(table, *row), (*row.values(),)).scalar()
        return found


@cache
def _finding(table: Table, *names: str) -> str:
    """Return the query for a natural key, in the words of the table's index: any others would not use it."""
    conditions = []
    for name in names:
        column = table.c[name]
        nothing = "''" if isinstance(column.type, Text) else "-1"
        same = f'coalesce("{name}", {nothing}) = coalesce(?, {nothing})'
        conditions.append(same if column.nullable else f"{name} = ?")
    return f"SELECT id FROM {table.name} WHERE {' AND '.join(conditions)}"  # noqa: S608 - names of our own schema


def insert_id(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Insert a row and return its id."""
    inserted = connection.execute(insert(table), row).inserted_primary_key
    assert inserted is not None  # noqa: S101 - one row, one integer key
    return int(inserted[0])
