"""The boots of a host and the runs of the daemon, by which a window can be asked for."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from dataclasses import dataclass
from typing import cast

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import run_clause


@dataclass(frozen=True, slots=True)
class Life:
    """One run: of which machine and boot, and from when to when it is on record; `ended` says whether it goes on.

    Where the clock was set meanwhile, that is all the time of which it has spoken.

    Counters may be read a moment longer than drops are watched, which is what a report of a run is about. `known_by`
    is what scopes name it by.
    """

    run: int
    machine_id: str
    boot_id: str
    since_ns: int
    until_ns: int
    ended: bool
    known_by: str


def lives(reader: Reader) -> list[Life]:
    """Return all runs of the hosts that are asked for, whatever the window, oldest first."""
    rows = reader.rows(f"""
        SELECT r.id, r.machine_id, r.boot_id,
               min(r.started_ns, coalesce(
                   (SELECT min(since_ns) FROM watches w WHERE w.run_id = r.id AND w.what != 'counters'), r.started_ns)),
               max(r.started_ns, coalesce(
                   (SELECT max(until_ns) FROM watches w WHERE w.run_id = r.id AND w.what != 'counters'),
                   r.ended_ns, r.started_ns)),
               r.ended_ns IS NOT NULL
               OR r.id != (SELECT max(m.id) FROM runs m WHERE m.machine_id = r.machine_id),
               r.machine_id || ' ' || r.boot_id || ' ' || r.started_ns
        FROM runs r WHERE {run_clause(reader.scope)} ORDER BY r.id""")
    return [Life(*row[:5], bool(row[5]), row[6])
            for row in cast("list[tuple[int, str, str, int, int, int, str]]", list(rows))]
