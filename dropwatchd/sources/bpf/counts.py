"""Pure: cumulative per-CPU counts of the kernel into what was counted since the last read."""

from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

from dropwatchd.sources.bpf.program import VALUE

Key = TypeVar("Key", bound=Hashable)
_NEVER_NS = 1 << 63


class Span(NamedTuple):
    """One read: the number of the window it closes, when the read before was, and monotonic to wall-clock time."""

    window: int
    since_ns: int
    to_wall_ns: int


class Increment(NamedTuple):
    """What a key has counted since the last read; times are wall-clock."""

    drops: int
    octets: int
    first_ns: int
    last_ns: int


class _Seen(NamedTuple):
    raw: bytes
    drops: int
    octets: int
    last_ns: int


_NOTHING = _Seen(b"", 0, 0, 0)


class Counts(Generic[Key]):
    """The last value of every key of one map, and the sum of all that was ever counted."""

    def __init__(self) -> None:
        self._seen: dict[Key, _Seen] = {}
        self.total = 0

    def __len__(self) -> int:
        return len(self._seen)

    def advance(self, key: Key, raw: bytes, span: Span) -> Increment | None:
        """Take a key's struct value of every CPU; return what is new, None when nothing is.

        The kernel's first_ns belongs to its `window`: where that has moved on already, the drops began with this span.
        """
        seen = self._seen.get(key, _NOTHING)
        if seen.raw == raw:
            return None
        drops = octets = last_ns = 0
        first_ns = _NEVER_NS
        for cpu_drops, cpu_octets, cpu_first_ns, cpu_last_ns, window, _ in VALUE.iter_unpack(raw):
            drops += cpu_drops
            octets += cpu_octets
            last_ns = max(last_ns, cpu_last_ns)
            if window == span.window:
                first_ns = min(first_ns, cpu_first_ns)
        if drops == seen.drops:
            return None
        self._seen[key] = _Seen(raw, drops, octets, last_ns)
        self.total += drops - seen.drops
        wall_last_ns = last_ns + span.to_wall_ns
        wall_first_ns = span.since_ns if first_ns == _NEVER_NS else max(first_ns + span.to_wall_ns, span.since_ns)
        return Increment(drops - seen.drops, octets - seen.octets, min(wall_first_ns, wall_last_ns), wall_last_ns)

    def quiet(self, before_ns: int) -> list[Key]:
        """Return the keys that have counted nothing since `before_ns` (monotonic)."""
        return [key for key, seen in self._seen.items() if seen.last_ns < before_ns]

    def forget(self, key: Key) -> None:
        """Drop a key that the kernel holds no more: should it come again, it starts at zero."""
        del self._seen[key]
