"""The call stacks on record, of the first drop of a place and reason: asked for where no name helps."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from dropwatchd.history.read.stacks import StackRow
from dropwatchd.model import DropKey, Location

_Place = tuple[str, Location, str | None]


class Stacks:
    """Gives the newest stack of a key's place and reason on a host; asks at the first look."""

    def __init__(self, ask: Callable[[], Iterable[StackRow]] = tuple) -> None:
        self._ask = ask

    @cached_property
    def _frames(self) -> Mapping[_Place, tuple[str, ...]]:
        found: dict[_Place, tuple[str, ...]] = {}
        for row in self._ask():
            found.setdefault((row.host, row.location, row.reason), row.frames)
        return found

    def functions(self, host: str, key: DropKey) -> tuple[str, ...]:
        """Return the functions that led to a drop, the innermost first; none where that is not on record."""
        frames = self._frames.get((host, key.location, key.kind.reason), ())
        return tuple(frame.partition(" ")[0].partition("+")[0] for frame in frames)
