"""The drops of every window, in the order of time, as the history has them."""

from dropwatchd.history.read.reader import Reader
from dwreport.report.answer import Answer, Section
from dwreport.report.arrange import keeps, left
from dwreport.report.columns import window_columns
from dwreport.report.gaps import answered, assessed, gap_section
from dwreport.report.held import HeldWindows
from dwreport.report.rows import WindowRow
from dwreport.report.wanted import Wanted
from dwreport.text import counted, time_format
from dwreport.views._lead import events_lead, hidden


def view(reader: Reader, wanted: Wanted) -> Answer:
    """Show every row of drops, window by window."""
    scope, judged = reader.scope, assessed(reader)
    found = HeldWindows(reader.windows())
    rows = [row for row in found if keeps(wanted, row.harm)] if wanted.severities or wanted.no_benign else found
    section = Section("drops", rows, window_columns(time_format(scope.since_ns, scope.until_ns)), rows,
                      record=WindowRow)
    lead = left(found, rows) or events_lead(reader, judged, any_drops=bool(rows))
    extra, unsampled = hidden(reader), reader.unsampled_of_windows()
    if (fewer := reader.unsampled() if unsampled else 0) < unsampled:  # what others of their key tell, windows do not
        lead = [*lead, f"{counted(unsampled - fewer, 'more drop')} may match: of their windows too few were sampled."]
        extra["may_match"] = reader.unnamed() + unsampled
    return answered(reader, judged, [section, gap_section(reader, judged)], lead, extra=extra)
