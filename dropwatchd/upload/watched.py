"""Which part of what was watched is not sent yet: from this it follows which rows are to be sent."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from dropwatchd.history.fleet.keys import key
from dropwatchd.upload.names import Names, clean
from dropwatchd.upload.slice import Part, Row

_AT_ONCE_NS = 1_000_000  # clocks are read one after another


class _Boot(NamedTuple):
    since_ns: int | None
    until_ns: int | None


@dataclass(frozen=True, slots=True)
class Watch:
    """A row of watches, and the part of it that is sent: from `begin_ns` on nothing has been.

    `hole_ns` is from when on something was lost that had not been sent, which began another part.
    """

    key: int
    place: int
    what: str
    name: str
    namespace: int | None
    since_ns: int
    until_ns: int
    boot: _Boot
    limits: str
    ending: str
    part: int = 0
    begin_ns: int = 0
    hole_ns: int | None = None

    def up_to(self, end_ns: int) -> "Watch":
        """Return what can be claimed when rows up to a time are sent."""
        if self.until_ns <= end_ns:
            return self
        less_ns = self.until_ns - end_ns
        boot_ns = None if self.boot.until_ns is None else max(self.boot.until_ns - less_ns, self.boot.since_ns or 0)
        return replace(self, until_ns=end_ns, ending="", boot=_Boot(self.boot.since_ns, boot_ns))

    def row(self) -> Row:
        return (self.key, self.part, self.place, self.what, self.name, self.namespace, self.since_ns, self.until_ns,
                self.boot.since_ns, self.boot.until_ns, self.limits, self.ending)


def unsent(connection: sqlite3.Connection, run_id: int, run_key: int, names: Names,
           sent: dict[int, Part]) -> list[Watch]:
    """Return the watches of a run of which there is more than was sent."""
    return [watch for watch in (_compared(watch, sent.get(watch.key))
                                for watch in _merged(_watches(connection, run_id, run_key, names))) if watch]


def _watches(connection: sqlite3.Connection, run_id: int, run_key: int, names: Names) -> Iterator[Watch]:
    for row in connection.execute("""
            SELECT id, what, name, namespace_id, since_ns, until_ns, since_boot_ns, until_boot_ns, limits, ending
            FROM watches WHERE run_id = ? ORDER BY id""", (run_id,)):
        place, what, name, namespace_id, since_ns, until_ns, since_boot_ns, until_boot_ns, limits, ending = clean(row)
        there = names.namespace(namespace_id)
        own = key(run_key, what, name, there, since_ns if since_boot_ns is None else since_boot_ns)
        yield Watch(own, place, what, name, there, since_ns, until_ns, _Boot(since_boot_ns, until_boot_ns), limits,
                    ending)


def _merged(watches: Iterable[Watch]) -> Iterable[Watch]:
    """Return one watch of each key: a namespace that got its name has two rows."""
    found: dict[int, Watch] = {}
    for watch in watches:
        other = found.get(watch.key)
        longest = watch if other is None else max(watch, other, key=lambda one: one.until_ns)
        found[watch.key] = replace(longest, since_ns=min(watch.since_ns, other.since_ns if other else watch.since_ns))
    return found.values()


def _compared(watch: Watch, last: Part | None) -> Watch | None:
    """Return a watch with what is new of it; None where nothing is."""
    if last is None:
        return replace(watch, begin_ns=watch.since_ns)
    if watch.since_ns > last.until_ns + _AT_ONCE_NS:
        return replace(watch, part=last.number + 1, begin_ns=watch.since_ns, hole_ns=last.until_ns)
    if watch.until_ns < last.until_ns or (watch.until_ns, watch.ending) == (last.until_ns, last.ending):
        return None
    return replace(watch, part=last.number, since_ns=last.since_ns, begin_ns=last.until_ns)
