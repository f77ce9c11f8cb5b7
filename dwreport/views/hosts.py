"""Each host of a history: how far it was watched, since when it is silent, what it lost; and what hosts share."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.stops import Stop, stops
from dropwatchd.model import GapCause
from dwreport.evidence.ask import gather
from dwreport.evidence.coverage import Coverage, assess
from dwreport.evidence.filters import Filters
from dwreport.evidence.recorded import Recorded, recorded
from dwreport.findings.across import across
from dwreport.findings.finding import Finding
from dwreport.findings.rank import findings
from dwreport.report.across import cause_rows, cause_section, watched_hosts
from dwreport.report.answer import Answer, Column, Section
from dwreport.report.arrange import keeps
from dwreport.report.columns import moment, text
from dwreport.report.gaps import answered, assessed
from dwreport.report.rows import Moment
from dwreport.report.wanted import Wanted
from dwreport.text import counted, fraction, number, time_format
from dwreport.views._lead import events_lead, hidden

_MOST = 40  # hosts that a person reads


@dataclass(frozen=True, slots=True)
class HostRow:
    """A host: `recorded_until` is up to when it vouched for anything; numbers are None where nobody watched for any."""

    host: str
    status: str
    fraction: float
    recorded_until: Moment
    ending: str | None
    drops: int | None
    harmful: int | None
    suspect: int | None
    worst: str | None


def view(reader: Reader, wanted: Wanted) -> Answer:
    """Show each host: how far it was watched, up to when it is on record, and what it lost; and what hosts share.

    A host that is silent is not one without drops.
    """
    reader.expect_counters()
    scope, known = reader.scope, recorded(reader)
    judged = assessed(reader, known=known)
    totals = reader.drops(scope.since_ns, scope.until_ns - scope.since_ns)
    found = findings(gather(reader, totals), Filters(scope, reader.namespaces()))
    kept = [finding for finding in found.found if keeps(wanted, finding.severity)]
    drops: Counter[str] = Counter()
    for total in totals:
        drops[total.host] += total.drop.count
    rows = _rows(reader, known, drops, kept)
    times = time_format(scope.since_ns, scope.until_ns)
    there, looked = {run.hostname for run in known.runs}, watched_hosts(reader, kept)
    section = Section("fleet", rows, _columns(times), _shown(rows), record=HostRow,
                      tone=lambda row: "harmful" if row.harmful else "suspect" if row.suspect else None,
                      notes=_notes(rows, there))
    shared = cause_rows(across(kept, known.clocks_off), len(looked))
    return answered(reader, judged, [section, cause_section(shared, times)],
                    events_lead(reader, judged, any_drops=bool(totals)), hidden(reader, found))


def _rows(reader: Reader, known: Recorded, drops: Counter[str], found: Sequence[Finding]) -> list[HostRow]:
    """Return the hosts with the most harm first, and those of which nothing is known of the window last."""
    window = (reader.scope.since_ns, min(reader.scope.until_ns, reader.now_ns))
    parts, harm = known.by_host, defaultdict[str, list[Finding]](list)
    for finding in found:
        for host in finding.hosts:
            harm[host].append(finding)
    nothing = Recorded((), (), (), known.now_ns)
    rows = [_row(stop, assess(parts.get(stop.host, nothing), window, reader.scope.origin), drops[stop.host],
                 harm[stop.host]) for stop in _stops(reader, known)]
    return sorted(rows, key=lambda row: (-(row.harmful or 0), -(row.suspect or 0), -(row.drops or 0),
                                         row.status == "blind", row.host))


def _stops(reader: Reader, known: Recorded) -> list[Stop]:
    """Return up to when each host is on record, by its own clock; one that is off is told in the place of an end."""
    off = known.clocks_off
    before = {stop.host: stop for stop in stops(reader)}
    return [replace(stop, ending=GapCause.CLOCK_OFF) if stop.host in off else before[stop.host]
            for stop in stops(reader, later=True) if stop.host in off or stop.host in before]


def _row(stop: Stop, judged: Coverage, drops: int, found: Sequence[Finding]) -> HostRow:
    packets: Counter[str | None] = Counter()
    for finding in found:
        packets[finding.severity] += finding.count
    none = None if judged.status == "blind" else 0
    return HostRow(stop.host, judged.status, judged.fraction, Moment(stop.until_ns), stop.ending, drops or none,
                   packets["harmful"] or none, packets["suspect"] or none, found[0].title if found else None)


def _told(many: int | None) -> str:
    return "unknown" if many is None else number(many)


def _columns(times: str) -> list[Column[HostRow]]:
    return [
        Column("HOST", lambda row: text(row.host), wraps=True),
        Column("WATCHED", lambda row: fraction(row.fraction) if row.status != "blind" else "nothing", right=True),
        Column("RECORDED UNTIL", lambda row: moment(row.recorded_until, times)
               + (f", {text(row.ending)}" if row.ending else "")),
        Column("DROPS", lambda row: _told(row.drops), right=True),
        Column("HARMFUL", lambda row: _told(row.harmful), right=True),
        Column("SUSPECT", lambda row: _told(row.suspect), right=True),
        Column("FOREMOST", lambda row: text(row.worst) if row.worst else "", wraps=True),
    ]


def _shown(rows: list[HostRow]) -> list[HostRow]:
    """Return those that a person reads; where these are all, they may be put in another order."""
    return rows if len(rows) <= _MOST else rows[:_MOST]


def _notes(rows: Sequence[HostRow], there: set[str]) -> list[str]:
    more = len(rows) - _MOST
    silent = [row.host for row in rows if row.host not in there]
    notes = [f"and {counted(more, 'more host')}; --format csv shows all"] if more > 0 else []
    if silent:
        notes.append(f"{counted(len(silent), 'host')} of {number(len(rows))} {'has' if len(silent) == 1 else 'have'} no"
                     " record of this window: what was dropped there is unknown.")
    return notes
