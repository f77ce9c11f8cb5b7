"""Absolute readings into changes, over resets, wraps, renames, and counters that come and go."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dropwatchd.model import CounterChange, CounterKey, Instant, Reading, Start

_REMEMBERED = 16_384  # vanished counters of one collector: enough for the CPUs and the devices of a large host
_Identity = tuple[object, ...]


@dataclass(slots=True)
class _Round:
    """When a collector was last read, what it read, and the last value and time of counters that vanished.

    Times are CLOCK_BOOTTIME's: a wall clock that is set in between makes no change longer or shorter. `begun` says that
    it has not been read yet: whatever it will have began at zero then. `lasting` are counters of interfaces that are
    not destroyed with them.
    """

    boot_ns: int
    values: dict[_Identity, int] = field(default_factory=dict)
    lasting: set[_Identity] = field(default_factory=set)
    begun: bool = False
    vanished: dict[_Identity, tuple[int, int]] = field(default_factory=dict)


class Deltas:
    """What moved between two rounds of readings: the last value of each counter is all that is kept.

    - The first round of a collector only says where its counters start.
    - A counter that appears later began at zero since then: a new device, a new qdisc, a first ICMP type. Where that
      is not so (`Reading.from_zero`), it starts with its first reading.
    - A counter that vanishes from an interface was destroyed with its device or qdisc, and is forgotten; a card may
      have been unreadable for one round, or else has been in another namespace. Any other goes on where it was when it
      comes back, as those of a CPU do that was offline.
    - A 32-bit counter that falls by more than half its range has wrapped; any other that falls was reset.
    """

    def __init__(self) -> None:
        self._rounds: dict[str, _Round] = {}

    def begin(self, collector: str, now: Instant) -> None:
        """Let the counters of a round begin at zero now, whatever went by its name before."""
        self._rounds[collector] = _Round(now.boot_ns, begun=True)

    def forget(self, collector: str) -> None:
        """Let go of what will not be read again."""
        self._rounds.pop(collector, None)

    def advance(
        self, collector: str, readings: Iterable[Reading], now: Instant,
    ) -> tuple[list[CounterChange], list[Start]]:
        """Take a complete round; return what changed since the last, and, of the first, where it all starts.

        `collector` names the round: where it reads several namespaces one by one, each has its own.
        """
        rows = list(readings)
        last = self._rounds.get(collector)
        if last is None:
            lasting = {_identity(row.key) for row in rows if not row.from_zero}
            values = {_identity(row.key): row.value for row in rows}
            self._rounds[collector] = _Round(now.boot_ns, values, lasting=lasting)
            return [], [(now.wall_ns, row) for row in rows]
        since_ns = now.wall_ns - now.boot_ns + last.boot_ns
        starts = [(since_ns, replace(row, value=0)) for row in rows if last.begun and row.from_zero]
        starts += _brought(last, rows, now.wall_ns)
        changes = _changes(last, rows, now)
        for identity in last.lasting & last.vanished.keys():  # not in this round either
            del last.vanished[identity]
        if len(last.values) != len(rows):
            _remove_vanished(last, rows)
        last.boot_ns, last.begun = now.boot_ns, False
        return changes, starts


def _identity(key: CounterKey) -> _Identity:
    """Return what a counter is known by: an interface's number, for its name may change."""
    return key if key.ifindex is None else (key.name, key.netns, key.ifindex, key.labels)


def _brought(last: _Round, rows: list[Reading], now_ns: int) -> list[Start]:
    """Take the counters that are new and did not begin at zero; return where they start."""
    lasting = {_identity(row.key): row for row in rows if not row.from_zero}
    last.lasting |= lasting.keys()
    brought = {identity: row for identity, row in lasting.items()
               if identity not in last.values and identity not in last.vanished}
    last.values.update((identity, row.value) for identity, row in brought.items())
    return [(now_ns, row) for row in brought.values()]


def _changes(last: _Round, rows: list[Reading], now: Instant) -> list[CounterChange]:
    """Bring the values of the round up to date; most counters rest, so these are passed over at once."""
    changes = []
    values, to_wall_ns = last.values, now.wall_ns - now.boot_ns
    for row in rows:
        identity = _identity(row.key)
        before = values.get(identity)
        if before == row.value:
            continue
        values[identity] = row.value
        since_ns = last.boot_ns
        if before is None:
            before, since_ns = last.vanished.pop(identity, (0, since_ns))
        delta = _delta(row, before)
        if delta:
            changes.append(CounterChange(row.key, since_ns + to_wall_ns, now.wall_ns, delta, row.value,
                                         gauge=row.bits == 0))
    return changes


def _delta(row: Reading, before: int) -> int:
    delta = row.value - before
    if delta >= 0 or row.bits == 0:
        return delta
    wrapped = delta % (1 << 32)
    return wrapped if row.bits == 32 and wrapped < 1 << 31 else row.value


def _remove_vanished(last: _Round, rows: list[Reading]) -> None:
    for identity in last.values.keys() - {_identity(row.key) for row in rows}:
        value = last.values.pop(identity)
        if isinstance(identity, CounterKey) or identity in last.lasting:
            last.vanished[identity] = value, last.boot_ns
    while len(last.vanished) > _REMEMBERED:
        del last.vanished[next(iter(last.vanished))]
