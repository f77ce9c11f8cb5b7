"""The findings of a window as entries of a journal, each with what it is known by from one time to the next."""

from collections.abc import Iterator
from typing import NamedTuple

from dropwatchd.history.read.reader import Reader
from dwreport.findings.support import OnInterface
from dwreport.report.wanted import Wanted
from dwreport.text import clean, counted, named_netns
from dwreport.views._found import Found, findings_of

MESSAGE_ID = "b3592908ba654824bfecb27c44583cd5"  # of every finding; systemd-id128(1) made it
_PRIORITY = {"harmful": "4", "suspect": "5"}      # warning and notice: syslog(3)
_INFO = "6"


class News(NamedTuple):
    """A finding: `known_by` is its cause and its place, and stays the same while it grows."""

    known_by: str
    fields: dict[str, str]


def news(reader: Reader, wanted: Wanted) -> list[News]:
    """Return the findings of the window whose severity is wanted, the most harmful first."""
    names = reader.netns_names()
    return [News(one.known_by, dict(_fields(one, named_netns(one.finding.basis.place.netns, names))))
            for one in findings_of(reader, wanted).found]


def _fields(one: Found, netns: str | None) -> Iterator[tuple[str, str]]:
    """Yield what the journal is told; what is not known has no field."""
    finding, row = one.finding, one.row
    yield "MESSAGE", clean(f"{counted(row.count, 'packet')} lost: {row.title}; {', '.join(one.told)}")
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
