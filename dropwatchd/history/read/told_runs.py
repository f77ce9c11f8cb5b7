"""The runs of the daemon as they are on record: from when to when, of which version, and how each ended."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from dropwatchd.history.read import layers
from dropwatchd.history.read.pulled import Pulled
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import INSIDE, drop_clause, host_clause
from dropwatchd.model import GapCause


@dataclass(frozen=True, slots=True)
class ToldRun:
    """A run: `until_ns` is up to when it vouched for anything; `ending` is None while it goes on, and until the next.

    Where the clock was set back to before its start, `since_ns` is the first time after that.

    `number` tells it as --run does, from the last one back: 0, -1, -2.
    """

    run_id: int
    host: str
    boot_id: str
    kernel: str
    version: str
    since_ns: int
    until_ns: int
    ending: str | None
    goes_on: bool
    number: int


def told_runs(reader: Reader) -> list[ToldRun]:
    """Return the runs that touch the window, oldest first."""
    touching = {run.run_id: run for run in reader.runs()}
    rows = cast("list[tuple[int, str, str, str, str, int, str | None, int, int | None]]", list(reader.rows(f"""
        SELECT r.id, host_of(r.id), r.boot_id, r.kernel, r.version, r.started_ns, r.ending,
               1 - row_number() OVER (PARTITION BY r.machine_id ORDER BY r.id DESC),
               (SELECT min(since_ns) FROM watches w WHERE w.run_id = r.id)
        FROM runs r WHERE {host_clause(reader.scope)} AND ending IS NOT '{GapCause.NOT_ANSWERED}' ORDER BY r.id""")))
    places = reader.connection.places if isinstance(reader.connection, Pulled) else {}
    return [ToldRun(*row[:5], *_span(row[5], touching[row[0]].until_ns, row[8]), row[6], not touching[row[0]].ended,
                    1 - places[row[0]] if row[0] in places else row[7]) for row in rows if row[0] in touching]


def _span(started_ns: int, until_ns: int, first_ns: int | None) -> tuple[int, int]:
    if until_ns >= started_ns:
        return started_ns, until_ns
    return (started_ns, started_ns) if first_ns is None else (min(first_ns, until_ns), until_ns)


def drops_by_run(reader: Reader) -> Mapping[int, int]:
    """Return how many drops each run recorded in the window."""
    return dict(cast("list[tuple[int, int]]", list(reader.rows(f"""
        WITH {layers.drops(drop_clause(reader.scope))}
        SELECT run_id, sum({INSIDE}) FROM drop_rows GROUP BY run_id"""))))
