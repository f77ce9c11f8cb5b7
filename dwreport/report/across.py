"""How a report shows what hosts have in common: a line for each cause that several have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dropwatchd.history.read.reader import Reader
from dwreport.findings.across import Across
from dwreport.findings.finding import Finding
from dwreport.report.answer import Column, Section
from dwreport.report.columns import moment, text
from dwreport.report.rows import Moment
from dwreport.text import counted, number

_OF_DROPS = {"software", "hardware"}
_MOST = 8  # causes that a person reads


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One cause, on `hosts` of those `of` which it is known whether they have it.

    `first` is the earliest of those on `timed` hosts: where counters alone saw it, nobody knows when it began.
    """

    cause: str
    severity: str | None
    count: int
    hosts: int
    of: int
    first_host: str | None
    first: Moment | None
    timed: int


def watched_hosts(reader: Reader, found: Iterable[Finding]) -> set[str]:
    """Return the hosts on which drops were watched in the window, or something was found: of others nobody knows."""
    return {watch.host for watch in reader.watches()
            if watch.what in _OF_DROPS and watch.until_ns >= reader.scope.since_ns} | {
                host for finding in found for host in finding.hosts}


def cause_rows(found: Iterable[Across], hosts: int) -> list[CauseRow]:
    return [CauseRow(one.title, one.severity, one.count, len(one.hosts), hosts, one.first_host,
                     None if one.first_ns is None else Moment(one.first_ns), one.timed) for one in found]


def cause_section(rows: Sequence[CauseRow], times: str) -> Section[CauseRow]:
    """Return causes with the number of hosts that have each."""
    columns: list[Column[CauseRow]] = [
        Column("SEVERITY", lambda row: str(row.severity or "unknown").upper()),
        Column("PACKETS", lambda row: number(row.count), right=True),
        Column("HOSTS", lambda row: f"{number(row.hosts)} of {number(row.of)}", right=True),
        Column("FIRST ON", _first_on, wraps=True),
        Column("AT", lambda row: moment(row.first, times) if row.first else "-"),
        Column("CAUSE", lambda row: text(row.cause), wraps=True),
    ]
    shown = rows[:_MOST]
    more = [f"and {counted(len(rows) - _MOST, 'more cause')}; --format json shows all"] if len(rows) > _MOST else []
    return Section("shared", rows, columns, shown, title="The same cause on how many hosts", notes=more,
                   tone=lambda row: row.severity)


def _first_on(row: CauseRow) -> str:
    """Return the host, and of how many it is the first where others have no time."""
    if not row.first_host:
        return "-"
    return text(row.first_host) if row.timed == row.hosts else f"{text(row.first_host)}, of {number(row.timed)}"
