"""How the kernel came to the first drop of each place and reason, told once."""

from collections.abc import Iterator

from dropwatchd.model import Stack
from dropwatchd.sources.bpf.layout import PLACE, RawKey, parse_stack
from dropwatchd.sources.bpf.names import Names
from dropwatchd.sources.bpf.program import Program

_TRIES = 3  # a stack is taken right behind its key: a read between the two does not find it yet


class Stacks:
    """Asks for the stack of each place and reason that counts, until it is there; none has more than MAX_STACKS."""

    def __init__(self, program: Program, names: Names) -> None:
        self._program = program
        self._names = names
        self._known: set[bytes] = set()
        self._wanted: dict[bytes, tuple[RawKey, int]] = {}

    def want(self, raw: bytes) -> None:
        """Take notice of a struct key that has counted: this is called for every one at every read."""
        place = raw[:8] + raw[16:20]  # location and reason
        if place not in self._known:
            self._known.add(place)
            self._wanted[place] = RawKey.parse(raw), _TRIES

    def take(self, time_ns: int) -> Iterator[Stack]:
        """Yield the stacks that are new."""
        wanted, self._wanted = self._wanted, {}
        for place, (key, tries) in wanted.items():
            addresses = parse_stack(self._program.stack(PLACE.pack(key.location, key.reason)))
            if addresses:
                at = addresses.index(key.location) if key.location in addresses else 0  # above it: freeing, and us
                frames = tuple(map(self._names.location, addresses[at:]))
                yield Stack(self._names.location(key.location), self._names.reason(key.reason), frames, time_ns)
            elif tries > 1:
                self._wanted[place] = key, tries - 1
