"""Pure: drops into windows of time, conserving counts whatever happens to the resolution."""

from collections.abc import Iterable

from dropwatchd.model import NANO, Drop, DropKey, Window

_WIDEN = 4
_WIDEST_NS = 3600 * NANO  # readers look for no wider windows


def merge(one: Drop, other: Drop) -> Drop:
    """Add two drops of one key. Unknown octets make the sum unknown."""
    octets = None if one.octets is None or other.octets is None else one.octets + other.octets
    return Drop(one.key, one.count + other.count, octets,
                min(one.first_ns, other.first_ns), max(one.last_ns, other.last_ns))


class Windows:
    """Sums per key and window of `width_ns`, by the time of each drop's first packet.

    At most `limit` sums are held: beyond that all windows are folded into wider ones, until they are taken. The number
    of distinct keys is bounded by the sources, so memory is too: at most a sum per key and hour.
    """

    def __init__(self, width_ns: int = NANO, limit: int = 65_536) -> None:
        self._base_ns = self._width_ns = width_ns
        self._limit = limit
        self._sums: dict[tuple[int, DropKey], Drop] = {}

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, drop: Drop) -> None:
        """Count a drop in its window."""
        self._add(drop)
        while len(self._sums) > self._limit and self._width_ns < _WIDEST_NS:
            self._widen(min(self._width_ns * _WIDEN, _WIDEST_NS))

    def _add(self, drop: Drop) -> None:
        place = (drop.first_ns - drop.first_ns % self._width_ns, drop.key)
        held = self._sums.get(place)
        self._sums[place] = drop if held is None else merge(held, drop)

    def _widen(self, width_ns: int) -> None:
        self._width_ns = width_ns
        held, self._sums = self._sums.values(), {}
        for drop in held:
            self._add(drop)

    def take(self) -> list[Window]:
        """Return all windows and hold none, at full resolution again."""
        windows = [Window(start_ns, self._width_ns, drop) for (start_ns, _), drop in self._sums.items()]
        self._sums, self._width_ns = {}, self._base_ns
        return windows

    def put_back(self, windows: Iterable[Window]) -> None:
        """Hold windows again that could not be written; their width is kept, for it says when their drops happened."""
        windows = list(windows)
        widest = max((window.width_ns for window in windows), default=0)
        if widest > self._width_ns:
            self._widen(widest)
        for window in windows:
            self.add(window.drop)
