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


Rows = dict[TotalKey, int]
_COLUMNS = ", ".join(TotalKey._fields)
_FIND = f"SELECT id, {_COLUMNS} FROM totals"  # noqa: S608 - names of our own
_INSERT = f"INSERT INTO totals (id, {_COLUMNS}, count) VALUES (?, {', '.join('?' * len(TotalKey._fields))}, ?)"  # noqa: S608
_ADD = "UPDATE totals SET count = count + ? WHERE id = ?"


def add(connection: Connection, machine_id: str, drops: Iterable[Drop], known: Rows | None) -> Rows | None:
    """Add drops to the totals, in the transaction that writes them. Who comes first stays apart.

    `known` are the rows that there are, with their ids, None where they have not been read yet; they are returned as
    they will be when the transaction has ended.
    """
    sums: Counter[TotalKey] = Counter()
    for drop in drops:
        sums[_key(machine_id, drop)] += drop.count
    if not sums:
        return known
    if known is None:
        known = {TotalKey(*row[1:]): row[0] for row in connection.exec_driver_sql(_FIND)}
    rows, there = dict(known), Counter(key.folded for key in known)
    found: Counter[TotalKey] = Counter()
    for exact, count in sums.items():
        key = next(key for key in (exact, *_folded(exact)) if key in rows or _has_room(key, there))
        if key not in rows:
            there[key.folded] += 1
            rows[key] = max(rows.values(), default=0) + 1
        found[key] += count
    if old := [(count, rows[key]) for key, count in found.items() if key in known]:
        connection.exec_driver_sql(_ADD, old)
    if new := [(rows[key], *key, count) for key, count in found.items() if key not in known]:
        connection.exec_driver_sql(_INSERT, new)
    return rows


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
