"""How counts spread over the window, in steps: none where none was dropped, unknown where nobody watched."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.read.reader import Reader
from dwreport.evidence.coverage import assess
from dwreport.evidence.recorded import Recorded
from dwreport.text import axis, sparkline

_STEPS = 24  # or about so many, where they are whole hours


@dataclass(frozen=True)
class Chart:
    """Draws counts by step, each of `step_ns`, up to `end_ns`, when the record of the window ends."""

    found: Recorded
    since_ns: int
    until_ns: int
    asked: str | None

    @cached_property
    def step_ns(self) -> int:
        """Return how long a step is: whole hours where that is one or more, for hours have their sums on record."""
        span_ns = self.until_ns - self.since_ns
        return round(span_ns / _STEPS / HOUR_NS) * HOUR_NS if span_ns >= _STEPS * HOUR_NS else -(-span_ns // _STEPS)

    @cached_property
    def start_ns(self) -> int:
        """Return when the first step begins, perhaps some time before the window."""
        return self.since_ns if self.step_ns < HOUR_NS else self.since_ns // HOUR_NS * HOUR_NS

    @cached_property
    def _starts(self) -> range:
        return range(self.start_ns, self.until_ns, self.step_ns)

    def line(self, shape: Mapping[int, int], per: int = 1) -> str:
        """Draw counts, of so many steps in each character."""
        return sparkline([self._count(shape, range(first, first + per)) for first in range(0, len(self._starts), per)])

    def title(self, per: int = 1) -> str:
        """Return the times at both ends."""
        return axis(self.since_ns, self.until_ns, -(-len(self._starts) // per))

    def _count(self, shape: Mapping[int, int], steps: range) -> int | None:
        count = sum(shape.get(step, 0) for step in steps)
        is_none = not any(step in shape for step in steps) and all(
            self._watched[step] for step in steps if step < len(self._watched))
        return count if count or is_none else None

    @cached_property
    def _watched(self) -> list[bool]:
        """Return whether each step was watched to its end."""
        now_ns = self.found.now_ns
        spans = [(max(start, self.since_ns), min(start + self.step_ns, self.until_ns)) for start in self._starts]
        return [since >= until or ((now_ns is None or until <= now_ns)
                                   and assess(self.found, (since, until), self.asked).status == "complete")
                for since, until in spans]


def chart_of(reader: Reader, found: Recorded) -> Chart:
    """Return the chart of a report."""
    return Chart(found, reader.scope.since_ns, reader.scope.until_ns, reader.scope.origin)
