"""Counter changes where those here do not follow those there: both are added up, and the difference is sent.

So it is where the history had to fold what was not sent yet together with what was, where the clock was set back, and
where a gauge moved in a time that has expired unsent.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dropwatchd.model import NANO, GapCause
from dropwatchd.upload.names import Names
from dropwatchd.upload.watched import Watch

Sums = dict[int, int]
_NEAR_NS = 120 * NANO  # a span of changes may reach so far beyond


@dataclass(frozen=True, slots=True)
class There:
    """What the central history has of a run: when changes ended, and their sums after a time, by counters' keys.

    Of a gauge `levels` gives what it is: its start and all its changes. Up to `expired` rows were removed there.
    """

    ends: Callable[[], set[int]]
    sums: Callable[[int], Sums]
    levels: Callable[[], Sums]
    expired: Callable[[], int]


def is_needed(connection: sqlite3.Connection, run_id: int, reach_ns: int, mark_ns: int, watches: Iterable[Watch],
              ) -> bool:
    """Say whether rows after the mark may hold what was sent, or rows before it what was not."""
    if not reach_ns:
        return False
    [(folded_ns,)] = connection.execute("SELECT coalesce(max(until_ns), 0) FROM folded WHERE what = 'counter_changes'")
    if folded_ns > mark_ns and not connection.execute(
            "SELECT 1 FROM counter_changes WHERE until_ns = ? AND run_id = ?", (mark_ns, run_id)).fetchone():
        return True
    return reach_ns > mark_ns or any(watch.hole_ns is not None or watch.begin_ns == watch.since_ns < reach_ns
                                     or watch.begin_ns + _NEAR_NS < reach_ns
                                     for watch in watches if watch.what == "counters")


def difference(connection: sqlite3.Connection, run_id: int, names: Names, there: There, mark_ns: int,
               ) -> tuple[int, Sums]:
    """Return from when on both were added up, and what is missing there, by row id of a counter.

    That is from the last time on at which changes ended both here and there, or from where changes expired: what was
    sent together with such is part of what is missing there then, which the ledger has.
    """
    since_ns = _common(connection, run_id, there, mark_ns)
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


def _common(connection: sqlite3.Connection, run_id: int, there: There, before_ns: int) -> int:
    """Return the last time at which changes ended here and there, but none at which the clock came by twice.

    Where there is none, it is up to where rows were removed, here or there.
    """
    twice: list[tuple[int, int]] = []
    last_ns = 0
    for since_ns, until_ns in connection.execute("""
            SELECT since_ns, until_ns FROM watches WHERE run_id = ? AND what = 'counters'
            ORDER BY since_boot_ns, since_ns""", (run_id,)):
        if since_ns < last_ns:
            twice.append((since_ns, last_ns))
        last_ns = max(last_ns, until_ns)
    here = {row[0] for row in connection.execute(
        "SELECT DISTINCT until_ns FROM counter_changes WHERE run_id = ? AND until_ns <= ?", (run_id, before_ns))}
    return max((end_ns for end_ns in here & there.ends() if not any(since_ns <= end_ns <= until_ns + _NEAR_NS
                                                             for since_ns, until_ns in twice)),
               default=max(_expired(connection, run_id), there.expired()))


def _expired(connection: sqlite3.Connection, run_id: int) -> int:
    """Return up to when changes of a run were removed, 0 where none was."""
    [(until_ns,)] = connection.execute("""
        SELECT coalesce(max(until_ns), 0) FROM gaps
        WHERE cause = ? AND scope = 'drops' AND until_ns > (SELECT started_ns FROM runs WHERE id = ?)""",
                                       (GapCause.EXPIRED, run_id))
    return int(until_ns)
