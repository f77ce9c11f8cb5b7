"""Rows of windows, held small: a day has half a million, and what a row says of its place is said again and again."""

from array import array
from collections.abc import Iterable, Sequence
from typing import overload

from dropwatchd.history.read.portioned import PartWindow
from dropwatchd.model import Drop, DropKey, Window
from dwreport.report.picked import Picked
from dwreport.report.rows import WindowRow, window_row

_UNKNOWN = -1  # bytes
_FIELDS = 6    # numbers of a window


class HeldWindows(Sequence[WindowRow]):
    """Rows of windows, made when they are asked for: 56 bytes for each until then, and one key for all alike."""

    def __init__(self, windows: Iterable[tuple[str, Window]]) -> None:
        self._numbers, self._which = array("q"), array("q")
        self._parts: dict[int, PartWindow] = {}
        known: dict[tuple[str, DropKey], int] = {}
        for host, window in windows:
            drop = window.drop
            if isinstance(window, PartWindow):
                self._parts[len(self._which)] = window
            self._which.append(known.setdefault((host, drop.key), len(known)))
            self._numbers.extend((window.start_ns, window.width_ns, drop.count,
                                  _UNKNOWN if drop.octets is None else drop.octets, drop.first_ns, drop.last_ns))
        self._keys = list(known)

    def __len__(self) -> int:
        return len(self._which)

    @overload
    def __getitem__(self, index: int) -> WindowRow: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[WindowRow]: ...

    def __getitem__(self, index: int | slice) -> WindowRow | Sequence[WindowRow]:
        if isinstance(index, slice):
            return Picked(self, range(len(self))[index])
        host, key = self._keys[self._which[index]]
        at = index % len(self) * _FIELDS
        if part := self._parts.get(index % len(self)):
            return window_row(host, part)
        start_ns, width_ns, count, octets, first_ns, last_ns = self._numbers[at:at + _FIELDS]
        return window_row(host, Window(start_ns, width_ns, Drop(key, count, None if octets == _UNKNOWN else octets,
                                                                first_ns, last_ns)))
