"""What a counter of the interface means on a device that is no card: on a tunnel, collisions are no collisions: pure.

kinds/link.toml has the texts: an entry stands for some counters on some kinds of device, as rtnetlink names them
(`ip -d link`), and its fields take the place of the counter's own in counters/link.toml.
"""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from dwreport import causes
from dwreport.causes import Counter

_FILE = Path(__file__).parent / "kinds" / "link.toml"


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `[[meaning]]`; what it does not say (None) is the counter's own."""

    kinds: tuple[str, ...]
    counters: tuple[str, ...]
    title: str
    meaning: str
    usual: tuple[str, ...]
    next: str
    source: str
    look: tuple[str, ...] = ()
    kind: str | None = None
    harm: str | None = None


def counter(name: str, kind: str | None) -> Counter | None:
    """Explain a counter of the collector "link" on a device of this kind; "" and None are a card."""
    known = causes.counter("link", name)
    own = _by_place().get((kind or "", name))
    return msgspec.structs.replace(known, **_fields(own)) if known and own else known


def on_devices(name: str) -> list[Counter]:
    """Return what a counter of the collector "link" means on devices that are no cards: "collisions on vxlan, gre"."""
    known = causes.counter("link", name)
    return [msgspec.structs.replace(known, name=f"{name} on {', '.join(one.kinds)}", event=(), **_fields(one))
            for one in meanings() if name in one.counters] if known else []


def _fields(own: Meaning) -> dict[str, Any]:
    fields = msgspec.structs.asdict(own)
    return {name: value for name, value in fields.items() if name not in {"kinds", "counters"} and value is not None}


@cache
def meanings() -> tuple[Meaning, ...]:
    """Return all entries; an error in the data names the file."""
    import tomllib  # noqa: PLC0415 -- 8 ms, and not needed by a report in which no such counter moved

    try:
        found = msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), dict[str, tuple[Meaning, ...]])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{_FILE}: {error}") from error
    return found["meaning"]


@cache
def _by_place() -> dict[tuple[str, str], Meaning]:
    return {(kind, name): one for one in meanings() for kind in one.kinds for name in one.counters}
