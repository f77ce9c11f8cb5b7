"""How a name finds its meaning: a reason, a function, a hardware trap, a counter."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from dwreport.causes.entries import Cause, Counter, Location, Reason, Trap
from dwreport.causes.equalities import counters_of, reasons_of
from dwreport.causes.files import Fields, citations, files, made, read
from dwreport.causes.index import Entry, index

_TRAPS, _FAMILIES, _MATCH = "traps.toml", "families.toml", "match"
# What `netstat -s` and /proc/net/snmp leave out before the name of a counter, or write as a word of its own.
_UNTOLD = ("TcpExt", "IpExt", "MPTcpExt", "Ip", "Icmp", "Tcp", "Udp", "UdpLite", "Ip6", "Icmp6", "Udp6", "UdpLite6")
# Names that queueing disciplines have for their drops since 7.1 (include/net/dropreason-qdisc.h), QDISC_DROP_ left out,
# and that reasons of the core had for the same before; the others are QDISC_..., or have kept their names.
_OF_QUEUE = {
    "GENERIC": "QDISC_DROP", "FLOOD_PROTECTION": "CAKE_FLOOD", "BAND_LIMIT": "FQ_BAND_LIMIT",
    "HORIZON_LIMIT": "FQ_HORIZON_LIMIT", "FLOW_LIMIT": "FQ_FLOW_LIMIT", "L4S_STEP_NON_ECN": "DUALPI2_STEP_DROP",
}
_INDEXED = ("functions", "counted")  # fields that the index and the equalities read
AnyCause = TypeVar("AnyCause", bound=Cause)


@cache
def reason(name: str, symbol: str | None = None) -> Reason | None:
    """Explain a drop reason, written with or without the prefixes of the kernel's enumerators.

    A function (`symbol`) may say more: then the explanation is that of the reason there.
    """
    if symbol and (there := f"{name} in {function(symbol)}") in index().places:
        return _at(there, index().places[there])
    spelling = known_as(name)
    entry = index().reasons.get(spelling)
    return _reason(entry, spelling, entry.fields) if entry else None


def known_as(name: str) -> str:
    """Return the name under which the catalogue has a reason; the name itself where it has none."""
    plain = name.lstrip("_").removeprefix("SKB_DROP_REASON_")
    queue = plain.removeprefix("QDISC_DROP_")
    of_queue = (_OF_QUEUE.get(queue, ""), f"QDISC_{queue}", queue) if queue != plain else ()
    spellings = (plain, plain.removeprefix("SKB_"), *of_queue)  # SKB_CSUM is a name, SKB_CONSUMED has a prefix
    return next((spelling for spelling in spellings if spelling in index().reasons), name)


def called(name: str) -> set[str]:
    """Return what kernels call a reason of the catalogue: those of queues have a name of their own since 7.1."""
    queue = next((new for new, old in _OF_QUEUE.items() if old == name), name.removeprefix("QDISC_"))
    entry = index().reasons.get(name)  # a counter that is a cause by itself has none
    return {name, f"QDISC_DROP_{queue}"} if entry and entry.layer == "qdisc" else {name}


def _at(there: str, entry: Entry) -> Reason:
    """Return the explanation of "REASON in function"; what it does not say is the reason's."""
    plain = index().reasons[there.partition(" in ")[0]].fields
    inherited = {field: value for field, value in plain.items() if field != "functions"}
    own = {"harmless": ""} if "harm" in entry.fields else {}
    return _reason(entry, there, inherited | own | dict(entry.fields))


def _elsewhere(name: str) -> list[Reason]:
    """Return what a reason means in certain functions, once for all to which it applies."""
    entries = {entry.name: entry for entry in index().places.values() if entry.name.partition(" in ")[0] == name}
    return [_at(there, entry) for there, entry in entries.items()]


def _reason(entry: Entry, name: str, fields: Fields) -> Reason:
    functions = [function for _file, function in citations(fields.get("functions"))]
    counters = counters_of(name.partition(" ")[0])
    return _entry(Reason, entry, name, fields, functions=functions, counters=counters)


def _entry(kind: type[AnyCause], entry: Entry, name: str, fields: Fields, **own: Any) -> AnyCause:
    given = {field: value for field, value in fields.items() if field not in _INDEXED}
    return made(kind, entry.file, entry.name, given | {"layer": entry.layer, "name": name} | own)


def function(symbol: str) -> str:
    """Return the name of a function without an offset (`+0x1f`) or a compiler's suffix (`.isra.0`)."""
    return symbol.partition("+")[0].partition(".")[0]


