"""Reading the catalogue's files, whose TOML is of the plainest kind: a table an entry, a line a value.

A value is written as JSON writes it, or between single quotes as it stands; a key may have two parts (`labels.table`).
So all files are read in 10 ms, where a parser of all TOML takes 80: nobody waits, and no index can be out of date.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Fields = Mapping[str, Any]
Made = TypeVar("Made")
ROOT = Path(__file__).parent


class BadEntry(ValueError):  # noqa: N818 -- that it is an error is said by what it derives from
    """What is wrong with the data, in which entry of which file."""

    def __init__(self, file: str, entry: str, fault: object) -> None:
        super().__init__(f"dwreport/causes/{file}, entry [{entry}]: {fault}")


@cache
def read(file: str) -> Mapping[str, Fields]:
    """Return the fields of each entry of a file, by name."""
    return parse(file, (ROOT / file).read_text(encoding="utf-8"))


@cache
def files(folder: str) -> tuple[str, ...]:
    """Return the files of a folder, in alphabetical order."""
    return tuple(sorted(f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.toml")))


def parse(file: str, text: str) -> Mapping[str, Fields]:
    """Read the text of a file, which is named when something is wrong with it."""
    found: dict[str, dict[str, Any]] = {}
    name, fields = "", dict[str, Any]()
    for line in text.splitlines():
        if line[:1] == "[":
            name, fields = line.strip("[]").strip('"'), {}
            if found.setdefault(name, fields) is not fields:
                raise BadEntry(file, name, "the name is given twice")
        elif line and line[0] != "#":
            key, _, value = line.partition(" = ")
            into, key = _place(fields, key) if "." in key else (fields, key)
            if key in into:
                raise BadEntry(file, name, f"{key} is given twice")
            into[key] = _value(value, file, name, key)
    return found


def _place(fields: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """Return where a key of two parts goes, and its second part."""
    outer, _, inner = key.partition(".")
    return fields.setdefault(outer, {}), inner.strip('"')


def _value(text: str, file: str, name: str, key: str) -> Any:
    try:
        return text[1:-1] if text[:1] == text[-1:] == "'" else msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise BadEntry(file, name, f"{key} is not written on one line as JSON writes it ({error})") from error


def made(kind: type[Made], file: str, entry: str, fields: Fields) -> Made:
    """Return the typed form of an entry's fields."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise BadEntry(file, entry, error) from error


def citations(text: str | None) -> Iterator[tuple[str, str]]:
    """Yield file and function of each that a citation names: "net/a.c f, g; net/b.c h" names three."""
    for citation in text.split("; ") if text else ():
        file, _, names = citation.partition(" ")
        yield from ((file, name) for name in names.split(", "))
