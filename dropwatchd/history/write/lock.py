"""One writer for one database: a lock beside it, which outlives the file, and one on the file under all its names."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from dropwatchd.history.errors import HistoryError
from dropwatchd.history.write import flock
from dropwatchd.history.write.file import DatabaseFile, beside

_TRIES = 10
_PRIVATE = 0o640  # files of a history: what they hold is for the owner, and for the group to read


class Lock:
    """The right to write a database, until `close`. Raises HistoryError.

    `database` is where it lies once all symbolic links are followed. `file` is the file there, None while there is
    none; after it was made, or made anew, `follow` takes it.
    """

    def __init__(self, database: Path) -> None:
        self.database = resolved(database)
        self.file: DatabaseFile | None = None
        self._beside: int | None = None
        self._made: list[Path] = []
        self.take()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def take(self) -> None:
        """Lock the path, and the file if there is one: at first, and again when the folder is another one."""
        self.close()
        try:
            _refuse_what_is_no_file(self.database)
            self._made = _make_folder(self.database.parent)
            self._beside = _lock_beside(self.database)
            self.follow()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise HistoryError(f"cannot write {error.filename or self.database} ({error.strerror}); "
                                   "choose another place with --database") from error
            raise

    def follow(self) -> None:
        """Hold the file that the path leads to now. This process must have no connection to any database."""
        if self.file and self.file.is_at_path():
            return
        self._let_go()
        if self.database.exists():
            self.file = DatabaseFile(self.database)
            _keep_private(self.database)

    def close(self) -> None:
        """Let another one write, and leave no trace. This process must have no connection to the database."""
        self._let_go()
        if self._beside is not None:
            path = beside(self.database, ".lock")
            if flock.same_file(self._beside, path):
                with suppress(OSError):  # the disk cannot be written any more
                    path.unlink()
            os.close(self._beside)
            self._beside = None
        while self._made:
            with suppress(OSError):  # it is in use
                self._made.pop().rmdir()

    def _let_go(self) -> None:
        if self.file:
            self.file.close()
            self.file = None


def holder(database: Path) -> str | None:
    """Return the process that may write a database, None if there is none. Raises HistoryError and OSError."""
    path = resolved(database)
    _refuse_what_is_no_file(path)
    return flock.holder(beside(path, ".lock")) or flock.holder(path)


def resolved(database: Path) -> Path:
    """Follow symbolic links, as SQLite does before it names the files beside a database."""
    return Path(os.path.realpath(database))


def _refuse_what_is_no_file(database: Path) -> None:
    """Before anything is made beside it."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(database.lstat().st_mode):
            raise HistoryError(f"{database} is not a file; choose another place with --database")


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder, and return those that were made for it, the outermost first."""
    missing = [path for path in (*reversed(folder.parents), folder) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _lock_beside(database: Path) -> int:
    """Open and lock the file beside the database; whoever had it locked has removed it meanwhile: then once more."""
    path = beside(database, ".lock")
    for _ in range(_TRIES):
        descriptor = flock.open_regular(path, os.O_CREAT)
        try:
            flock.exclude(descriptor, database)
        except BaseException:
            os.close(descriptor)
            raise
        if flock.same_file(descriptor, path):
            return descriptor
        os.close(descriptor)
    raise HistoryError(f"{path} is replaced again and again; stop what does that")


def _keep_private(database: Path) -> None:
    """Take away what others may do with the files of a history that was made less strict; new ones follow the umask."""
    for path in (database, *(beside(database, suffix) for suffix in ("-wal", "-shm", "-journal"))):
        with suppress(OSError):  # it is not there, or is not ours to change
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and stat.S_IMODE(mode) & ~_PRIVATE:
                path.chmod(stat.S_IMODE(mode) & _PRIVATE)
