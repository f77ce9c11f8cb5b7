"""Which entry speaks of a reason, of a reason in one function, and of a function: by the heads of the layers' entries.

[NAME] is a cause, ["NAME in f, g"] the same cause in these functions, and ["f()"] a function in which several meet.
`functions` of an entry are further functions of which the same holds.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from dwreport.causes.files import BadEntry, Fields, citations, files, read

Held = TypeVar("Held")


class Entry(NamedTuple):
    """An entry as it stands in its file."""

    file: str
    name: str
    fields: Fields

    @property
    def layer(self) -> str:
        """Return the layer, which is the file's name."""
        return Path(self.file).stem


class Spot(NamedTuple):
    """The entry that speaks of a function, and the function's own source where the entry's is another's."""

    entry: Entry
    source: str | None


class Index(NamedTuple):
    """Entries by what they are of: `REASON`, `REASON in function`, and a function's name."""

    reasons: dict[str, Entry]
    places: dict[str, Entry]
    functions: dict[str, Spot]


@cache
def index() -> Index:
    """Return what all layers have."""
    found = Index({}, {}, {})
    for file in files("layers"):
        for name, fields in read(file).items():
            add(found, Entry(file, name, fields))
    return found


def add(found: Index, entry: Entry) -> None:
    """Put an entry under every name that it speaks of."""
    plain, _, where = entry.name.partition(" in ")
    if where:
        for function in where.split(", "):
            _claim(found.places, f"{plain} in {function}", entry, entry)
    elif plain.endswith("()"):
        _claim(found.functions, plain.removesuffix("()"), Spot(entry, None), entry)
    else:
        _claim(found.reasons, plain, entry, entry)
    for source, function in citations(entry.fields.get("functions")):
        _claim(found.functions, function, Spot(entry, f"{source} {function}"), entry)


def _claim(names: dict[str, Held], name: str, held: Held, entry: Entry) -> None:
    if names.setdefault(name, held) is not held:
        raise BadEntry(entry.file, entry.name, f"{name} has an entry already")
