"""What each drop reason, kernel location and counter means: data with its source, read when asked for.

The data are TOML files beside this module: reasons/<layer>.toml, places.toml (a reason in one function),
locations.toml, traps.toml (hardware) and counters/<collector>.toml, one table per name. Counters are written as
nstat prints them (`UdpRcvbufErrors`); those without a protocol in their name carry their collector
(`softnet/dropped`). Causes that the kernel has no name for stand among the reasons, in lower case. A table may take its
text from a reason (`cause`) or another table (`same_as`), and one of a counter or a location may stand for all names
that fit a pattern (`match`). A value never spans lines, so a line that begins with `[` begins a table.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import msgspec

Kind = Literal["drop", "error", "pressure", "info"]
Harm = Literal["benign", "suspect", "harmful"]
Trait = Literal["multicast", "many", "group_frame", "source_route"]

_NEWEST = "6.18"
_ROOT = Path(__file__).parent
_TABLE = re.compile(r'^\["?([^"\]\n]+)"?\]\n(.*?)(?=^\[|\Z)', re.MULTILINE | re.DOTALL)
_LOCATIONS = "locations.toml"
_PLACES = "places.toml"
_TRAPS = "traps.toml"
_UNTOLD = ("TcpExt", "IpExt", "MPTcpExt")  # what `netstat -s` leaves out before a counter's name
_MATCH = "match = "  # the first line of a table that stands for many names


class Cause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one name means: title is a headline, next the one next step, source the kernel's own word.

    `packets` is what all packets have in common that are dropped for it; `follows`, the kinds of events after which it
    is to be expected.
    """

    name: str
    layer: str
    kind: Kind
    harm: Harm
    title: str
    meaning: str
    source: str
    usual: tuple[str, ...] = ()
    next: str = ""
    look: tuple[str, ...] = ()
    packets: Trait | None = None
    follows: tuple[str, ...] = ()


