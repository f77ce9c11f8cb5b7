"""When a burst began, was at its worst, and ended, as exactly as the rows on record tell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from dropwatchd.history.read.fine import Fine, fine
from dropwatchd.history.read.reader import Reader
from dropwatchd.model import NANO, DropKey
from dwreport.findings.bursts import Burst

Subjects = Collection[tuple[str, DropKey]]


@dataclass(frozen=True, slots=True)
class Edge:
    """A moment, and how long the time is within which it is known to lie; 0 is exact."""

    time_ns: int
    within_ns: int


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest rate on record: so many drops in so long a time from a moment on."""

    count: int
    since_ns: int
    width_ns: int

    @property
    def rate(self) -> float:
        """Return packets per second."""
        return self.count / self.width_ns * NANO


@dataclass(frozen=True)
class Edges:
    """Looks at the rows of the first, the worst and the last step of a burst; steps are of `step_ns` from `start_ns`.

    Filters by what is in packets have no rows: then a step is as fine as it gets.
    """

    reader: Reader
    subjects: Subjects
    burst: Burst
    worst: int
    worst_count: int
    start_ns: int
    step_ns: int

    @cached_property
    def onset(self) -> Edge:
        """Return when it began: with its first drop, or when it rose above what is usual."""
        rows = self._above(self.burst.first)
        if not rows:
            return Edge(max(self._span(self.burst.first)[0], self.reader.scope.since_ns), self.step_ns)
        if not self.burst.limit:
            return Edge(min(row.first_ns for row in rows), 0)
        return Edge(rows[0].first_ns, rows[0].width_ns)

    @cached_property
    def end(self) -> Edge:
        """Return when it ended, in the same way."""
        rows = self._above(self.burst.last)
        if not rows:
            return Edge(min(self._span(self.burst.last)[1], self.reader.scope.until_ns) - 1, self.step_ns)
        if not self.burst.limit:
            return Edge(max(row.last_ns for row in rows), 0)
        return Edge(rows[-1].last_ns, rows[-1].width_ns)

    @cached_property
    def peak(self) -> Peak:
        """Return the highest rate in the step that has the most drops; of that step, where there are no rows."""
        rows = self._windows(self.worst)
        found = [Peak(row.count, row.start_ns, row.width_ns) for row in rows if row.width_ns]
        step = Peak(self.worst_count, self._span(self.worst)[0], self.step_ns)
        return max(found, key=lambda peak: peak.rate, default=step)

    def _above(self, step: int) -> list[Fine]:
        limit = self.burst.limit / self.step_ns
        return [row for row in self._windows(step) if row.count > limit * row.width_ns]

    def _windows(self, step: int) -> Sequence[Fine]:
        """Return the windows of a step, those of several keys added up."""
        return {self.burst.first: self._first, self.burst.last: self._last}.get(step) or self._of(step)

    @cached_property
    def _first(self) -> Sequence[Fine]:
        return self._of(self.burst.first)

    @cached_property
    def _last(self) -> Sequence[Fine]:
        return self._first if self.burst.first == self.burst.last else self._of(self.burst.last)

    def _of(self, step: int) -> Sequence[Fine]:
        scope, (since_ns, until_ns) = self.reader.scope, self._span(step)
        narrow = replace(scope, since_ns=max(scope.since_ns, since_ns), until_ns=min(scope.until_ns, until_ns))
        if scope.only is not None:
            return []
        found: dict[tuple[int, int], Fine] = {}
        for row in fine(self.reader.of(narrow), self.subjects):
            if row.first_ns < narrow.since_ns or row.last_ns >= narrow.until_ns:
                row = replace(row, first_ns=max(row.first_ns, narrow.since_ns),  # noqa: PLW2901 - what lies in it
                              last_ns=min(row.last_ns, narrow.until_ns - 1))
            window = row.start_ns, row.width_ns
            there = found.get(window)
            found[window] = row if there is None else Fine(
                *window, there.count + row.count, min(there.first_ns, row.first_ns), max(there.last_ns, row.last_ns))
        return list(found.values())

    def _span(self, step: int) -> tuple[int, int]:
        since_ns = self.start_ns + step * self.step_ns
        return since_ns, since_ns + self.step_ns
