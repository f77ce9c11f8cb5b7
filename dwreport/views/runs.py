"""The runs of the daemon: when each began and ended, how, what it watched with, how far, and what it recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dropwatchd.history.read.lives import lives
from dropwatchd.history.read.reader import Reader, WatchRow
from dropwatchd.history.read.told_runs import ToldRun, drops_by_run, told_runs
from dwreport.evidence.coverage import assess, sources
from dwreport.evidence.recorded import Recorded, recorded
from dwreport.report.answer import Answer, Column, Section
from dwreport.report.columns import moment, text
from dwreport.report.gaps import answered, assessed
from dwreport.report.rows import Moment
from dwreport.report.wanted import Wanted
from dwreport.text import duration, fraction, number, time_format

_WIDE = 100
_GOES_ON = "goes on"
_UNTOLD = "no end on record: killed, or the host went down"


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run, all of it: `number` is what --run takes of this host, `until` up to when it vouched for anything.

    `ending` is None where none is on record. Of its time, `fraction` was watched for drops, of which it recorded so
    many.
    """

    number: int
    since: Moment
    until: Moment
    goes_on: bool
    ending: str | None
    version: str
    kernel: str
    sources: Sequence[str]
    status: str
    fraction: float
    drops: int
    boot_id: str
    host: str


def view(reader: Reader, wanted: Wanted) -> Answer:  # noqa: ARG001 - of views
    """Show the runs of the daemon: start, end and how it ended, version, source, coverage, and drops; all of each."""
    scope, found = reader.scope, told_runs(reader)
    spans = {life.run: life for life in lives(reader)}  # of what was recorded while the clock was ahead, too
    since_ns = min([scope.since_ns, *(spans[run.run_id].since_ns for run in found)])
    until_ns = max([min(scope.until_ns, reader.now_ns), *(spans[run.run_id].until_ns + 1 for run in found)])
    every = replace(scope.unfiltered(), since_ns=since_ns, until_ns=until_ns)
    whole = reader.of(every)
    counts, known = drops_by_run(whole), recorded(whole)
    rows = [_row(run, counts.get(run.run_id, 0), known) for run in found]
    section = Section("runs", rows, _columns(time_format(since_ns, until_ns)), rows, record=RunRow)
    lead = [] if rows else ["No run of dropwatchd is on record in this window."]
    return answered(reader, assessed(reader), [section], lead)


def _row(run: ToldRun, drops: int, known: Recorded) -> RunRow:
    watches = [watch for watch in known.watches if watch.run_id == run.run_id]
    own = replace(known, runs=[one for one in known.runs if one.run_id == run.run_id], watches=watches,
                  absent=())
    judged = assess(own, (run.since_ns, max(run.until_ns, run.since_ns + 1)), _asked(watches))
    return RunRow(run.number, Moment(run.since_ns), Moment(run.until_ns), run.goes_on, run.ending, run.version,
                  run.kernel, list(sources(watches)), judged.status, judged.fraction, drops, run.boot_id, run.host)


def _asked(watches: Sequence[WatchRow]) -> str | None:
    """Return by what coverage is judged: software drops, or those of hardware where a run watched for these alone."""
    watched = {watch.what for watch in watches}
    return "hardware" if "hardware" in watched and "software" not in watched else None


def _columns(times: str) -> list[Column[RunRow]]:
    return [
        Column("RUN", lambda row: str(row.number), right=True),
        Column("FROM", lambda row: moment(row.since, times)),
        Column("UNTIL", lambda row: moment(row.until, times)),
        Column("LASTED", lambda row: duration(row.until.ns - row.since.ns), right=True, from_width=_WIDE),
        Column("ENDED", _ending, wraps=True),
        Column("VERSION", lambda row: text(row.version)),
        Column("KERNEL", lambda row: text(row.kernel), wraps=True, from_width=_WIDE),
        Column("SOURCE", lambda row: text(", ".join(row.sources)), wraps=True),
        Column("WATCHED", _watched, right=True),
        Column("DROPS", lambda row: number(row.drops), right=True),
    ]


def _ending(row: RunRow) -> str:
    return text(row.ending) if row.ending else _GOES_ON if row.goes_on else _UNTOLD


def _watched(row: RunRow) -> str:
    if row.status == "blind":
        return "nothing"
    return "partly" if row.status == "partial" and row.fraction == 1 else fraction(row.fraction)
