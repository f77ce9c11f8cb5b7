"""What drops were counted by, as numbers and addresses of the kernel, turned into names: once for each key."""

from collections.abc import Callable

from dropwatchd.kernel.netlink import text
from dropwatchd.kernel.netns import NetnsNames
from dropwatchd.kernel.reasons import ReasonNames
from dropwatchd.model import DropKey, Interface, Kind, Location
from dropwatchd.sources.bpf.layout import RawKey


class Names:
    """Knows the running kernel's reasons, and asks `locate` for the symbol of each code address."""

    def __init__(self, locate: Callable[[int], Location]) -> None:
        """Raise OSError where the kernel has no BTF."""
        self._locate = locate
        self._reasons = ReasonNames()
        self._reasons.load()
        self._netns = NetnsNames()
        self._locations: dict[int, Location] = {}
        self._keys: dict[bytes, DropKey] = {}

    def refresh(self) -> None:
        """Look for new names of namespaces."""
        if self._netns.refresh():
            self._keys.clear()

    def key(self, raw: bytes) -> DropKey:
        """Return the key that a struct key stands for."""
        key = self._keys.get(raw)
        if key is None:
            key = self._keys[raw] = self._named(RawKey.parse(raw))
        return key

    def forget(self, raw: bytes) -> None:
        """Hold no more what has no count any more."""
        self._keys.pop(raw, None)

    def reason_alone(self, number: int) -> DropKey:
        """Return the key of what is known by its core reason only; 0 stands for all reasons that are none."""
        return DropKey(Location(None), Kind(self._reasons.name(number) if number else None), Interface())

    def _named(self, raw: RawKey) -> DropKey:
        interface = Interface(raw.netns or None, raw.ifindex or None, text(raw.ifname) or None,
                              self._netns.name(raw.netns))
        return DropKey(self._location(raw.location), Kind(self._reasons.name(raw.reason), raw.protocol or None),
                       interface)

    def _location(self, address: int) -> Location:
        location = self._locations.get(address)
        if location is None:
            location = self._locations[address] = self._locate(address)
        return location
