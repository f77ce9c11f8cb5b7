"""What the drops on record mean, row by row as the history names them: to be joined with its views."""

from dataclasses import dataclass

from dropwatchd.history.read.reader import Reader
from dropwatchd.model import DropKey
from dwreport import causes
from dwreport.report.answer import Answer, Column, Section
from dwreport.report.arrange import keeps, left
from dwreport.report.columns import text
from dwreport.report.gaps import answered, assessed
from dwreport.report.wanted import Wanted
from dwreport.views._lead import events_lead, hidden


@dataclass(frozen=True, slots=True)
class CauseRow:
    """A reason, a place and a trap as v_drops has them, and what they mean; None where the catalogue does not know."""

    reason: str | None
    location: str | None
    trap: str | None
    cause: str | None
    harm: str | None
    kind: str | None
    layer: str | None
    advice: str | None


def view(reader: Reader, wanted: Wanted) -> Answer:
    """Show what each reason, place and trap on record means, for programs that read the history themselves."""
    scope, judged = reader.scope, assessed(reader)
    found = reader.drops(scope.since_ns, scope.until_ns - scope.since_ns)
    rows = [row for row in dict.fromkeys(_row(total.drop.key) for total in found) if keeps(wanted, row.harm)]
    section = Section("causes", rows, _columns(), rows, record=CauseRow)
    return answered(reader, judged, [section], left([total.drop for total in found], rows)
                    or events_lead(reader, judged, any_drops=bool(rows)), extra=hidden(reader))


def _row(key: DropKey) -> CauseRow:
    place, cause = key.location, causes.of_drop(key)
    offset = "" if place.offset is None else f"+{place.offset:#x}"
    address = None if place.address is None else f"{place.address:#x}"
    names = key.kind.reason, address if place.symbol is None else f"{place.symbol}{offset}", key.kind.trap
    if cause is None:
        return CauseRow(*names, None, None, None, None, None)
    return CauseRow(*names, cause.title, cause.harm, cause.kind, cause.layer, causes.advice(cause, None))


def _columns() -> list[Column[CauseRow]]:
    return [
        Column("REASON", lambda row: text(row.trap or row.reason), wraps=True),
        Column("WHERE", lambda row: text(row.location), wraps=True),
        Column("SEVERITY", lambda row: text(row.harm)),
        Column("CAUSE", lambda row: text(row.cause), wraps=True),
    ]
