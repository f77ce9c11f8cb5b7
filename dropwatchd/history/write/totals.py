"""Adds drops up for good: totals by what they are told apart by, which neither fold nor expire, and never fall."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from sqlite3 import Connection
from typing import NamedTuple

from dropwatchd.model import Drop, DropKey, Origin

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
_INSERT = f"INSERT INTO totals (id, {_COLUMNS}, count) VALUES (?, {', '.join('?' * len(TotalKey._fields))}, 0)"  # noqa: S608
_ADD = "UPDATE totals SET count = count + ? WHERE id = ?"
_KNOWN_LIMIT = 20_000  # keys remembered; beyond that they are looked for again


class Totals:
    """The totals that drops of one machine are added to. Who comes first stays apart."""

    def __init__(self, machine_id: str) -> None:
        self._machine_id = machine_id
        self._rows: dict[TotalKey, int] = {}
        self._there: Counter[int] = Counter()  # rows, by what they do not tell apart
        self._known: dict[DropKey, int] = {}

    def forget(self) -> None:
        """Read the rows again, for a transaction has failed that may have made some."""
        self._rows, self._known = {}, {}

    def add(self, connection: Connection, drops: Iterable[Drop]) -> None:
        """Add drops, in the transaction that writes them."""
        if len(self._known) > _KNOWN_LIMIT:
            self._known = {}
        sums: dict[int, int] = defaultdict(int)
        for drop in drops:
            row = self._known.get(drop.key)
            if row is None:
                row = self._known[drop.key] = self._row(connection, _key(self._machine_id, drop.key))
            sums[row] += drop.count
        connection.executemany(_ADD, [(count, row) for row, count in sums.items()])

    def _row(self, connection: Connection, exact: TotalKey) -> int:
        """Return where to add what has a key: to a row that there is, or a new one as long as there is room."""
        if not self._rows:
            self._rows = {TotalKey(*row[1:]): row[0] for row in connection.execute(_FIND)}
            self._there = Counter(key.folded for key in self._rows)
        key = next(key for key in (exact, *_folded(exact)) if key in self._rows or self._has_room(key))
        if key not in self._rows:
            self._rows[key] = max(self._rows.values(), default=0) + 1
            self._there[key.folded] += 1
            connection.execute(_INSERT, (self._rows[key], *key))
        return self._rows[key]

    def _has_room(self, key: TotalKey) -> bool:
        return key.folded == REST or self._there[key.folded] < (APART, PLACELESS)[key.folded]


def _key(machine_id: str, key: DropKey) -> TotalKey:
    location, kind, interface = key
    inode = None if interface.netns is None else f"net:[{interface.netns_inode or interface.netns}]"
    return TotalKey(EXACT, machine_id, location.symbol, location.module, kind.reason, kind.origin, kind.trap,
                    interface.name, interface.netns_name or inode)


def _folded(key: TotalKey) -> tuple[TotalKey, TotalKey]:
    placeless = key._replace(folded=NO_PLACE, interface=None, netns=None)
    return placeless, placeless._replace(folded=REST, symbol=None, module=None, reason=None, trap=None)
