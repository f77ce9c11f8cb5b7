"""Opening a history to read it: in use, at rest or after a crash, and without the right to write its folder."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from dropwatchd.history.damage import at_a_glance, found
from dropwatchd.history.errors import is_damage
from dropwatchd.history.identity import APPLICATION_ID, REVISION
from dropwatchd.history.older import adapt

T = TypeVar("T")

_OLDER = {"0001", "0002", "0003", "0004", "0005", "0006", "0007"}  # that a reader takes as they are
_MAGIC = b"SQLite format 3\x00"
_TRIES = 5
_CHECK = "check the path, its rights and the disk"
_SAVE = "save what is left with sqlite3's .recover"
_LOOK_S = 20.0  # for damage, after a failure
_GLANCE_S = 0.05  # of what is always small, in a large history
_SMALL_BYTES = 2 << 20  # looked through in 40 ms, before each report
_NAME_ANOTHER = "name a history of dropwatchd with --database"


class UnreadableError(Exception):
    """A history that cannot be read. The text says what is wrong, where, and what to do."""

    def __init__(self, what: str, path: Path, remedy: str) -> None:
        super().__init__(f"{what}, {path}; {remedy}")


class _ChangedMeanwhileError(Exception):
    """The files changed under a reader that took no locks: what it read may be torn."""


def read(path: Path, query: Callable[[sqlite3.Connection], T], timeout_s: float = 5.0) -> T:
    """Return what `query` finds in one consistent snapshot of the history; raise UnreadableError.

    A query may run more than once: reading without locks is repeated when the files changed meanwhile. A small
    history is looked through for damage before; in a large one what is small is, and the rest when the query fails.
    """
    return read_as_it_is(path, lambda connection: _answer(query, connection, path), timeout_s)


def look_for_damage(path: Path) -> None:
    """After a report failed on what it had read: raise UnreadableError if the history is damaged."""
    read_as_it_is(path, lambda connection: _refuse(found(connection, _LOOK_S), path))


def read_as_it_is(path: Path, query: Callable[[sqlite3.Connection], T], timeout_s: float = 5.0) -> T:
    """Do as `read`, without a look at damage but what SQLite stumbles upon."""
    for _ in range(_TRIES):
        try:
            with _snapshot(path, timeout_s) as connection:
                return query(connection)
        except _ChangedMeanwhileError:
            continue
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _explained(error, path) from error
        except OSError as error:
            raise UnreadableError(f"cannot read the history ({error.strerror})", path, _CHECK) from error
    raise UnreadableError("the history is being replaced again and again", path, "stop what rewrites it, then repeat")


def _answer(query: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection, path: Path) -> T:
    """Whatever a query fails with may come from damage, which in a large history is looked for only then."""
    is_small = _size(path) <= _SMALL_BYTES
    _refuse(found(connection, _LOOK_S) if is_small else at_a_glance(connection, _GLANCE_S), path)
    try:
        return query(connection)
    except UnreadableError:
        raise
    except Exception:
        _refuse(found(connection, _LOOK_S), path)
        raise


def _refuse(fault: str | None, path: Path) -> None:
    if fault:
        raise UnreadableError(f"the history is damaged ({fault})", path, _SAVE)


@contextmanager
def _snapshot(path: Path, timeout_s: float) -> Iterator[sqlite3.Connection]:
    _check_file(path)
    with _connection(path, timeout_s) as connection:
        connection.text_factory = lambda text: text.decode(errors="backslashreplace")
        connection.execute("PRAGMA cell_size_check = 1")
        connection.execute("BEGIN")
        if (revision := _known_revision(connection, path)) in _OLDER:
            adapt(connection, revision)
        connection.execute("PRAGMA query_only = 1")
        yield connection


@contextmanager
def _connection(path: Path, timeout_s: float) -> Iterator[sqlite3.Connection]:
    """Connect as the files at hand allow.

    A WAL database is read through its -wal and -shm files. At rest it has neither, and only who may write the folder
    could make them: then nothing but the database itself is read (https://www.sqlite.org/wal.html#readonly).
    """
    wal, shm = _beside(path, "-wal"), _beside(path, "-shm")
    if _is_hot(_beside(path, "-journal")):
        with _copied(path, timeout_s) as connection:
            yield connection
    elif not _size(wal):
        with _unlocked(path, timeout_s) as connection:
            yield connection
    elif shm.exists() or os.access(path.parent, os.W_OK):
        with _connected(path, "mode=ro", timeout_s) as connection:
            yield connection
    else:
        with _copied(path, timeout_s) as connection:
            yield connection


@contextmanager
def _unlocked(path: Path, timeout_s: float) -> Iterator[sqlite3.Connection]:
    with _unchanged(path), _connected(path, "mode=ro&immutable=1", timeout_s) as connection:
        yield connection


@contextmanager
def _copied(path: Path, timeout_s: float) -> Iterator[sqlite3.Connection]:
    """Connect to a copy, where a crash's log can be worked up: a -wal file takes a -shm file, which we cannot make
    here, and a rollback journal takes writing to the database.
    """
    from shutil import copyfile  # noqa: PLC0415 - as the next, 20 ms that only a crash is worth
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    with TemporaryDirectory(prefix="dwreport-") as folder:
        copy = Path(folder) / path.name
        with _unchanged(path):
            copyfile(path, copy)
            for suffix in ("-wal", "-journal"):
                with suppress(FileNotFoundError):
                    copyfile(_beside(path, suffix), _beside(copy, suffix))
        with _connected(copy, "mode=rw", timeout_s) as connection:
            yield connection


@contextmanager
def _connected(path: Path, mode: str, timeout_s: float) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?{mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _unchanged(path: Path) -> Iterator[None]:
    """Raise _ChangedMeanwhileError, in place of any error of the block, when the database changed during it."""
    before = _stamp(path)
    try:
        yield
    finally:
        if _stamp(path) != before:
            raise _ChangedMeanwhileError


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Identify the content of the database file: commits go to the -wal first and show here once moved over."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _check_file(path: Path) -> None:
    """Tell apart what SQLite would only call "unable to open"."""
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise UnreadableError("not a file", path, _NAME_ANOTHER)
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        raise UnreadableError("no history here", path, f"start dropwatchd to record one, or {_NAME_ANOTHER}") from None
    except IsADirectoryError:
        raise UnreadableError("a directory, not a history", path, _NAME_ANOTHER) from None
    except PermissionError:
        raise UnreadableError("no right to read the history", path,
                              "use sudo, or join the group that owns it (dropwatchd)") from None
    except OSError as error:
        raise UnreadableError(f"cannot read the history ({error.strerror})", path, _CHECK) from None
    if not head and not _size(_beside(path, "-wal")):
        raise UnreadableError("an empty file, not a history", path, "start dropwatchd to record one")
    if head and head != _MAGIC:
        raise UnreadableError("not an SQLite database", path, _NAME_ANOTHER)


def _known_revision(connection: sqlite3.Connection, path: Path) -> str:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        raise UnreadableError("another program's database", path, _NAME_ANOTHER)
    revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    revision = str(revisions[0][0]) if revisions else "none"
    if not revisions or (revision < REVISION and revision not in _OLDER):
        raise UnreadableError(f"made by an older dropwatchd (schema {revision}, this program reads {REVISION})", path,
                              "start dropwatchd once to upgrade it")
    if revision > REVISION:
        raise UnreadableError(f"made by a newer dropwatchd (schema {revision}, this program reads {REVISION})", path,
                              "upgrade dropwatchd here")
    return revision


def _explained(error: Exception, path: Path) -> UnreadableError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return UnreadableError("the history is locked by another program", path, "repeat when that has finished")
    if is_damage(error):
        return UnreadableError("the history is corrupt", path, _SAVE)
    if "unable to open" in text:
        return UnreadableError("the history cannot be opened", path,
                               "its -wal and -shm files must be readable too: use sudo, or join their group")
    return UnreadableError(f"the history cannot be read ({text})", path, "check it with sqlite3's integrity_check")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _is_hot(journal: Path) -> bool:
    """Say whether a rollback journal may have to be played back: its header is zero or gone when it need not be."""
    try:
        with journal.open("rb") as file:
            return file.read(1) not in (b"", b"\0")
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
