"""CSV: the rows of one section under one header line, for spreadsheets and scripts."""

import csv
from typing import TextIO

from dwreport.report.answer import Answer, Row
from dwreport.text import clean

# What spreadsheets take for the beginning of a formula: names of the system must not become one.
_FORMULA = ("=", "+", "-", "@")


def write(answer: Answer, out: TextIO) -> None:
    """Write one line for each row; a nested field is a column of its own (location_symbol), unknown is empty."""
    section = next(section for section in answer.sections if section.fields)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(section.fields)
    for row in section.rows:
        flat = _flat(row)
        writer.writerow([_cell(flat.get(name)) for name in section.fields])


def _flat(row: Row) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{key}": part for key, part in value.items()}
        else:
            flat[name] = value
    return flat


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    text = clean(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
