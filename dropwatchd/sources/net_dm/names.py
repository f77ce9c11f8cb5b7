"""What was dropped and where, as raw attributes or an address, turned into the keys that drops are counted by."""

from collections.abc import Collection, Iterable

from dropwatchd.kernel.kallsyms import Kallsyms
from dropwatchd.kernel.symbols import parse_printed
from dropwatchd.model import DropKey, Interface, Kind, Location
from dropwatchd.sources.net_dm import wire
from dropwatchd.sources.net_dm.wire import What

_MAX_KNOWN = 8192
_SYMBOL_BYTES = 39  # NET_DM_MAX_SYMBOL_LEN of net/core/drop_monitor.c, less the end of the string


class Names:
    """Resolves each distinct key once."""

    def __init__(self, kallsyms: Kallsyms | None = None) -> None:
        self._kallsyms = kallsyms or Kallsyms()
        self._whats: dict[bytes, tuple[What, Location]] = {}

    def learn(self, raws: Iterable[bytes]) -> None:
        """Decode what is new among these, with one pass over the symbols at most."""
        new = {raw: wire.what(raw) for raw in raws if raw not in self._whats}
        if not new:
            return
        if len(self._whats) + len(new) > _MAX_KNOWN:
            self._whats.clear()
        cut = self.locations({what.pc for what in new.values() if what.pc and _is_cut(what.symbol)})
        for raw, what in new.items():
            self._whats[raw] = what, _location(what, cut)

    def what(self, raw: bytes) -> What:
        """Return the attributes of what was learnt."""
        return self._whats[raw][0]

    def key(self, raw: bytes, protocol: int) -> DropKey:
        """Return the key of packets; an ifindex alone names no interface, for it may be of any namespace."""
        what, location = self._whats[raw]
        kind = Kind(what.reason, protocol or None, what.origin, what.trap, what.trap_group)
        return DropKey(location, kind, Interface(None, what.ifindex, what.port))

    @property
    def trouble(self) -> str:
        """Return why code addresses cannot be named; "" when they can."""
        return self._kallsyms.trouble

    def locations(self, addresses: Collection[int]) -> dict[int, Location]:
        """Return the locations of code addresses."""
        return self._kallsyms.names(addresses)


def point_key(location: Location) -> DropKey:
    """Return the key of a summary's software drops: the kernel says nothing but the place."""
    return DropKey(location, Kind(None), Interface())


def trap_key(trap: str) -> DropKey:
    """Return the key of a summary's hardware drops."""
    return DropKey(Location(None), Kind(None, origin="hardware", trap=trap), Interface())


def _is_cut(symbol: str | None) -> bool:
    return symbol is None or len(symbol.encode()) >= _SYMBOL_BYTES


def _location(what: What, cut: dict[int, Location]) -> Location:
    """Take the kernel's own text where it is whole, else kallsyms, else the text as far as it goes."""
    if not what.pc:
        return Location(None, address=what.pc)
    text = what.symbol or ""
    if not _is_cut(text):
        return parse_printed(text, what.pc)
    found = cut[what.pc]
    if found.symbol:
        return found
    symbol, size, _ = text.partition("/")
    return parse_printed(symbol if size else "", what.pc)  # the offset is whole when the size follows
