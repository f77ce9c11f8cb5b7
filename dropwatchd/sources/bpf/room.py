"""Pure: how the room in the BPF maps is shared out, and when it runs short."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

_CROWDED = 0.75  # of any share: from here on, keys that have gone quiet make room


class Room(NamedTuple):
    """How many keys there may be: in all, of one namespace that is not ours, of all of these, and of mere places.

    A namespace can make up keys without end, of ethertypes, names and devices. It fills its own share at most, and all
    but ours together leave a quarter to ours.
    """

    keys: int
    namespace_keys: int
    foreign_keys: int
    places: int

    @classmethod
    def of(cls, keys: int) -> "Room":
        return cls(keys, max(keys // 8, 1), keys * 3 // 4, keys // 4)

    def is_short(self, keys: int, owners: Iterable[int], home: int) -> bool:
        """Say whether keys should go; `owners` has the owner of each of them, looked at where it may matter."""
        if keys <= _CROWDED * self.namespace_keys:
            return False
        used = Counter(owners)
        ours = used.pop(home, 0)
        foreign = used.total()
        return (ours + foreign > _CROWDED * self.keys or foreign > _CROWDED * self.foreign_keys
                or max(used.values(), default=0) > _CROWDED * self.namespace_keys)

    def is_short_of_places(self, places: int) -> bool:
        return places > _CROWDED * self.places
