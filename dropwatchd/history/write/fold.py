"""Folds fine rows into wider ones, a bounded number at a time: counts stay the same, time resolution goes."""

from sqlite3 import Connection
from typing import NamedTuple

from dropwatchd.history.rounds import Change, spans_of, sums
from dropwatchd.history.statements import (
    COUNT_WINDOWS,
    DELETE_CHANGE,
    DELETE_WINDOWS,
    FINE_CHANGES,
    FOLD_WINDOWS,
    INSERT_CHANGES,
    MARK_FOLDED,
)
from dropwatchd.history.write.connection import scalar
from dropwatchd.history.write.hours import touch
from dropwatchd.model import NANO

MINUTE_NS = 60 * NANO


class _Table(NamedTuple):
    """A table, the column that tells where a row belongs, and how many rows one step looks at."""

    name: str
    column: str
    most: int


_WINDOWS = _Table("drops", "window_start_ns", 20_000)
_CHANGES = _Table("counter_changes", "until_ns", 40_000)


class Folded(NamedTuple):
    """Rows between two times were looked at, and so many have become others."""

    since_ns: int
    until_ns: int
    rows: int


def fold_windows(connection: Connection, width_ns: int, before_ns: int, *, whole: bool = True) -> Folded | None:
    """Fold the oldest windows that begin before a time into ones of a width; None where all are.

    Where they need not be `whole`, those of a width that is not over are folded as well, if they are many.
    """
    found = _next(connection, _WINDOWS, width_ns, before_ns, whole=whole)
    if found is None:
        return None
    since_ns, until_ns = found
    span = {"since": since_ns, "until": until_ns, "width": width_ns}
    before = scalar(connection, COUNT_WINDOWS, span)
    connection.execute(FOLD_WINDOWS, span)
    connection.execute(DELETE_WINDOWS, span)
    _mark(connection, _WINDOWS, width_ns, until_ns)
    return Folded(since_ns, until_ns, before - scalar(connection, COUNT_WINDOWS, span))


def fold_changes(connection: Connection, width_ns: int, before_ns: int) -> Folded | None:
    """Fold the oldest counter changes that ended before a time; None where all are.

    Rounds of readings stay whole, and all changes of one span begin and end together: so drops can still be held
    against all counters of a namespace at once.
    """
    found = _next(connection, _CHANGES, width_ns, before_ns)
    if found is None:
        return None
    since_ns, until_ns = found
    span = {"since": since_ns, "until": until_ns + MINUTE_NS, "width": width_ns}  # a round that began before ends there
    changes = map(Change._make, connection.execute(FINE_CHANGES, span))
    spans = [span for span in spans_of(changes, width_ns) if span[0].until_ns < until_ns]
    until_ns = max([until_ns, *(span[-1].until_ns + 1 for span in spans)])
    fine, folded = [change for span in spans for change in span], [row for span in spans for row in sums(span)]
    if len(folded) < len(fine):
        connection.executemany(DELETE_CHANGE, [change[:3] for change in fine])
        connection.executemany(INSERT_CHANGES, folded)
        touch(connection, _CHANGES.name, sorted(fine))
    _mark(connection, _CHANGES, width_ns, until_ns)
    return Folded(since_ns, until_ns, len(fine) - len(folded))


def _next(connection: Connection, table: _Table, width_ns: int, before_ns: int, *, whole: bool = True,
          ) -> tuple[int, int] | None:
    """Return the next span to fold: from the mark on so many rows, to the end of a width where there are as many."""
    name, column, most = table
    before_ns -= before_ns % width_ns if whole else 0
    mark_ns = scalar(
        connection, "SELECT until_ns FROM folded WHERE what = ? AND width_ns = ?", (name, width_ns)) or 0
    first_ns, last_ns = (scalar(
        connection, f"SELECT {column} FROM {name} WHERE {column} >= ? AND {column} < ? "  # noqa: S608 - names of ours
        f"ORDER BY {column} LIMIT 1 OFFSET ?", (mark_ns, before_ns, offset)) for offset in (0, most))
    if first_ns is None or (last_ns is None and not whole):
        return None
    if last_ns is None:
        return first_ns, before_ns
    whole_ns = last_ns - last_ns % width_ns
    return first_ns, whole_ns if whole_ns > first_ns else last_ns + 1


def _mark(connection: Connection, table: _Table, width_ns: int, until_ns: int) -> None:
    connection.execute(MARK_FOLDED, (table.name, width_ns, until_ns))
