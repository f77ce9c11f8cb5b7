"""The findings of a window as entries of a journal, each with what it is known by from one time to the next."""

from collections.abc import Iterator
from typing import NamedTuple

from dropwatchd.history.reader import Reader
from dwreport.evidence.ask import gather
from dwreport.evidence.coverage import recorded
from dwreport.evidence.filters import Filters
from dwreport.findings.finding import Finding
from dwreport.findings.lasting import Lasting
from dwreport.findings.rank import findings
from dwreport.findings.support import OnInterface
from dwreport.report.arrange import keeps
from dwreport.report.brief import Until, parts
from dwreport.report.chart import chart_of
from dwreport.report.findings import finding_row
from dwreport.report.gaps import assessed
from dwreport.report.wanted import Wanted
from dwreport.text import clean, counted, named_netns, time_format

MESSAGE_ID = "b3592908ba654824bfecb27c44583cd5"  # of every finding; systemd-id128(1) made it
_PRIORITY = {"harmful": "4", "suspect": "5"}      # warning and notice: syslog(3)
_INFO = "6"


class News(NamedTuple):
    """A finding: `known_by` is its cause and its place, and stays the same while it grows."""

    known_by: str
    fields: dict[str, str]


def news(reader: Reader, wanted: Wanted) -> list[News]:
    """Return the findings of the window whose severity is wanted, the most harmful first."""
    scope, known = reader.scope, recorded(reader)
    chart = chart_of(reader, known)
    totals, written_ns = reader.drops(chart.start_ns, chart.step_ns), assessed(reader).written_until_ns
    end_ns = min(scope.until_ns, reader.now_ns, written_ns or reader.now_ns)
    lasting = Lasting(known, end_ns, chart.step_ns, scope.origin)
    found = findings(gather(reader, totals), Filters(scope, reader.namespaces()), lasting).found
    until = Until(end_ns, reader.now_ns, time_format(scope.since_ns, scope.until_ns))
    names = reader.netns_names()
    return [News("\t".join(map(str, (finding.title, *finding.basis.place))),
                 dict(_fields(finding, until, named_netns(finding.basis.place.netns, names))))
            for finding in found if keeps(wanted, finding.severity)]


def _fields(finding: Finding, until: Until, netns: str | None) -> Iterator[tuple[str, str]]:
    """Yield what the journal is told; what is not known has no field."""
    row = finding_row(finding)
    told = ", ".join(parts(finding, until))
    yield "MESSAGE", clean(f"{counted(row.count, 'packet')} lost: {row.title}; {told}")
    yield "MESSAGE_ID", MESSAGE_ID
    yield "PRIORITY", _PRIORITY.get(str(row.severity), _INFO)
    yield "SYSLOG_IDENTIFIER", "dwreport"
    given = {
        "CAUSE": row.title, "SEVERITY": row.severity or "unknown", "PACKETS": row.count, "CONFIDENCE": row.confidence,
        "HOST": ", ".join(row.hosts), "NETNS": netns,
        "INTERFACE": ", ".join(fact.interface for fact in finding.who if isinstance(fact, OnInterface)),
        "REASON": ", ".join(sorted({event[0] for event in finding.basis.events if event[0]})),
        "FIRST": row.first, "LAST": row.last, "STATE": row.state, "WHO": "; ".join(row.who), "ADVICE": row.advice,
    }
    yield from ((f"DROPWATCHD_{name}", clean(str(value))) for name, value in given.items() if value not in {None, ""})
