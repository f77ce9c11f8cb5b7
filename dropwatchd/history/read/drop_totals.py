"""Sums of drops by key: made of rows as SQLite gives them, and the part of them that samples say is asked for."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

from dropwatchd.history.read.portioned import Portioned
from dropwatchd.model import Drop, DropKey, Interface, Kind, Location, Origin

Row = tuple[object, ...]

_LocationRow = tuple[str | None, int | None, str | None, str | None]
_KindRow = tuple[str | None, int | None, Origin, str | None, str | None]
_InterfaceRow = tuple[int | None, int | None, str | None, str | None, int | None, str | None]
_Aggregate = tuple[int, int | None, int, int]


@dataclass(frozen=True, slots=True)
class DropTotal:
    """The drops of one key on one host; those of windows that reach beyond the report's are apportioned.

    `straddling` of them may have happened just outside, and there may be `at_most` so many. `shape` tells how many
    began in which step; with 0, that some of a row that began before may be in it. Where samples alone tell how many
    are asked for, it is `about` that many; `open` more may be.
    """

    host: str
    drop: Drop
    straddling: int
    shape: Counter[int]
    at_most: int
    least: int | None = None
    about: bool = False
    open: int = 0

    @property
    def at_least(self) -> int:
        """Return how many there are in any case."""
        return self.drop.count - self.straddling if self.least is None else self.least


def key_of(row: Row) -> DropKey:
    """Return the key of a row that has the columns KEY behind the host."""
    symbol, offset, module, address = cast("_LocationRow", row[1:5])
    return DropKey(
        Location(symbol, offset, module, None if address is None else int(address, 16)),
        Kind(*cast("_KindRow", row[5:10])),
        Interface(*cast("_InterfaceRow", row[10:16])),
    )


def drop_of(row: Row) -> Drop:
    """Return the drops of a row with sums behind its key."""
    return Drop(key_of(row), *cast("_Aggregate", row[16:20]))


def merged(rows: Iterator[Row]) -> list[DropTotal]:
    """Add up what differs by row ids alone: the same device has a row of its own in each boot."""
    totals: dict[tuple[str, DropKey], DropTotal] = {}
    for row in rows:
        straddling, at_most, steps = cast("tuple[int, int, str]", row[20:])
        new = DropTotal(cast("str", row[0]), drop_of(row), straddling, _shape(steps), at_most)
        old = totals.get((new.host, new.drop.key))
        totals[new.host, new.drop.key] = new if old is None else _added(old, new)
    return [*totals.values()]


def _shape(steps: str) -> Counter[int]:
    """Return the counts of steps, each written as its number, its count, and the last step that its rows reach."""
    numbers = iter(map(int, steps.split(",")))
    shape: Counter[int] = Counter()
    for step, count, reach in sorted(zip(numbers, numbers, numbers, strict=True)):
        shape[step] += count
        for further in range(step + 1, reach + 1):
            shape[further] += 0
    return shape


def _added(one: DropTotal, other: DropTotal) -> DropTotal:
    a, b = one.drop, other.drop
    octets = None if a.octets is None or b.octets is None else a.octets + b.octets
    drop = Drop(a.key, a.count + b.count, octets, min(a.first_ns, b.first_ns), max(a.last_ns, b.last_ns))
    for step, count in other.shape.items():
        one.shape[step] += count
    return DropTotal(one.host, drop, one.straddling + other.straddling, one.shape, one.at_most + other.at_most)


def part_of(total: DropTotal, portioned: Portioned, start_ns: int, step_ns: int) -> DropTotal:
    """Return what is asked for of drops, as far as it is known of their key or their samples; nothing has no time."""
    drop = total.drop
    part = portioned.of((total.host, drop.key), drop.count)
    if part is None:
        return total
    if not part.samples:
        return replace(total, drop=replace(drop, count=0), at_most=0, straddling=0, open=part.open)
    return DropTotal(total.host, part.of(drop), 0, part.shape(start_ns, step_ns), part.most, part.least, part.about,
                     part.open)
