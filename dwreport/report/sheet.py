"""What a page to look at is made of: a report, its findings, and how both lie in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dwreport.report.answer import Answer, Section
from dwreport.report.findings import Shown
from dwreport.report.rows import EventRow, StepRow


@dataclass(frozen=True, slots=True)
class Sheet:
    """A report with a time line of the same snapshot.

    `steps` follow each other, of `step_ns` each but for the first and last, which the window may cut. `shapes` has,
    for each finding, how many of its packets were dropped in which step; None where that is not on record. `events` are
    the last that happened. `sections` are the tables, with all of their rows; `filters` are the
    options that narrow the report.
    """

    answer: Answer
    findings: Sequence[Shown]
    steps: Sequence[StepRow]
    step_ns: int
    shapes: Sequence[Mapping[int, int] | None]
    events: Sequence[EventRow]
    sections: Sequence[Section[Any]]
    filters: Sequence[str] = ()
