"""What can be wrong with a history that is to be written, in one line with a remedy."""

import sqlite3
from pathlib import Path

EXIT_DAMAGED = 3  # of a migration that found damage

_PRIMARY = 0xFF  # of an extended result code (https://www.sqlite.org/rescode.html)
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "another program has it locked; start again when that has finished",
    sqlite3.SQLITE_LOCKED: "another program has it locked; start again when that has finished",
    sqlite3.SQLITE_FULL: "the disk is full; make room, or choose another place with --database",
    sqlite3.SQLITE_READONLY: "choose another place with --database",
}
_OTHERWISE = "check the disk, the rights of its -wal and -shm files, and how many files may be open (ulimit -n)"


class HistoryError(Exception):
    """The history cannot be used: what is wrong, where, and what to do."""


class DamagedError(HistoryError):
    """What is in the file is no history any more, or not a whole one; `why` says how that shows."""

    def __init__(self, database: Path | str, why: str) -> None:
        super().__init__(f"{database} is damaged ({why}); move it away, and a new one is made")
        self.why = why


class HeldError(HistoryError):
    """Another process has the lock; `process` is its number, where the kernel says it."""

    def __init__(self, path: Path, process: str) -> None:
        super().__init__(f"another dropwatchd (process {process}) records into {path}; "
                         "stop it, or choose another place with --database")
        self.process = process


def explained(error: BaseException, database: Path | str = "the history") -> HistoryError:
    """Say in one line what SQLite complains about, and what to do."""
    if is_damage(error):
        return DamagedError(database, str(error))
    return HistoryError(f"{database} cannot be used ({error}); {_REMEDIES.get(_code(error), _OTHERWISE)}")


def is_damage(error: BaseException) -> bool:
    """Say whether SQLite complains about the content of a file, not about its surroundings.

    A complaint that is no text quotes what stands where the schema should be.
    """
    return _code(error) in _DAMAGE or isinstance(error, UnicodeDecodeError)


def _code(error: BaseException) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY
