"""When the daemon was last seen running: for windows that no run of it reaches."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from dataclasses import dataclass
from typing import cast

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import run_clause


@dataclass(frozen=True, slots=True)
class Stop:
    """Up to when a host was recorded, and how that ended: "stopped" is what the daemon says of itself."""

    host: str
    until_ns: int
    ending: str | None


def stops(reader: Reader, *, later: bool = False) -> list[Stop]:
    """Return, for each host, up to when the newest run vouched for anything that began before the window's end.

    Where `later`, of those that have begun after it as well: a clock may be ahead.

    That is its latest word by the clock that nobody sets: where the other was set back, it may have told a later time.
    """
    rows = reader.rows(f"""
        SELECT host_of(r.id), coalesce((SELECT until_ns FROM watches w WHERE w.run_id = r.id
                                        ORDER BY until_boot_ns DESC, until_ns DESC LIMIT 1), r.ended_ns, r.started_ns),
               r.ending
        FROM runs r WHERE (:later OR r.started_ns < :until OR EXISTS (SELECT 1 FROM watches w WHERE w.run_id = r.id
                                                            AND w.since_ns < :until))
                          AND {run_clause(reader.scope)} ORDER BY r.id""", later=later)
    newest = {host: Stop(host, until_ns, ending)
              for host, until_ns, ending in cast("list[tuple[str, int, str | None]]", list(rows))}
    return list(newest.values())
