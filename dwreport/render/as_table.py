"""Tables for a person at a terminal, of any width."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TextIO

import tabulate

from dwreport.render.command import folded
from dwreport.render.heading import heading, warning
from dwreport.render.page import Page
from dwreport.render.widths import GAP, fit, folded_cell
from dwreport.report.answer import Answer, Column, Command, Line, Section

tabulate.MIN_PADDING = 0  # else headers are wider than they are
# Blanks at the ends of a cell are part of a chart. Up to 0.9 that is said for all tables, from 0.10 on for each.
tabulate.PRESERVE_WHITESPACE = True
_KEEP = "preserve_whitespace"
_KEPT: dict[str, Any] = {_KEEP: True} if _KEEP in tabulate.tabulate.__code__.co_varnames else {}
_AT_ONCE = 5000  # rows that are laid out: to do it with a million would not fit into memory
_TONES = {"warning": "1;33", "harmful": "31", "suspect": "33", "benign": "2"}  # ECMA-48 SGR: bold, red, yellow, faint
Paint = Callable[[str, str], str]


def write(answer: Answer, out: TextIO, page: Page) -> None:
    """Write heading, what to know first, and every section that has something to show."""
    paint = _painter(page)
    lines = [_joined(heading(answer), page, " · ")]
    lines += [paint(_wrapped(line, page), "warning") for line in warning(answer)]
    lines += [_wrapped(line, page) for line in answer.lead]
    out.writelines(f"{line}\n" for line in lines)
    room = None if page.height is None else page.height - 1 - sum(line.count("\n") + 1 for line in lines)
    for section in answer.sections:
        section_lines = _fitting(section, answer.columns(section), page, paint, room)
        out.writelines(f"{line}\n" if place else f"\n{line}\n" for place, line in enumerate(section_lines))


def _fitting(section: Section[Any], columns: Sequence[Column[Any]], page: Page, paint: Paint,
             room: int | None) -> Iterable[str]:
    """Return a section so that it fits on the rest of a terminal, if shorter lines below its rows do that."""
    if section.most_lines is not None and room is not None:
        for most in range(section.most_lines, 0, -1):
            lines = [*_section(replace(section, most_lines=most), columns, page, paint)]
            if 1 + sum(line.count("\n") + 1 for line in lines) <= room:
                return lines
    return _section(section, columns, page, paint)


def _painter(page: Page) -> Paint:
    """Return what colours text by its tone: nothing does, unless a person looks."""
    if not page.coloured:
        return lambda text, _tone: text
    return lambda text, tone: f"\x1b[{_TONES[tone]}m{text}\x1b[0m" if tone in _TONES else text


def _section(section: Section[Any], every: Sequence[Column[Any]], page: Page, paint: Paint) -> Iterator[str]:
    """Yield the lines of a section that has any, some rows at a time."""
    columns = [column for column in every if page.has(column.from_width)]
    if section.title and (section.shown or section.notes):
        yield section.title
    told: set[str] = set()  # below a row
    for place, (table, rows) in enumerate(_tables(columns, section.shown, page)):
        if not place:
            yield table.header
        indent = table.indent if section.indent is None else section.indent
        for text, row in zip(table.rows, rows, strict=True):
            yield paint(text[:table.indent], section.tone(row) or "") + text[table.indent:]
            below = _below(section, row, indent, page)
            if below and (section.repeats or below not in told):
                told.add(below)
                yield below
    yield from (_wrapped(note, page) for note in section.notes)


def _tables(columns: Sequence[Column[Any]], rows: Sequence[Any], page: Page) -> Iterator[tuple["Table", Sequence[Any]]]:
    """Lay out rows, so many at a time; the columns of all these tables are as wide as all rows ask for."""
    widths = fit(columns, (_cells(columns, row) for row in rows), page) if len(rows) > _AT_ONCE else None
    for begin in range(0, len(rows), _AT_ONCE):
        some = list(rows[begin:begin + _AT_ONCE])
        yield layout(columns, [_cells(columns, row) for row in some], page, widths), some


def _cells(columns: Sequence[Column[Any]], row: Any) -> list[str]:
    return [column.cell(row) for column in columns]


def _below(section: Section[Any], row: Any, indent: int, page: Page) -> str:
    """Return the lines below a row; a part that is too long for a line is broken."""
    room = page.less(indent)
    lines = [part for line in (section.below(row) if section.below else [])
             for part in _parts_of(line, room, section.most_lines)]
    return "\n".join(" " * indent + line for line in lines)


def _parts_of(line: Line, room: Page, most: int | None) -> list[str]:
    """Return what a line takes of a terminal: of a command, all of it."""
    if isinstance(line, Command):
        return folded(line.lead, line.text, room.width)
    return [part for one in _few(_joined(line, room, " · ").splitlines(), most)
            for part in _wrapped(one, room).splitlines()]


def _few(lines: list[str], most: int | None) -> list[str]:
    """Return the first lines, and say where there are more."""
    return lines if most is None or len(lines) <= most else [*lines[:most - 1], f"{lines[most - 1]} ..."]


@dataclass(frozen=True, slots=True)
class Table:
    """A table laid out: each row may take several lines. The second column begins at `indent`."""

    header: str
    rows: list[str]
    indent: int


def layout(columns: Sequence[Column[Any]], cells: list[list[str]], page: Page,
           fixed: Sequence[int] | None = None) -> Table:
    """Lay out cells, narrowing the columns that may wrap until the table fits; or in columns of `fixed` widths."""
    widths = fixed or fit(columns, cells, page)
    wrapped = [[folded_cell(cell, size) if column.wraps else cell
                for column, cell, size in zip(columns, row, widths, strict=True)] for row in cells]
    ruler = [["x" * size for size in fixed]] if fixed else []  # tabulate makes columns as wide as their cells
    text = tabulate.tabulate(
        ruler + wrapped, headers=[column.header for column in columns], tablefmt="plain", disable_numparse=True,
        **_KEPT, colalign=["right" if column.right else "left" for column in columns])
    lines = iter(text.splitlines())
    header = next(lines).rstrip()
    for _ in ruler:
        next(lines)
    heights = [max(cell.count("\n") + 1 for cell in row) for row in wrapped]
    rows = ["\n".join(next(lines).rstrip() for _ in range(height)) for height in heights]
    return Table(header, rows, widths[0] + GAP)


def _wrapped(line: str, page: Page) -> str:
    return _joined(line.split(" "), page, " ")


def _joined(parts: Sequence[str], page: Page, separator: str) -> str:
    """Join parts, with a new line in place of the separator where the next one does not fit."""
    lines: list[str] = []
    for part in parts:
        if lines and page.has(len(lines[-1]) + len(separator) + len(part)):
            lines[-1] += separator + part
        else:
            lines.append(part)
    return "\n".join(lines)
