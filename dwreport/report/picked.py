"""Some rows of a sequence, in an order of their own: which is all that is held of them."""

from collections.abc import Sequence
from typing import TypeVar, overload

Row = TypeVar("Row")


class Picked(Sequence[Row]):
    """Rows by their places in a sequence, which makes each when it is asked for."""

    def __init__(self, rows: Sequence[Row], places: Sequence[int]) -> None:
        self._rows, self._places = rows, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return Picked(self._rows, self._places[index])
        return self._rows[self._places[index]]
