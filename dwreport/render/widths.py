"""How wide the columns of a table are on a page: as wide as they need, and else so that it takes few lines."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product
from typing import Any

from dwreport.render.page import Page
from dwreport.report.answer import Column

GAP = 2  # spaces between columns, by tabulate
_LEAST = 8
_FAR = 24    # characters that change hands at once
_TRIED = 100  # rows of which each width is tried; of more, the widest column gives way


def fit(columns: Sequence[Column[Any]], cells: Iterable[Sequence[str]], page: Page) -> list[int]:
    """Return the width of each column: those that may wrap give way, firm ones last."""
    some: list[Sequence[str]] = []
    widths = [len(column.header) for column in columns]
    for row in cells:
        if len(some) <= _TRIED:
            some.append(row)
        widths = [max([width, *map(len, cell.splitlines())]) for width, cell in zip(widths, row, strict=True)]
    excess = 0 if page.width is None else sum(widths) + GAP * (len(widths) - 1) - page.width
    if excess <= 0:
        return widths
    floors = [max(_LEAST, len(column.header)) for column in columns]
    height = _Heights(some) if len(some) <= _TRIED else None
    while excess > 0:
        narrowable = [index for index, column in enumerate(columns) if column.wraps and widths[index] > floors[index]]
        if not narrowable:
            break
        soft = [index for index in narrowable if not columns[index].firm] or narrowable
        widths[min(soft, key=lambda index: (height.less(widths, index) if height else (0, 0), -widths[index]))] -= 1
        excess -= 1
    if height:
        _exchange(widths, [index for index, column in enumerate(columns) if column.wraps and not column.firm], floors,
                  height)
    return widths


def _exchange(widths: list[int], places: Sequence[int], floors: Sequence[int], height: "_Heights") -> None:
    """Give one column what another has, as long as that makes the table shorter: what is narrowed first pays most."""
    best, found = height.of(widths), True
    while found:
        found = False
        for giver, taker, by in product(places, places, range(1, _FAR)):
            if giver != taker and widths[giver] - by >= floors[giver]:
                tried = [*widths]
                tried[giver] -= by
                tried[taker] += by
                if (told := height.of(tried)) < best:
                    best, widths[:], found = told, tried, True


class _Heights:
    """How many lines rows take."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        self._columns = [*zip(*rows, strict=True)]
        self._of = cache(self._measured)

    def less(self, widths: Sequence[int], narrowed: int) -> tuple[int, int]:
        """Return the lines of all rows, and of all cells, when one column is narrower by one."""
        return self.of([width - (place == narrowed) for place, width in enumerate(widths)])

    def of(self, widths: Sequence[int]) -> tuple[int, int]:
        """Return the lines of all rows, and of all cells."""
        every = [self._of(place, width) for place, width in enumerate(widths)]
        return sum(map(max, zip(*every, strict=True))), sum(map(sum, every))

    def _measured(self, place: int, width: int) -> Sequence[int]:
        return [folded_cell(cell, width).count("\n") + 1 for cell in self._columns[place]]


def folded_cell(cell: str, width: int) -> str:
    """Return a cell in lines of a width."""
    return "\n".join(part for line in cell.splitlines() for part in _parts(line, width))


def _parts(line: str, width: int) -> list[str]:
    """Break a line where names have joints: after a space, "_", "-" or ":", before a "+", and else at the width."""
    if len(line) <= width:
        return [line]
    parts = [""]
    for token in re.findall(rf"[^ _:+-]{{,{width - 1}}}[ _:-]|\+?[^ _:+-]{{1,{width - 1}}}|\+", line):
        if parts[-1] and len(parts[-1]) + len(token.rstrip()) > width:
            parts.append("")
        parts[-1] += token
    return [part.rstrip() for part in parts]
