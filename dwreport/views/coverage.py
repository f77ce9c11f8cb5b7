"""What was not seen: every gap in the record of the window, with its cause and what it hides."""

from dropwatchd.history.reader import Reader
from dwreport.report.answer import Answer, Section
from dwreport.report.gaps import answered, assessed, gap_columns
from dwreport.report.rows import GapRow, gap_row
from dwreport.report.wanted import Wanted
from dwreport.text import time_format


def view(reader: Reader, _wanted: Wanted) -> Answer:
    """Show how far the window was watched, and every gap."""
    scope, judged = reader.scope, assessed(reader)
    rows = [gap_row(gap) for gap in judged.gaps]
    section = Section(None, rows, gap_columns(time_format(scope.since_ns, scope.until_ns)), rows, record=GapRow)
    lead = [] if rows else ["Nothing was missed."]
    return answered(reader, judged, [section], lead)
