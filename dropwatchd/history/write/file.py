"""The file of a history as its writer holds it: whether the path still leads to it, and where a damaged one is put."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from dropwatchd.history.write.flock import exclude, open_regular, same_file

SIDES = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a database
_IN_USE = ("-wal", "-shm")             # and always has while a database in WAL mode is written


class DatabaseFile:
    """The database file, held open and locked whatever its names are. Raises HistoryError and OSError.

    It must outlive every connection that this process has to the file: closing any descriptor of a file gives up the
    process's own POSIX locks on it, SQLite's among them (https://www.sqlite.org/howtocorrupt.html).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path.parent.stat()
        self._descriptor = open_regular(path)
        self._least = 0          # bytes that are in the file for sure
        self._most: int | None = None
        self._sides: dict[str, os.stat_result] = {}
        try:
            exclude(self._descriptor, path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file; see above when that may be."""
        os.close(self._descriptor)

    def is_at_path(self) -> bool:
        """Say whether the path leads to this file."""
        return same_file(self._descriptor, self._path)

    def check(self) -> str | None:
        """Say what has happened to the file under its writer; None is nothing.

        To be asked by the thread that writes, while the database is open and has been written.
        """
        try:
            return self._check_path() or self._check_size() or next(filter(None, map(self._check_side, _IN_USE)), None)
        except OSError as error:
            return f"it cannot be looked at ({error.strerror})"

    def _check_path(self) -> str | None:
        folder, here, own = _stat(self._path.parent), _stat(self._path), os.fstat(self._descriptor)
        if folder is None:
            return "its folder was deleted"
        if not os.path.samestat(folder, self._folder):
            return _replaced("its folder", folder, self._folder)
        if here is None:
            return "it was moved away" if own.st_nlink else "it was deleted"
        return None if os.path.samestat(here, own) else _replaced("it", here, own)

    def _check_size(self) -> str | None:
        """Hold the size against what was there before.

        The header may claim more, and for long: while a reader needs older pages, those that were changed since are in
        the -wal file alone, whatever else was moved over (walCheckpoint in SQLite's wal.c).
        """
        size = os.fstat(self._descriptor).st_size
        if size < self._least:
            return "it was truncated"
        self._least = size if self._most is None else min(size, self._most)
        return None

    def gave_back(self, size: int) -> None:
        """Take it for no fault that the file shrinks, soon or late, to the bytes that the database has now."""
        self._least, self._most = min(self._least, size), size

    def _check_side(self, suffix: str) -> str | None:
        status = _stat(beside(self._path, suffix))
        if status is None:
            return f"its {suffix} file was removed"
        known = self._sides.setdefault(suffix, status)
        return None if os.path.samestat(known, status) else f"its {suffix} file was replaced"


def set_aside(database: Path) -> Path:
    """Rename a damaged database with all that belongs to it, so that SQLite opens it as it is; return its new name.

    Nothing is overwritten. The database goes last: where it is missing, SQLite throws a -wal file away.
    """
    stamp = f"{database.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    names = (database.with_name(stamp + (f"-{number}" if number else "")) for number in range(1000))
    aside = next(name for name in names if not any(os.path.lexists(beside(name, side)) for side in ("", *SIDES)))
    for side in (*SIDES, ""):
        with suppress(FileNotFoundError):
            beside(database, side).rename(beside(aside, side))
    return aside


def beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _replaced(what: str, now: os.stat_result, before: os.stat_result) -> str:
    return f"{what} was replaced" if now.st_dev == before.st_dev else f"another file system was mounted over {what}"
