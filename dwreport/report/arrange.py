"""The rows that a person wants, in the order that he wants: what is left out is told."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

import click

from dwreport.report.answer import Answer, Section
from dwreport.report.picked import Picked
from dwreport.report.rows import Moment
from dwreport.report.wanted import Wanted
from dwreport.text import counted, number


def keeps(wanted: Wanted, harm: str | None) -> bool:
    """Say whether drops of a severity are asked for; of what the catalogue does not know it is unknown."""
    severity = harm or "unknown"
    return severity in (wanted.severities or (severity,)) and not (wanted.no_benign and severity == "benign")


def arranged(answer: Answer, wanted: Wanted) -> Answer:
    """Return a report with its rows as they are wanted: sorted, turned round, and so many of them.

    Rows are those of the section that programs get; a report of several sections has all of its rows.
    """
    if not wanted.arranged:
        return answer
    place, section = next((place, section) for place, section in enumerate(answer.sections) if section.record)
    if section.shown is not section.rows:
        if wanted.sort or wanted.reverse or wanted.last:
            raise click.UsageError("the report has no one order of rows; --sort, --reverse and --last are for views, "
                                   "as dwreport drops")
        return answer
    sections = [*answer.sections]
    sections[place], left = _chosen(section, wanted)
    return replace(answer, sections=sections, extra={**answer.extra, "rows_left_out": left})


def _chosen(section: Section[Any], wanted: Wanted) -> tuple[Section[Any], int]:
    rows: Sequence[Any] = section.rows
    if wanted.sort:
        key = _key(section, wanted.sort)
        rows = Picked(rows, sorted(range(len(rows)), key=lambda place: key(section.rows[place])))
    if wanted.reverse:
        rows = rows[::-1]
    before = len(rows)
    if wanted.top:
        rows = rows[:wanted.top]
    if wanted.last:
        rows = rows[-wanted.last:]
    left = before - len(rows)
    notes = [*section.notes, *([f"{number(len(rows))} of {counted(before, 'row')}"] if left else [])]
    return replace(section, rows=rows, shown=rows, notes=notes), left


def _key(section: Section[Any], field: str) -> Callable[[Any], Any]:
    """Return how to sort by a field: numbers with the greatest first, what is unknown last."""
    names = [one.name for one in fields(section.record or object)]
    if field not in names:
        raise click.UsageError(f"these rows have no --sort {field}; they have {', '.join(names)}")

    def key(row: Any) -> tuple[bool, Any]:
        value = getattr(row, field)
        if value is None:
            return True, 0
        if isinstance(value, int | float):
            return False, -value
        return False, value if isinstance(value, Moment) else str(value)

    return key


def left(found: Iterable[Any], kept: Sequence[Any]) -> list[str]:
    """Return what to say where a severity leaves nothing of what there is."""
    whole = sum(getattr(one, "count", 1) for one in found)
    return [f"None of {counted(whole, 'drop')} is of the severity that is asked for."] if whole and not kept else []
