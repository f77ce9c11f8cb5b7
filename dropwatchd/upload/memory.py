"""What a sender knows to be in the central history of one host, as long as nobody else sends for it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from dropwatchd.upload.slice import Marks, Part, Row, Sent, Slice
from dropwatchd.upload.tables import NAMES

_FRESH_S = 3600  # then it is asked again: an administrator may have removed what is old


@dataclass(slots=True)
class Memory:
    """Marks as they are there, with rows that need not be sent again.

    `sent_us` is when the last transaction was, in microseconds by the server's clock: while it is the last one there,
    all this holds. `schema` is that of the server.
    """

    machine_id: str
    hostname: str
    schema: str
    marks: Marks
    sent_us: int = 0
    asked_s: float = field(default_factory=time.monotonic)
    _names: dict[tuple[str, int], Row] = field(default_factory=dict)
    _last: dict[str, set[Row]] = field(default_factory=dict)
    _run_key: int = 0

    def holds(self, machine_id: str) -> bool:
        """Say whether it is of this host, and not old."""
        return machine_id == self.machine_id and time.monotonic() < self.asked_s + _FRESH_S

    def new(self, made: Slice) -> dict[str, Sequence[Row]]:
        """Return the rows that are not there as they are; counter changes would be added, and are new in any case."""
        last = self._last if made.run_key == self._run_key else {}
        return {name: [row for row in rows if self._names.get((name, row[0])) != row] if name in NAMES else
                rows if name == "counter_changes" else [row for row in rows if row not in last.get(name, ())]
                for name, rows in made.rows.items()}

    def goes_on(self, interface: Row) -> bool:
        """Say whether an interface is there, and all that is new of it is up to when it was seen."""
        known = self._names.get(("interfaces", interface[0]))
        return known is not None and known[:-1] == interface[:-1] and known[-1] <= interface[-1]

    def sent(self, made: Slice, sent_us: int) -> None:
        """Have it that all of a slice is there now."""
        self.hostname, self.sent_us, self._run_key = made.hostname, sent_us, made.run_key
        self.marks.sendings += 1
        self._names |= {(name, row[0]): row for name in NAMES for row in made.rows.get(name, ())}
        self._last = {name: {*rows} for name, rows in made.rows.items() if name not in {*NAMES, "counter_changes"}}
        there = self.marks.runs.setdefault(made.run_key, Sent())
        there.changes_ns, there.reach_ns, there.complete = made.changes_ns, made.reach_ns, made.complete
        there.last_gap = 0 if made.complete else max([there.last_gap, *(row[0] for row in made.rows.get("gaps", ()))])
        for key, part, _place, _what, _name, _namespace, since_ns, until_ns, *_boot, ending in made.rows["watches"]:
            last = there.watches.get(key)
            if last is None or part != last.number:
                there.watches[key] = Part(part, since_ns, until_ns, ending)
            elif until_ns >= last.until_ns:
                there.watches[key] = Part(part, last.since_ns, until_ns, ending)
        if made.complete:
            there.watches.clear()
