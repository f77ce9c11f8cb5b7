"""Markdown: what the table shows, for tickets and chats."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from dwreport.render.heading import heading, warning
from dwreport.render.page import Page
from dwreport.report.answer import Answer, Column, Section, line_text
from dwreport.text import CHART

_BLANK = "\u2800"  # of Braille: wide as the blocks, and not trimmed


def write(answer: Answer, out: TextIO, _page: Page) -> None:
    """Write every section as a pipe table, with all of its columns."""
    out.write("\n\n".join(_escaped(line) for line in (" · ".join(heading(answer)), *warning(answer), *answer.lead)))
    for section in answer.sections:
        rows = section.shown
        if section.title and (rows or section.notes):
            out.write(f"\n\n**{section.title}**")
        if rows:
            out.write("\n")
            out.writelines(f"\n| {' | '.join(line)} |" for line in _table(section, answer.columns(section), rows))
        out.writelines(f"\n\n{_escaped(note)}" for note in section.notes)
    out.write("\n")


def _table(section: Section[Any], columns: list[Column[Any]], rows: Sequence[Any]) -> Iterator[list[str]]:
    """Yield the lines of a table, in cells."""
    if below := section.below:
        columns.append(Column("MEANING", lambda row: "\n".join(map(line_text, below(row)))))
    yield [column.header.replace("  ", _BLANK * 2) for column in columns]
    yield ["---:" if column.right else "---" for column in columns]
    for row in rows:
        yield [_drawn(_escaped(column.cell(row))) for column in columns]


def _drawn(cell: str) -> str:
    """Keep the blanks of a chart, at which nothing was dropped: a cell's own are trimmed, and runs of them joined."""
    return cell.replace(" ", _BLANK) if CHART.issuperset(cell) else cell


def _escaped(text: str) -> str:
    """Keep names from being taken for markup, so that an interface cannot write a link into a ticket."""
    return re.sub(r"([\\`*_{}\[\]<>()#|!])", r"\\\1", text).replace("\n", "<br>")
