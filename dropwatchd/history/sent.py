"""Up to when a history was sent to a central one: a small file that the sender writes, and retention reads."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

_NAME = "upload/sent"  # beside the history; the folder is the sender's, who may not write the history's
_MOST_BYTES = 32


def sent_until(connection: sqlite3.Connection) -> int | None:
    """Return up to when all rows were sent; None where nobody sends, or nobody has told."""
    place: str = connection.execute("PRAGMA database_list").fetchone()[2]
    try:
        with (Path(place).parent / _NAME).open("rb") as file:
            return int(file.read(_MOST_BYTES))
    except (OSError, ValueError):
        return None


def tell_sent(database: Path, until_ns: int) -> None:
    """Write it, where there is a folder for that."""
    path = database.parent / _NAME
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        try:
            new.write_text(f"{until_ns}\n")
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
