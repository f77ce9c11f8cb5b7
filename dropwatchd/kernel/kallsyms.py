"""Code addresses named from /proc/kallsyms: read in one pass for all that are asked, never kept."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from dropwatchd.model import Location

_NEAR_BITS = 16  # no function is larger than 64 KiB; beyond that lies code of a module that has gone
_DIGITS = 16     # of an address
_TRIES = 3
_LINE = re.compile(rb"([0-9a-f]{%d}) \S \S+(?:\s+\[([^\]]+)\])?" % _DIGITS)
_MODULE = re.compile(rb"^(\S+) ([0-9]{1,15}) \S+ \S+ (\S+) 0x([0-9a-f]{1,16})\b", re.MULTILINE)
# The last line is a module's or a BPF program's, or the kernel's end: its address is 0 only where all are hidden
_HIDDEN = "/proc/kallsyms hides its addresses (CAP_SYSLOG is missing, or kernel.kptr_restrict is 2)"


class _Module(NamedTuple):
    """A line of /proc/modules. The start is 0 where it is hidden; since 6.4 the size counts more than its code."""

    start: int
    size: int
    name: bytes
    state: bytes


class Kallsyms:
    """address -> Location. An address stands for itself where the kernel shows none: `trouble` then says why."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._symbols = proc / "kallsyms"
        self._modules = proc / "modules"
        self._known: dict[int, Location] = {}
        self._loaded: list[_Module] = []
        self.trouble = ""

    def names(self, addresses: Collection[int]) -> dict[int, Location]:
        """Return the location of each address; reads the symbols only when one of them is new."""
        self._forget_modules()
        for _ in range(_TRIES):
            unknown = {address for address in addresses if address not in self._known}
            if not unknown:
                break
            self._known.update(self._search(unknown))
            # The kernel counts lines from the start at every read: what modules come and go meanwhile hides some.
            self._forget_modules()
        return {address: self._known.get(address, Location(None, address=address)) for address in addresses}

    def _forget_modules(self) -> None:
        """A module's addresses may belong to another one after it has been unloaded, or to none while it is loaded."""
        try:
            rows = _MODULE.findall(self._modules.read_bytes())
        except OSError:  # a kernel without modules
            rows = []
        loaded = [_Module(int(start, 16), int(size), name, state) for name, size, state, start in rows]
        if loaded != self._loaded:
            self._loaded = loaded
            self._known = {address: location for address, location in self._known.items()
                           if location.symbol and not location.module}

    def _search(self, addresses: Collection[int]) -> dict[int, Location]:
        """Read lines of address, type, symbol and [module]: the nearest symbol at or before an address has it.

        Of several at one address the first counts, as in the kernel's own lookup (kernel/kallsyms.c), and of modules
        those alone of the one that lies there: others' functions for their start, long freed, are still in the list.
        Only lines that can matter are parsed: their upper digits are those of an address or one less.
        """
        wanted = [(address, self._module_at(address)) for address in sorted(addresses)]
        modules = {module.name for module in self._loaded}
        near = {b"%012x" % ((address >> _NEAR_BITS) - step) for address, _ in wanted for step in (0, 1)
                if address >> _NEAR_BITS >= step}
        digits = _DIGITS - _NEAR_BITS // 4
        best: dict[int, tuple[int, bytes]] = {}
        line = b""
        try:
            with self._symbols.open("rb") as lines:
                for line in lines:
                    if line[:digits] in near and (found := _LINE.match(line)):
                        start, module = int(found[1], 16), found[2] if found[2] in modules else None
                        for address, there in wanted:
                            if module == there and best.get(address, (-1,))[0] < start <= address:
                                best[address] = start, line
            self.trouble = "" if line[:_DIGITS].strip(b"0") else _HIDDEN
        except OSError as error:  # no /proc, a kernel without kallsyms, or a service that may not see it
            self.trouble = f"{self._symbols} cannot be read ({error.strerror})"
            best = {}
        return {address: _location(address, *best.get(address, (0, b""))) for address in addresses}

    def _module_at(self, address: int) -> bytes | None:
        """Return the name of the module whose memory an address is in, if it is in any."""
        nearest = max((module for module in self._loaded if module.start <= address), default=None)
        return nearest.name if nearest and address < nearest.start + nearest.size else None


def _location(address: int, start: int, line: bytes) -> Location:
    words = line.decode(errors="replace").split()
    if len(words) < 3 or address - start >> _NEAR_BITS:
        return Location(None, address=address)
    return Location(words[2], address - start, words[3].strip("[]") if len(words) > 3 else None)
