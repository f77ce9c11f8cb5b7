"""A section of a report as a table of the page: the same cells, with what they are sorted by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dropwatchd.model import NANO
from dwreport.report.answer import Answer, Column, Section, line_text
from dwreport.report.rows import EventRow, GapRow
from dwreport.text import counted, number


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell in lines; `key` is what its column is sorted by, where that is a number."""

    lines: Sequence[str]
    key: float | None
    right: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row; it belongs to `findings`, if any are told, and to a span of time, if it has one, in seconds."""

    cells: Sequence[Cell]
    below: Sequence[str]
    findings: str | None
    span: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its name in the page."""

    name: str
    title: str
    columns: Sequence[Column[Any]]
    rows: Sequence[Line]
    notes: Sequence[str]
    whole: str


def table(section: Section[Any], answer: Answer, most: int) -> Table:
    """Return a table of up to so many rows; how many are left out is told."""
    columns, rows = answer.columns(section), section.shown[:most]
    left = len(section.shown) - len(rows)
    notes = [*section.notes, *([f"{number(len(rows))} of {counted(len(section.shown), 'row')} are in this page"]
                               if left else [])]
    return Table(section.key or "rows", section.title, columns, [_line(section, columns, row) for row in rows],
                 notes, number(len(section.rows)))


def _line(section: Section[Any], columns: Sequence[Column[Any]], row: Any) -> Line:
    cells = [Cell(column.cell(row).split("\n"), column.key(row) if column.key else None, column.right)
             for column in columns]
    below = [line_text(line) for line in section.below(row)] if section.below else []
    findings = getattr(row, "findings", None)
    return Line(cells, below, None if findings is None else " ".join(map(str, findings)), _span(row))


def _span(row: object) -> tuple[float, float] | None:
    if isinstance(row, EventRow):
        return row.time.ns / NANO, row.time.ns / NANO
    return (row.since.ns / NANO, row.until.ns / NANO) if isinstance(row, GapRow) else None
