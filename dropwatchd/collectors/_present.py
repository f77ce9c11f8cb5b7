"""What is there at one time and gone at another: a gauge that has gone is told once more, as zero."""

from collections import defaultdict
from collections.abc import Iterable

from dropwatchd.model import CounterKey, Reading


class Present:
    """Remembers by namespace which gauges its last round had."""

    def __init__(self) -> None:
        self._last: defaultdict[int | None, set[CounterKey]] = defaultdict(set)

    def gone(self, netns: int | None, readings: Iterable[Reading]) -> list[Reading]:
        """Return a zero for each that the round before had."""
        there = {reading.key for reading in readings}
        gone, self._last[netns] = self._last[netns] - there, there
        return [Reading(key, 0, bits=0) for key in gone]
