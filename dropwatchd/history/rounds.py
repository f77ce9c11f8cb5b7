"""Which changes of counters belong together: rounds of readings stay whole when they are added up."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from dropwatchd.history.statements import signed

_PART = 4  # of the time between two rounds of readings: what lies further apart is of another round


class Change(NamedTuple):
    """A row of counter_changes."""

    until_ns: int
    run: int
    counter: int
    since_ns: int
    delta: int


def spans_of(changes: Iterable[Change], width_ns: int) -> list[list[Change]]:
    """Part changes in the order of time into spans of a run: a new one where one is full and a round begins."""
    spans: list[list[Change]] = []
    open_spans: dict[int, list[Change]] = {}
    for change in changes:
        span = open_spans.get(change.run)
        if span is None or _is_later(span, change, width_ns):
            span = open_spans[change.run] = []
            spans.append(span)
        span.append(change)
    return spans


def _is_later(span: list[Change], change: Change, width_ns: int) -> bool:
    first, last = span[0], span[-1]
    if change.until_ns // width_ns == first.until_ns // width_ns:
        return False
    return ((change.until_ns - last.until_ns) * _PART > change.until_ns - change.since_ns
            or change.until_ns - first.until_ns >= 2 * width_ns)


def sums(changes: list[Change]) -> list[tuple[int, ...]]:
    since_ns, until_ns = min(change.since_ns for change in changes), changes[-1].until_ns
    totals: Counter[int] = Counter()
    for change in changes:
        totals[change.counter] += change.delta
    return [(until_ns, changes[0].run, counter, since_ns, signed(delta)) for counter, delta in totals.items()]
