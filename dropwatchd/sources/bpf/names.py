"""What drops were counted by, as numbers and addresses of the kernel, turned into names: once for each key."""

from collections.abc import Callable

from dropwatchd.kernel.netlink import text
from dropwatchd.kernel.netns import numbered
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.kernel.reasons import ReasonNames
from dropwatchd.model import DropKey, Interface, Kind, Location
from dropwatchd.sources.bpf.layout import RawKey


class Names:
    """Knows the running kernel's reasons, and asks `locate` for the symbol of each code address."""

    def __init__(self, locate: Callable[[int], Location], namespaces: NetnsNames | None = None) -> None:
        """Raise OSError where the kernel has no BTF. Without names of namespaces these are known by their numbers."""
        self._locate = locate
        self._reasons = ReasonNames()
        self._reasons.load()
        self._namespaces = namespaces
        self._followed = 0
        self._settled = True
        self._locations: dict[int, Location] = {}
        self._keys: dict[bytes, DropKey] = {}

    def follow(self) -> None:
        """Name keys anew where a namespace got or lost a name: each then has the name of when it was dropped."""
        if self._namespaces and self._followed != self._namespaces.version:
            self._followed = self._namespaces.version
            self._keys.clear()
            self._settled = False

    def settle(self) -> None:
        """Take what comes from now on for dropped under the names of now."""
        self._settled = True

    def key(self, raw: bytes, time_ns: int) -> DropKey:
        """Return the key that a struct key stands for, of a drop at that time."""
        key = self._keys.get(raw)
        if key is None:
            key = self._named(RawKey.parse(raw), time_ns)
            if self._settled:
                self._keys[raw] = key
        return key

    def forget(self, raw: bytes) -> None:
        """Hold no more what has no count any more."""
        self._keys.pop(raw, None)

    def reason(self, number: int) -> str | None:
        """Return the name of a reason."""
        return self._reasons.name(number)

    def reason_alone(self, number: int) -> DropKey:
        """Return the key of what is known by its core reason only; 0 stands for all reasons that are none."""
        return DropKey(Location(None), Kind(self._reasons.name(number) if number else None), Interface())

    def _named(self, raw: RawKey, time_ns: int) -> DropKey:
        kind = Kind(self._reasons.name(raw.reason), raw.protocol or None)
        return DropKey(self.location(raw.location), kind, self._interface(raw, time_ns))

    def _interface(self, raw: RawKey, time_ns: int) -> Interface:
        index, name = raw.ifindex or None, text(raw.ifname) or None
        if not raw.netns:
            return Interface(None, index, name)
        cookie = raw.cookie or None
        there = self._namespaces.at(raw.netns, cookie, time_ns) if self._namespaces else numbered(raw.netns, cookie)
        return Interface(there.number, index, name, there.name, there.inode, there.kind)

    def location(self, address: int) -> Location:
        """Return the place that a code address is."""
        location = self._locations.get(address)
        if location is None:
            location = self._locations[address] = self._locate(address)
        return location
