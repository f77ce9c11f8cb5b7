"""Pure: cumulative per-CPU counts of the kernel into what was counted since the last read."""

from collections.abc import Hashable, Iterator
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from dropwatchd.sources.bpf.layout import VALUE, Value

Key = TypeVar("Key", bound=Hashable)
_COUNT_MASK = 0xFFFFFFFF  # of a count, as `start` has it


class Increment(NamedTuple):
    """What a key has counted since the last read; no packet of it was dropped before `first_ns` or after `last_ns`."""

    drops: int
    octets: int
    first_ns: int
    last_ns: int


class Kept(Struct, Generic[Key], frozen=True, array_like=True):
    """The state of Counts; each key with drops, octets, and the last one's time."""

    total: int
    keys: list[tuple[Key, int, int, int]]


class _Seen(NamedTuple):
    """What a key had counted. `raw` is empty where a run before us has seen that: it keeps no shares of CPUs."""

    raw: bytes
    drops: int
    octets: int
    last_ns: int


_NOTHING = _Seen(b"", 0, 0, 0)


class Counts(Generic[Key]):
    """The last value of every key of one map, and the sum of all that was ever counted. Times are CLOCK_BOOTTIME's."""

    def __init__(self) -> None:
        self._seen: dict[Key, _Seen] = {}
        self.total = 0

    def __len__(self) -> int:
        return len(self._seen)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._seen)

    def advance(self, key: Key, raw: bytes, since_ns: int) -> Increment | None:
        """Take a key's struct value of every CPU; return what is new, None when nothing is.

        `since_ns` is when the counts were read before: it stands for what a CPU does not tell, which is rare.
        """
        seen = self._seen.get(key, _NOTHING)
        if seen.raw == raw:
            return None
        if seen.drops and not seen.raw:
            return self._resume(key, seen, raw, since_ns)
        drops = octets = last_ns = 0
        firsts = []
        for was, now in _changed(seen.raw or bytes(len(raw)), raw):
            if now.drops != was.drops:
                drops += now.drops - was.drops
                octets += now.octets - was.octets
                last_ns = max(last_ns, now.last_ns)
                firsts.append(_first_ns(was, now) or since_ns)
        if not firsts:
            return None
        self._seen[key] = _Seen(raw, seen.drops + drops, seen.octets + octets, max(last_ns, seen.last_ns))
        self.total += drops
        return Increment(drops, octets, min(*firsts, last_ns), last_ns)

    def _resume(self, key: Key, seen: _Seen, raw: bytes, since_ns: int) -> Increment | None:
        """Go on from what a run before us had seen. A key that has less now had made room meanwhile: it began anew."""
        values = [Value._make(value) for value in VALUE.iter_unpack(raw)]
        drops, octets = sum(value.drops for value in values), sum(value.octets for value in values)
        last_ns = max(value.last_ns for value in values)
        self._seen[key] = _Seen(raw, drops, octets, last_ns)
        new, more = (drops - seen.drops, octets - seen.octets) if drops >= seen.drops else (drops, octets)
        self.total += new
        return Increment(new, more, min(since_ns, last_ns), last_ns) if new else None

    def keep(self) -> Kept[Key]:
        """Return what a later run needs in order to go on from here."""
        return Kept(self.total, [(key, seen.drops, seen.octets, seen.last_ns) for key, seen in self._seen.items()])

    def go_on(self, kept: Kept[Key]) -> None:
        """Begin where a run before us was."""
        self.total = kept.total
        self._seen = {key: _Seen(b"", drops, octets, last_ns) for key, drops, octets, last_ns in kept.keys}

    def quiet(self, before_ns: int) -> list[Key]:
        """Return the keys that have counted nothing since `before_ns`."""
        return [key for key, seen in self._seen.items() if seen.last_ns < before_ns]

    def forget(self, key: Key) -> None:
        """Drop a key that the kernel holds no more: should it come again, it starts at zero."""
        del self._seen[key]


def _changed(before: bytes, after: bytes) -> Iterator[tuple[Value, Value]]:
    """Yield the two values of each CPU that has counted anything: most have not, of most keys."""
    for at in range(0, len(after), VALUE.size):
        was, now = before[at:at + VALUE.size], after[at:at + VALUE.size]
        if was != now:
            yield Value._make(VALUE.unpack(was)), Value._make(VALUE.unpack(now))


def _first_ns(was: Value, now: Value) -> int:
    """Return when one CPU dropped the first of its new packets, or a time not after that; 0 where it does not tell.

    All that a CPU drops comes after what it has dropped before. Where its counts were read right before a window began
    for it, that window's first packet is the very one; packets that came between the two are why it may not be.
    """
    counted = was.drops & _COUNT_MASK
    if now.start == counted:
        return now.first_ns
    if now.before_start == counted:
        return now.before_first_ns
    return was.last_ns