@cache
def location(symbol: str) -> Location | None:
    """Explain a kernel symbol; an offset and a compiler's suffix do not matter."""
    name = function(symbol)
    if name not in index().functions:
        family = _family(_FAMILIES, name)
        return made(Location, _FAMILIES, family, {**read(_FAMILIES)[family], "name": name}) if family else None
    entry, source = index().functions[name]
    own: dict[str, Any] = {"source": source} if source else {}
    known = reason(entry.name, name)
    if known is None:
        return _entry(Location, entry, name, entry.fields, **own)
    shared = {field: getattr(known, field) for field in Cause.__struct_fields__}
    return made(Location, entry.file, entry.name,
                shared | own | {"name": name, "candidates": (entry.name,), "cause": entry.name})


@cache
def trap(name: str) -> Trap | None:
    """Explain a packet trap of devlink."""
    fields = read(_TRAPS).get(name)
    return made(Trap, _TRAPS, name, {**fields, "name": name}) if fields else None


@cache
def counter(collector: str, name: str) -> Counter | None:
    """Explain a counter; a name with its protocol in it (`UdpNoPorts`) is found whoever read it."""
    home = f"counters/{collector}.toml"
    own = _named(home, name) or _of_family(home, name) if home in files("counters") else None
    return own or (_anywhere(name)[0] if name[:1].isupper() and _anywhere(name) else None)


def written(name: str) -> Reason | Counter | None:
    """Explain a reason or a counter, written with its collector where that is needed."""
    if found := reason(name):
        return found
    collector, _, plain = name.rpartition("/")
    return counter(collector or "snmp", plain)


def explain(name: str) -> list[Cause]:
    """Return every meaning of a name: reason, location, trap, counter; `collector/name` asks for one."""
    collector, _, name = _spelled(name).rpartition("/")
    if collector:
        one = counter(collector, name)
        return [one] if one else [found for found in _untold(name) if found.collector == collector]
    there = [_at(name, index().places[name])] if name in index().places else _elsewhere(name)
    place = location(name)
    family = place if place and place.match else None
    bare = _untold(name)
    found = [reason(name), None if family else place, *there, trap(name), *(bare or _anywhere(name))]
    return [cause for cause in found if cause is not None] or ([family] if family else [])


def _untold(name: str) -> list[Counter]:
    """Return the counters that are called so without their protocol."""
    return [long for file in files("counters") for prefix in _UNTOLD if (long := _named(file, prefix + name))]


def _spelled(name: str) -> str:
    """Return "link/tx_dropped" for "link tx_dropped", as a report prints it, and "UdpInErrors" for "Udp: InErrors"."""
    first, _, plain = name.partition(" ")
    if plain and f"counters/{first}.toml" in files("counters"):
        return f"{first}/{plain}"
    return first.removesuffix(":") + plain if plain and first.removesuffix(":") in _UNTOLD else name


def near(name: str, limit: int = 5) -> list[str]:
    """Return the names most like a mistyped one, best first; upper and lower case do not matter."""
    from difflib import get_close_matches  # noqa: PLC0415 -- 5 ms, and needed for a typo only

    spelled = {known.casefold(): known for known in _names()}
    return [spelled[match] for match in get_close_matches(name.casefold(), spelled, limit)]


def _names() -> Iterator[str]:
    for names in (*index(), read(_TRAPS)):
        yield from names
    for file in files("counters"):
        yield from (name for name, fields in read(file).items() if _MATCH not in fields)


def _anywhere(name: str) -> list[Counter]:
    """Return the counters of this name in any collector; patterns are tried where no table has the name."""
    named = [found for file in files("counters") if (found := _named(file, name))]
    return named or [found for file in files("counters") if (found := _of_family(file, name))]


def _named(file: str, name: str) -> Counter | None:
    fields = read(file).get(name, {_MATCH: ""})
    return None if _MATCH in fields else _counter(file, name, name, fields)


def _of_family(file: str, name: str) -> Counter | None:
    family = _family(file, name)
    return _counter(file, name, family, read(file)[family]) if family else None


def _family(file: str, name: str) -> str | None:
    """Return the first family that a name fits; vmxnet3 pads its names with spaces."""
    return next((family for family, fields in read(file).items()
                 if _MATCH in fields and _fits(fields[_MATCH], name.strip())), None)


def _fits(match: str | list[str], name: str) -> bool:
    """Say whether a name is of a pattern, or begins with one of these; leading underscores do not matter then.

    Patterns take 10 ms to compile where there is one for each part of the kernel.
    """
    return bool(re.fullmatch(match, name)) if isinstance(match, str) else name.lstrip("_").startswith(tuple(match))


def _counter(file: str, name: str, entry: str, fields: Fields) -> Counter:
    collector = Path(file).stem
    known = entry if entry[:1].isupper() else f"{collector}/{entry}"
    return made(Counter, file, entry, {**fields, "name": name, "collector": collector, "event": reasons_of(known)})
