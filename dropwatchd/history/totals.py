"""Adds drops up for good: totals by what they are told apart by, which neither fold nor expire, and never fall."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from dropwatchd.model import Drop, Origin

# Rows that are kept apart by place and all, and beyond these by all but the place: names of devices and namespaces come
# and go without end, those of functions and reasons do not. What has no room then is added up.
APART, PLACELESS = 400, 200
EXACT, NO_PLACE, REST = range(3)


class TotalKey(NamedTuple):
    """What is added up; `folded` says what is not told apart any more: nothing, the place, all but the origin."""

    folded: int
    machine_id: str
    symbol: str | None
    module: str | None
    reason: str | None
    origin: Origin
    trap: str | None
    interface: str | None
    netns: str | None


_COLUMNS = ", ".join(TotalKey._fields)
_FIND = f"SELECT id, {_COLUMNS} FROM totals"  # noqa: S608 - names of our own
_INSERT = f"INSERT INTO totals ({_COLUMNS}, count) VALUES ({', '.join('?' * (len(TotalKey._fields) + 1))})"  # noqa: S608
_ADD = "UPDATE totals SET count = count + ? WHERE id = ?"


def add(connection: Connection, machine_id: str, drops: Iterable[Drop]) -> None:
    """Add drops to the totals, in the transaction that writes them. Who comes first stays apart."""
    sums: Counter[TotalKey] = Counter()
    for drop in drops:
        sums[_key(machine_id, drop)] += drop.count
    if not sums:
        return
    rows = {TotalKey(*row[1:]): row[0] for row in connection.exec_driver_sql(_FIND)}
    found: Counter[TotalKey] = Counter()
    there = Counter(key.folded for key in rows)
    for exact, count in sums.items():
        key = next(key for key in (exact, *_folded(exact)) if key in rows or key in found or _has_room(key, there))
        if key not in rows and key not in found:
            there[key.folded] += 1
        found[key] += count
    if known := [(count, rows[key]) for key, count in found.items() if key in rows]:
        connection.exec_driver_sql(_ADD, known)
    if new := [(*key, count) for key, count in found.items() if key not in rows]:
        connection.exec_driver_sql(_INSERT, new)


def _key(machine_id: str, drop: Drop) -> TotalKey:
    location, kind, interface = drop.key
    inode = None if interface.netns is None else f"net:[{interface.netns_inode or interface.netns}]"
    return TotalKey(EXACT, machine_id, location.symbol, location.module, kind.reason, kind.origin, kind.trap,
                    interface.name, interface.netns_name or inode)


def _folded(key: TotalKey) -> tuple[TotalKey, TotalKey]:
    placeless = key._replace(folded=NO_PLACE, interface=None, netns=None)
    return placeless, placeless._replace(folded=REST, symbol=None, module=None, reason=None, trap=None)


def _has_room(key: TotalKey, there: Counter[int]) -> bool:
    return key.folded == REST or there[key.folded] < (APART, PLACELESS)[key.folded]
