"""Counter changes where those here do not follow those there: both are added up, and the difference is sent.

So it is where the history had to fold what was not sent yet together with what was, where the clock was set back, and
where a gauge moved in a time that has expired unsent.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dropwatchd.model import GapCause
from dropwatchd.upload.names import Names
from dropwatchd.upload.watched import Watch

Sums = dict[int, int]


@dataclass(frozen=True, slots=True)
class There:
    """What the central history has of a run: when changes ended, and their sums after a time, by counters' keys.

    Of a gauge `levels` gives what it is: its start and all its changes.
    """

    ends: Callable[[], set[int]]
    sums: Callable[[int], Sums]
    levels: Callable[[], Sums]


def is_needed(connection: sqlite3.Connection, run_id: int, mark_ns: int, newest_ns: int, watches: Iterable[Watch],
              ) -> bool:
    """Say whether rows after the mark may hold what was sent, or rows before it what was not; `newest_ns` is there."""
    if not newest_ns:
        return False
    [(folded_ns,)] = connection.execute("SELECT coalesce(max(until_ns), 0) FROM folded WHERE what = 'counter_changes'")
    if folded_ns > mark_ns and not connection.execute(
            "SELECT 1 FROM counter_changes WHERE until_ns = ? AND run_id = ?", (mark_ns, run_id)).fetchone():
        return True
    return newest_ns > mark_ns or any(watch.hole_ns is not None or watch.begin_ns == watch.since_ns < mark_ns
                                      for watch in watches if watch.what == "counters")


def difference(connection: sqlite3.Connection, run_id: int, names: Names, there: There, mark_ns: int,
               ) -> tuple[int, Sums]:
    """Return from when on both were added up, and what is missing there, by row id of a counter.

    That is from the last time on at which changes ended both here and there, or from where changes expired: what was
    sent together with such is part of what is missing there then, which the ledger has.
    """
    here = {row[0] for row in connection.execute(
        "SELECT DISTINCT until_ns FROM counter_changes WHERE run_id = ? AND until_ns <= ?", (run_id, mark_ns))}
    since_ns = max(here & there.ends(), default=_expired(connection, run_id))
    ids: dict[int, int] = {}
    found: Counter[int] = Counter()
    levels = there.levels()
    for counter, gauge, start, late, every in connection.execute("""
            SELECT c.id, gauge, coalesce(s.value, 0), coalesce(sum(delta) FILTER (WHERE until_ns > :since), 0),
                   coalesce(sum(delta), 0)
            FROM counters c LEFT JOIN counter_starts s ON s.counter_id = c.id AND s.run_id = :run
                 LEFT JOIN counter_changes d ON d.counter_id = c.id AND d.run_id = :run
            WHERE s.run_id NOTNULL OR d.run_id NOTNULL GROUP BY c.id""", {"run": run_id, "since": since_ns}):
        own = names.counters[counter].key
        ids.setdefault(own, counter)
        found[own] += (start if own in levels else 0) + every if gauge else late
    gauges = {names.counters[counter].key for counter in ids.values() if names.counters[counter].row[-1]}
    sums = there.sums(since_ns)
    for own in ids:
        found[own] -= levels.get(own, 0) if own in gauges else sums.get(own, 0)
    return since_ns, {ids[own]: delta for own, delta in found.items() if delta}


def _expired(connection: sqlite3.Connection, run_id: int) -> int:
    """Return up to when changes of a run were removed; when it began, if none was."""
    [(since_ns,)] = connection.execute("""
        SELECT max(started_ns, coalesce((SELECT max(until_ns) FROM gaps WHERE cause = ? AND scope = 'drops'), 0))
        FROM runs WHERE id = ?""", (GapCause.EXPIRED, run_id))
    return int(since_ns)
