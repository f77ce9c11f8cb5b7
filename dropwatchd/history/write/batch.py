"""What one transaction of the history holds."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dropwatchd.model import (
    CounterChange,
    Device,
    Event,
    Gap,
    Mark,
    Namespace,
    PacketSample,
    Stack,
    Start,
    Watch,
    Window,
)


class Collected(NamedTuple):
    """How often a collector has read its counters, how often it failed, and the CPU time that it took."""

    rounds: int = 0
    failures: int = 0
    busy_ns: int = 0

    def plus(self, other: "Collected") -> "Collected":
        return Collected(*map(sum, zip(self, other, strict=True)))


@dataclass(slots=True)
class Batch:
    """`watches` vouch for what is in this batch and in those before it; `namespaces` are told before they are used.

    `mark` says what a source has told with this batch and with those before it.
    """

    windows: list[Window] = field(default_factory=list)
    packets: list[PacketSample] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    changes: list[CounterChange] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    collected: dict[str, Collected] = field(default_factory=dict)
    namespaces: dict[int, Namespace] = field(default_factory=dict)
    mark: Mark | None = None

    def halves(self) -> list["Batch"]:
        """Return the rows in two batches, watches last: they vouch for all others; of one row, what is beside it.

        So does the mark: who was killed between the two would leave what nobody can go on from.
        """
        rows = [(name, row) for name in LISTS for row in getattr(self, name)]
        if len(rows) < 2:
            return self._apart()
        middle = (len(rows) + 1) // 2
        parts = []
        for chosen in (rows[:middle], rows[middle:]):
            part = Batch(namespaces=self.namespaces)
            for name, row in chosen:
                getattr(part, name).append(row)
            parts.append(part)
        parts[-1].collected = self.collected
        return self._marked(parts)

    def _apart(self) -> list["Batch"]:
        """Return one row, if any, apart from what is beside it: namespaces, told before it, and how often was read."""
        names, read = [*self.namespaces.items()], [*self.collected.items()]
        mine = len(self) - len(names) - len(read)
        if names and mine + len(read):
            parts = [Batch(namespaces=self.namespaces), replace(self, namespaces={}, mark=None)]
        elif mine and read:
            parts = [replace(self, collected={}, mark=None), Batch(collected=self.collected)]
        else:
            parts = [Batch(namespaces=dict(names[begin::2]), collected=dict(read[begin::2])) for begin in (0, 1)]
        return self._marked(parts)

    def _marked(self, parts: list["Batch"]) -> list["Batch"]:
        """Let the last part have the mark: who was killed before it would leave what nobody can go on from."""
        if self.mark:
            parts[0].mark, parts[-1].mark = self.mark.part(), self.mark
        return parts

    def __len__(self) -> int:
        """Return how many rows there are to write."""
        return sum(len(rows) for rows in (
            self.windows, self.packets, self.stacks, self.gaps, self.events, self.devices, self.changes, self.starts,
            self.watches, self.collected, self.namespaces))


LISTS = ("windows", "packets", "stacks", "gaps", "events", "devices", "changes", "starts", "watches")
