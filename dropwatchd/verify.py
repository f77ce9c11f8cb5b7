"""`dropwatchd --verify`: looks through a whole history for damage."""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from dropwatchd.config import Config
from dropwatchd.history.damage import pages, references, sums, values
from dropwatchd.history.paths import database_to_read
from dropwatchd.history.read.readonly import UnreadableError, read_as_it_is

_SHOWN = 20  # faults of one kind
_LOOKS: dict[str, Callable[[sqlite3.Connection], Iterator[str]]] = {
    "pages": pages, "values": values, "references": references, "sums": sums}


def verify(config: Config) -> int:
    """Print a line for each kind of fault that is looked for; return 1 when there is one, else 0."""
    path = Path(config.database) if config.database else database_to_read()
    try:
        found = read_as_it_is(path, _faults)
    except UnreadableError as error:
        found = {"reading": [str(error)]}
    for kind, faults in found.items():
        for fault in faults or ["ok"]:
            print(f"{kind:12}{fault}")  # noqa: T201 - the command's answer
    return int(any(found.values()))


def _faults(connection: sqlite3.Connection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, look in _LOOKS.items():
        try:
            found[kind] = list(islice(look(connection), _SHOWN))
        except sqlite3.DatabaseError as error:
            found[kind] = [str(error)]
    return found
