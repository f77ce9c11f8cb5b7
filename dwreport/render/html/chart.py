"""The time line as data for the page's script: what was dropped in which step, what was watched, what happened."""

import time
from collections.abc import Iterator, Mapping, Sequence

from dropwatchd.model import NANO
from dwreport.render.html.cards import colour
from dwreport.render.html.safe import safe
from dwreport.report.rows import EventRow, StepRow
from dwreport.report.sheet import Sheet
from dwreport.text import duration

_MOST = 40  # findings that can be chosen
_COVERAGE = {"complete": 0, "partial": 1, "blind": 2}


def chart(sheet: Sheet, most: int) -> dict[str, object]:
    """Return the steps from `start` on, in seconds; a count of None is not known, and zero is none.

    `zones` says from when on the clock of the report was how many seconds ahead of UTC, and what it is called.
    """
    steps, scope = sheet.steps, sheet.answer.scope
    step_ns = sheet.step_ns
    found = list(zip(sheet.findings, sheet.shapes, strict=True))[:min(most, _MOST)]
    return {
        "since": scope.since_ns / NANO,
        "until": steps[-1].until.ns / NANO if steps else scope.until_ns / NANO,
        "start": scope.since_ns // step_ns * step_ns / NANO,
        "step": step_ns / NANO,
        "span": duration(step_ns).replace(".0 ", " "),
        "zones": list(_zones(steps)),
        "counts": [row.count for row in steps],
        "coverage": [_COVERAGE[row.coverage] for row in steps],
        "findings": [{"number": one.row.number, "title": safe(one.row.title), "where": safe(one.where),
                      "count": one.row.count, "colour": colour(one.row.number), "shape": _shape(shape)}
                     for one, shape in found],
        "events": [{"time": event.time.ns / NANO, "text": _event(event)} for event in sheet.events[-most:]],
    }


def _shape(shape: Mapping[int, int] | None) -> dict[int, int] | None:
    return None if shape is None else {step: count for step, count in sorted(shape.items()) if count}


def _event(event: EventRow) -> str:
    place = [f"in {event.netns}"] if event.netns not in {None, "init"} else []
    return safe(" ".join([event.event, event.subject, *place, *([f"({event.detail})"] if event.detail else [])]))


def _zones(steps: Sequence[StepRow]) -> Iterator[tuple[float, int, str]]:
    last = None
    for row in steps:
        local = time.localtime(row.since.ns // NANO)
        if last != (local.tm_gmtoff, local.tm_zone):
            last = local.tm_gmtoff, local.tm_zone
            yield row.since.ns / NANO, local.tm_gmtoff, safe(local.tm_zone)
