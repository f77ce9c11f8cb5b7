"""What makes a host's rows doubtful by what the central history has of it: its clock, and whether it is one machine."""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dropwatchd.model import NANO, Effect, GapCause

Row = tuple[Any, ...]

_MINUTE_NS = 60 * NANO
_AT_ONCE_NS = 2 * _MINUTE_NS  # that two boots are on record for: a clock is set by some seconds at the start


class Off(NamedTuple):
    """A clock that is off: of a machine whose newest run began at a time of its own, and how far it is ahead."""

    machine_id: str
    started_ns: int
    ahead_ns: int


def clocks(window: sqlite3.Connection, off: Mapping[int, Off], since_ns: int, until_ns: int) -> Iterator[Row]:
    """Yield a row of the ledger for each clock that was off at the last sending, by the number of the newest run."""
    for run, one in off.items():
        begin_ns = max(since_ns, min(one.started_ns, one.started_ns - one.ahead_ns))
        [(watched,)] = window.execute("""
            SELECT EXISTS (SELECT 1 FROM watches w JOIN runs r ON r.id = w.run_id WHERE machine_id = ?
                           AND w.until_ns > ? AND w.since_ns < ?)""", (one.machine_id, since_ns, until_ns))
        if begin_ns < until_ns:
            yield (run, begin_ns, until_ns, GapCause.CLOCK_OFF, Effect.PARTIAL if watched else Effect.BLIND, "drops",
                   None, _told(one.ahead_ns))


def _told(ahead_ns: int) -> str:
    minutes = abs(ahead_ns) // _MINUTE_NS
    lasted = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    how, then = ("ahead", "late") if ahead_ns > 0 else ("behind", "early")
    return f"its clock was {lasted} {how} when it last sent: what it recorded stands so much too {then}"


def machines(window: sqlite3.Connection) -> Iterator[Row]:
    """Yield a row of the ledger for each time that two boots of one machine id were on record at once.

    Each is less than the host, and where one is silent the other speaks: a copy of a machine that has kept its id.
    """
    for row in window.execute("""
            WITH lives AS MATERIALIZED (
                SELECT r.id, machine_id, boot_id, hostname, since_ns, until_ns
                FROM runs r JOIN watches w ON w.run_id = r.id WHERE what = 'daemon' AND machine_id IN (
                    SELECT machine_id FROM runs GROUP BY machine_id HAVING min(boot_id) < max(boot_id)))
            SELECT max(a.id, b.id), max(a.since_ns, b.since_ns), min(a.until_ns, b.until_ns), a.hostname, b.hostname
            FROM lives a JOIN lives b ON a.machine_id = b.machine_id AND a.boot_id < b.boot_id
            WHERE min(a.until_ns, b.until_ns) - max(a.since_ns, b.since_ns) > ?""", (_AT_ONCE_NS,)).fetchall():
        run, since_ns, until_ns, *names = row
        who = " and ".join(sorted({*names}))
        told = f"{who}: machines with one machine id, or the clock was set back between them"
        yield run, since_ns, until_ns, GapCause.TWO_MACHINES, Effect.PARTIAL, "drops", None, told
