"""Up to when a history was sent to a central one: a small file that the sender writes, and retention reads."""

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

_NAME = "upload/sent"  # beside the history; the folder is the sender's, who may not write the history's
_MOST_BYTES = 32


def sent_until(connection: sqlite3.Connection) -> int | None:
    """Return up to when all rows were sent; None where nobody sends or has told, 0 where that is no time.

    The file is another user's, who may have put anything in its place: what is no file is not waited for.
    """
    place: str = connection.execute("PRAGMA database_list").fetchone()[2]
    try:
        with open(Path(place).parent / _NAME, "rb", opener=_at_once) as file:
            return int(file.read(_MOST_BYTES)) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else 0
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return 0


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def tell_sent(database: Path, until_ns: int) -> None:
    """Write it, where there is a folder for that."""
    path = database.parent / _NAME
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        try:
            with new.open("x") as file:  # no link that others have put there is followed
                file.write(f"{until_ns}\n")
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