class Reason(Cause, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drop reason; counters move with it, since is the kernel that brought the name, where known."""

    counters: tuple[str, ...]
    since: str | None = None


class Location(Cause, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A function that frees packets; candidates are what it may stand for, cause the reason if it is sure.

    A candidate is a reason or a counter that is a cause by itself; "NAME until 6.14" is one to which kernels from 6.14
    on give its reason, so that a packet without any is none of these. `complete` says that there are no others, nor
    such as are too rare to be named.
    """

    candidates: tuple[str, ...] = ()
    cause: str | None = None
    complete: bool = False
    match: str | None = None

    def possible(self, kernels: Iterable[str]) -> tuple[str, ...]:
        """Return the candidates that a packet may be, which one of these kernels freed and left unnamed."""
        oldest = min(map(_version, kernels), default=())
        parted = (candidate.partition(" until ") for candidate in self.candidates)
        return tuple(name for name, _, until in parted if not until or oldest < _version(until))

    def untold(self) -> "Location":
        """Return what it means where reasons are not told at all: as harmful as the worst of its candidates."""
        harms = [self.harm, *(known.harm for name in self.possible(()) if (known := written(name)))]
        return msgspec.structs.replace(self, harm=max(harms, key=get_args(Harm).index))


class Counter(Cause, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A counter; parts count in it too (all of it if complete), event names the reasons that correspond."""

    collector: str
    parts: tuple[str, ...] = ()
    parts_complete: bool = False
    event: tuple[str, ...] = ()
    match: str | None = None


class Trap(Cause, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A packet trap of devlink, by which a device says why it dropped a packet in hardware."""


AnyCause = TypeVar("AnyCause", bound=Cause)


def is_checked(kernels: Iterable[str]) -> bool:
    """Say whether these are kernels that are no newer than those whose sources the catalogue was held against."""
    return () < max(map(_version, kernels), default=()) <= _version(_NEWEST)


@cache
def _version(release: str) -> tuple[int, ...]:
    """Return what orders releases: (6, 1) for "6.1.0-49-amd64"; nothing for one that is not known."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else ()


@cache
def reason(name: str, symbol: str | None = None) -> Reason | None:
    """Explain a drop reason, written with or without the prefixes of the kernel's enumerators.

    A function (`symbol`) may say more: then the explanation is that of the reason there.
    """
    if symbol and (there := f"{name} in {_function(symbol)}") in _tables(_PLACES):
        return _at(there)
    plain = name.lstrip("_").removeprefix("SKB_DROP_REASON_")
    for spelling in (plain, plain.removeprefix("SKB_")):  # SKB_CSUM is a name, SKB_CONSUMED has a prefix
        for file in _files("reasons"):
            if spelling in _tables(file):
                return _entry(Reason, spelling, _read(file, spelling))
    return None


def _at(there: str) -> Reason | None:
    """Read the explanation of "REASON in function"; what it does not say is the reason's."""
    known = reason(there.partition(" ")[0])
    own = _read(_PLACES, there)
    own = _read(_PLACES, own["same_as"]) if "same_as" in own else own
    return _entry(Reason, there, msgspec.structs.asdict(known) | own) if known else None


def _function(symbol: str) -> str:
    """Return the name of a function without an offset (`+0x1f`) or a compiler's suffix (`.isra.0`)."""
    return symbol.partition("+")[0].partition(".")[0]


@cache
def location(symbol: str) -> Location | None:
    """Explain a kernel symbol; an offset and a compiler's suffix do not matter."""
    plain = _function(symbol)
    if _is_family(_tables(_LOCATIONS).get(plain, _MATCH)):
        return _family(Location, _LOCATIONS, plain)
    own = _read(_LOCATIONS, plain)
    if twin := own.pop("same_as", None):
        return _entry(Location, plain, _read(_LOCATIONS, twin) | own)
    known = reason(own["cause"]) if "cause" in own else None
    if known is None:
        return _entry(Location, plain, own)
    text = msgspec.structs.asdict(known)
    shared = {field: text[field] for field in Cause.__struct_fields__}
    return _entry(Location, plain, shared | own | {"candidates": (known.name,)})


@cache
def trap(name: str) -> Trap | None:
    """Explain a packet trap of devlink."""
    return _entry(Trap, name, _read(_TRAPS, name)) if name in _tables(_TRAPS) else None


@cache
def counter(collector: str, name: str) -> Counter | None:
    """Explain a counter; a name with its protocol in it (`UdpNoPorts`) is found whoever read it."""
    home = f"counters/{collector}.toml"
    own = _named(home, name) or _of_family(home, name) if home in _files("counters") else None
    return own or (_anywhere(name)[0] if name[:1].isupper() and _anywhere(name) else None)


def written(name: str) -> Reason | Counter | None:
    """Explain a reason or a counter, written with its collector where that is needed."""
    if found := reason(name):
        return found
    collector, _, plain = name.rpartition("/")
    return counter(collector or "snmp", plain)


def explain(name: str) -> list[Cause]:
    """Return every meaning of a name: reason, location, trap, counter; `collector/name` asks for one."""
    collector, _, plain = _spelled(name).rpartition("/")
    if collector:
        one = counter(collector, plain)
        return [one] if one else []
    there = [_at(place) for place in _tables(_PLACES) if name in {place, place.partition(" in ")[0]}]
    place = location(name)
    family = place if place and place.match else None
    bare = [long for file in _files("counters") for prefix in _UNTOLD if (long := _named(file, prefix + name))]
    found = [reason(name), None if family else place, *there, trap(name), *(bare or _anywhere(name))]
    return [cause for cause in found if cause is not None] or ([family] if family else [])


def _spelled(name: str) -> str:
    """Return "link/tx_dropped" for "link tx_dropped", as a report prints a counter."""
    collector, _, plain = name.partition(" ")
    return f"{collector}/{plain}" if plain and f"counters/{collector}.toml" in _files("counters") else name


def near(name: str, limit: int = 5) -> list[str]:
    """Return the names most like a mistyped one, best first; upper and lower case do not matter."""
    from difflib import get_close_matches  # noqa: PLC0415 -- 5 ms, and needed for a typo only

    spelled = {known.casefold(): known for known in _names()}
    return [spelled[match] for match in get_close_matches(name.casefold(), spelled, limit)]


def _names() -> Iterator[str]:
    for file in [*_files("reasons"), _PLACES, _TRAPS]:
        yield from _tables(file)
    for file in (_LOCATIONS, *_files("counters")):
        yield from (name for name, text in _tables(file).items() if not _is_family(text))


def _anywhere(name: str) -> list[Counter]:
    """Return the counters of this name in any collector; patterns are tried where no table has the name."""
    files = _files("counters")
    named = [found for file in files if (found := _named(file, name))]
    return named or [found for file in files if (found := _of_family(file, name))]


def _named(file: str, name: str) -> Counter | None:
    if _is_family(_tables(file).get(name, _MATCH)):
        return None
    return _entry(Counter, name, _read(file, name) | {"collector": Path(file).stem})


def _of_family(file: str, name: str) -> Counter | None:
    """Return the family of a counter; vmxnet3 pads its names with spaces."""
    return _family(Counter, file, name, collector=Path(file).stem)


def _family(kind: type[AnyCause], file: str, name: str, **fields: str) -> AnyCause | None:
    """Return the first family whose pattern is the whole name."""
    for pattern, family in _families(file):
        if pattern.fullmatch(name.strip()):
            return _entry(kind, name, _read(file, family) | fields)
    return None


@cache
def _families(file: str) -> list[tuple[re.Pattern[str], str]]:
    """Return pattern and name of the entries that stand for many names, in the order in which they are tried."""
    import tomllib  # noqa: PLC0415 -- as in _read

    first = ((text.partition("\n")[0], name) for name, text in _tables(file).items() if _is_family(text))
    return [(re.compile(tomllib.loads(line)["match"]), name) for line, name in first]


def _is_family(text: str) -> bool:
    return text.startswith(_MATCH)


def _entry(kind: type[AnyCause], name: str, fields: dict[str, Any]) -> AnyCause:
    return msgspec.convert(fields | {"name": name}, kind)


def _read(file: str, name: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 -- 8 ms, and not needed by a report without drops

    return tomllib.loads(_tables(file)[name])


@cache
def _tables(file: str) -> dict[str, str]:
    """Return the text of each table by name: parsing all takes 0.15 s, and a report needs a few dozen."""
    return dict(_TABLE.findall((_ROOT / file).read_text(encoding="utf-8")))


@cache
def _files(folder: str) -> list[str]:
    return sorted(f"{folder}/{path.name}" for path in (_ROOT / folder).glob("*.toml"))
