"""A finding as a card: what it is, where, when, who, the next step, the evidence, and a small drawing of its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dwreport.report.findings import FindingRow, Shown
from dwreport.report.rows import StepRow
from dwreport.text import number

COLOURS = 8       # that are told apart
_COLUMNS = 90     # of a drawing
_WIDTH, _HEIGHT = 2, 24  # of a column, in units of the drawing


@dataclass(frozen=True, slots=True)
class Drawing:
    """Columns in the order of time, as a path of SVG: those with drops, and those that were not watched."""

    width: int
    height: int
    bars: Markup
    unwatched: Markup


@dataclass(frozen=True, slots=True)
class Card:
    """A finding as the page has it; `colour` is the number of its colour, None where its time is not on record."""

    row: FindingRow
    severity: str
    packets: str
    brief: Sequence[str]
    next: str
    colour: int | None
    drawing: Drawing | None


def card(one: Shown, shape: Mapping[int, int] | None, steps: Sequence[StepRow]) -> Card:
    """Return the card of a finding."""
    row = one.row
    there = "" if one.placed else ", in its namespace, which is not on record"
    drawn = shape is not None and len(steps) > 1
    return Card(row, row.severity or "unknown", f"{number(row.count)} packet{'' if row.count == 1 else 's'}",
                one.brief, f"Next{there}", colour(row.number) if shape is not None else None,
                _drawing(shape or {}, steps) if drawn else None)


def colour(number: int) -> int:
    """Return which colour a finding has."""
    return (number - 1) % COLOURS + 1


def _drawing(shape: Mapping[int, int], steps: Sequence[StepRow]) -> Drawing:
    """Draw the greatest step of each column; whatever is not zero is visible, and what is not known is no zero."""
    per = -(-len(steps) // _COLUMNS)
    columns = [range(first, min(first + per, len(steps))) for first in range(0, len(steps), per)]
    tops = [max(shape.get(step, 0) for step in column) for column in columns]
    top = max(tops, default=0) or 1
    bars = "".join(_bar(place, max(1, round(count * _HEIGHT / top))) for place, count in enumerate(tops) if count)
    unwatched = "".join(_bar(place, _HEIGHT) for place, column in enumerate(columns)
                        if any(steps[step].coverage == "blind" for step in column))
    return Drawing(_WIDTH * len(columns), _HEIGHT, Markup(bars), Markup(unwatched))  # noqa: S704 - of numbers alone


def _bar(place: int, height: int) -> str:
    return f"M{place * _WIDTH} {_HEIGHT}v-{height}h{_WIDTH}v{height}z"
