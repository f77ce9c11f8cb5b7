"""What was not seen: every gap in the record of the window, and what the host has that cannot be seen at all."""

from dropwatchd.history.read.reader import Reader
from dwreport.report.answer import Answer, Section
from dwreport.report.gaps import answered, assessed, gap_columns
from dwreport.report.rows import GapRow, gap_row
from dwreport.report.unseen import unseen_section
from dwreport.report.wanted import Wanted
from dwreport.text import time_format

_NO_GAP = "Nothing was missed of what was watched."


def view(reader: Reader, _wanted: Wanted) -> Answer:
    """Show how far the window was watched, every gap, and in what packets are lost unseen."""
    scope, judged = reader.scope, assessed(reader)
    rows = [gap_row(gap) for gap in judged.gaps]
    section = Section(None, rows, gap_columns(time_format(scope.since_ns, scope.until_ns)), rows, record=GapRow)
    unseen = unseen_section(reader)
    nothing = _NO_GAP if unseen.rows or unseen.notes else "Nothing was missed."
    return answered(reader, judged, [section, unseen], [] if rows else [nothing])
