"""Every counter that moved, ordinary traffic included."""

from dropwatchd.history.read.reader import Reader
from dwreport.report.answer import Answer, Section
from dwreport.report.columns import counter_columns
from dwreport.report.counters import counter_rows, straddling_notes
from dwreport.report.gaps import answered, assessed, gap_section
from dwreport.report.rows import CounterRow
from dwreport.report.wanted import Wanted


def view(reader: Reader, _wanted: Wanted) -> Answer:
    """Show every counter that moved; filters by what is in packets do not apply to counters."""
    judged = assessed(reader, "counters")
    rows = counter_rows(reader)
    section = Section("counters", rows, counter_columns(), rows, notes=straddling_notes(rows), record=CounterRow)
    lead = [] if rows or judged.status == "blind" else ["No counter is recorded to have moved."]
    return answered(reader, judged, [section, gap_section(reader, judged)], lead)
