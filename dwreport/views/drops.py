"""The drops of every window, in the order of time, as the history has them."""

from dropwatchd.history.reader import Reader
from dwreport.render.heading import nothing
from dwreport.report.answer import Answer, Section
from dwreport.report.columns import window_columns
from dwreport.report.gaps import assessed, gap_section
from dwreport.report.rows import WINDOW_FIELDS, window_row
from dwreport.text import time_format


def view(reader: Reader) -> Answer:
    """Show every row of drops, window by window."""
    scope, judged = reader.scope, assessed(reader)
    rows = [window_row(host, window) for host, window in reader.windows()]
    lead = [] if rows else nothing(judged, scope)
    section = Section("drops", rows, window_columns(time_format(scope.since_ns, scope.until_ns)), fields=WINDOW_FIELDS)
    return Answer(scope, reader.now_ns, reader.runs(), judged, [section, gap_section(reader, judged)], lead)
