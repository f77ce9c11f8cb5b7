"""CSV: the rows of one section under one header line, for spreadsheets and scripts."""

import csv
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TextIO, get_type_hints

from dwreport.render.page import Page
from dwreport.report.answer import Answer
from dwreport.report.rows import Moment
from dwreport.text import clean

# What spreadsheets take for the beginning of a formula: names of the system must not become one.
_FORMULA = ("=", "+", "-", "@")


def write(answer: Answer, out: TextIO, _page: Page) -> None:
    """Write one line for each row; a nested field is a column of its own (location_symbol), unknown is empty."""
    section = next(section for section in answer.sections if section.record)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header(section.record))
    writer.writerows(cells(row) for row in section.rows)


def cells(row: Any) -> list[object]:
    """Return the cells of a row."""
    return [_cell(value) for value in _flat(row)]


def header(record: Any) -> Iterator[str]:
    """Yield the names of the columns, from the fields of a dataclass."""
    hints = get_type_hints(record)
    for field in fields(record):
        if is_dataclass(hints[field.name]) and hints[field.name] is not Moment:
            yield from (f"{field.name}_{name}" for name in header(hints[field.name]))
        else:
            yield field.name


def _flat(row: Any) -> Iterator[object]:
    for field in fields(row):
        value = getattr(row, field.name)
        if is_dataclass(value) and not isinstance(value, Moment):
            yield from _flat(value)
        else:
            yield value


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()  # as JSON has it
    if value is None or isinstance(value, int | float):
        return value
    nested = isinstance(value, dict | list | tuple)
    text = clean(json.dumps(value, default=str) if nested else str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
