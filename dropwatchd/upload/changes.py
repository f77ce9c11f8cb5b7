"""Counter changes of a run as they are sent: in minutes of whole rounds, each once."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dropwatchd.history.rounds import Change, spans_of, sums
from dropwatchd.history.statements import signed
from dropwatchd.model import NANO
from dropwatchd.upload import reconcile
from dropwatchd.upload.names import Names
from dropwatchd.upload.slice import Row
from dropwatchd.upload.watched import Watch

_MINUTE_NS = 60 * NANO
NO_LIMIT = 2**63 - 1


class Cut(NamedTuple):
    """All up to `since_ns` was sent; rows up to `limit_ns` may be, of a run that `has_ended` all of them."""

    since_ns: int
    watches: Sequence[Watch]
    limit_ns: int
    has_ended: bool


@dataclass(slots=True)
class Moved:
    """Rows to send, up to `until_ns`; up to `vouched_ns` no change is missing then. `held` back is what may grow.

    `reach_ns` is when the latest change was, where that is later.
    """

    rows: list[Row] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    until_ns: int = 0
    vouched_ns: int = 0
    reach_ns: int = 0
    held: bool = False


def read(connection: sqlite3.Connection, run_id: int, names: Names, cut: Cut) -> Moved:
    """Return the changes after those that were sent, but for the last minute where one still reads: it is not over."""
    changes = [Change(until_ns, run_id, counter, since_ns, delta) for until_ns, counter, since_ns, delta
               in connection.execute("""
                   SELECT until_ns, counter_id, since_ns, delta FROM counter_changes
                   WHERE until_ns > ? AND until_ns <= ? AND run_id = ? ORDER BY until_ns""",
                                     (cut.since_ns, cut.limit_ns, run_id))]
    spans = spans_of(changes, _MINUTE_NS)
    moved = Moved(until_ns=cut.since_ns, vouched_ns=cut.limit_ns)
    read_ns = min(cut.limit_ns, max((watch.until_ns for watch in cut.watches
                                     if watch.what == "counters" and not watch.ending), default=NO_LIMIT))
    if spans and not (cut.has_ended and cut.limit_ns == NO_LIMIT) and spans[-1][-1].until_ns > read_ns - _MINUTE_NS:
        held = spans.pop()
        moved.held = True
        moved.vouched_ns = max(min(change.since_ns for change in held), spans[-1][-1].until_ns if spans else 0)
    for span in spans:
        moved.until_ns = span[-1].until_ns
        moved.rows += _keyed(sums(span), names)
        moved.used |= {change.counter for change in span}
    return moved


def reconciled(connection: sqlite3.Connection, run_id: int, names: Names, there: reconcile.There, cut: Cut) -> Moved:
    """Return what is missing there of all changes up to now, as of one span."""
    since_ns, missing = reconcile.difference(connection, run_id, names, there, cut.since_ns)
    reach_ns, until_ns = connection.execute("""
        SELECT coalesce(max(until_ns), 0), coalesce(max(until_ns) FILTER (WHERE until_ns <= (
            SELECT until_ns FROM watches w WHERE w.run_id = :run AND what = 'counters'
            ORDER BY until_boot_ns DESC, until_ns DESC LIMIT 1)), :mark)
        FROM counter_changes WHERE run_id = :run""", {"run": run_id, "mark": cut.since_ns}).fetchone()
    rows = [(names.counters[counter].key, until_ns, since_ns, signed(delta)) for counter, delta in missing.items()]
    return Moved(rows, {*missing}, until_ns, cut.limit_ns, reach_ns)


def _keyed(rows: Iterable[tuple[int, ...]], names: Names) -> list[Row]:
    """Return rows with the keys of counters; of a namespace that got its name two may have the same."""
    deltas: Counter[int] = Counter()
    until_ns = since_ns = 0
    for until_ns, _run, counter, since_ns, delta in rows:  # noqa: B007 - they are the same in all of a span
        deltas[names.counters[counter].key] += delta
    return [(counter, until_ns, since_ns, signed(delta)) for counter, delta in deltas.items()]
