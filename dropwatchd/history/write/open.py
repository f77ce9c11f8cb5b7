"""Opening the history for writing: the newest schema, a damaged file set aside."""

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from dropwatchd.history.damage import after_crash
from dropwatchd.history.errors import EXIT_DAMAGED, DamagedError, HistoryError, explained
from dropwatchd.history.identity import APPLICATION_ID, REVISION
from dropwatchd.history.paths import default_database
from dropwatchd.history.write.connection import BUSY_MS
from dropwatchd.history.write.file import SIDES, beside, set_aside
from dropwatchd.history.write.lock import Lock

log = logging.getLogger(__name__)
_LOOK = 0.1  # seconds between two looks whether it is time to stop
_SCHEMA_WITHIN = 64 << 20  # bytes: its pages are among the first, unless a migration has moved them
_OURS = ("first_stacks", "counter_changes")  # tables as the schema has them, whose text outlives a spoilt header
_ID_AT = 68  # in the header (https://www.sqlite.org/fileformat2.html#application_id)


class SetAside(NamedTuple):
    """A damaged history: what it is called now, and when it was last known to be written."""

    path: Path
    seen_ns: int


def prepare(lock: Lock, check: Callable[[], None] = lambda: None) -> SetAside | None:
    """Make the locked path lead to a history that can be written; say whether a damaged one was set aside for it.

    To be called at the start, and again when the file is no longer what it was: with no connection open, and after
    `lock.take` where the folder has changed. `check` may raise where it is safe to stop.
    """
    aside = None
    try:
        _look(lock.database)
        upgrade(lock.database, check)
    except DamagedError as error:
        if not _is_ours(lock.database):
            raise
        aside = _set_aside(lock.database, error.why)
        upgrade(lock.database, check)
    lock.follow()
    return aside


def begin_anew(lock: Lock, why: str) -> SetAside:
    """Set a history aside that shows its damage only now; the rest is as `prepare` has it."""
    aside = _set_aside(lock.database, why)
    upgrade(lock.database)
    lock.follow()
    return aside


def _set_aside(database: Path, why: str) -> SetAside:
    seen_ns = _last_write_ns(database)
    aside = SetAside(set_aside(database), seen_ns)
    log.error("%s is damaged (%s): it is kept as %s, and a new history begins", database, why, aside.path.name)
    return aside


def _look(database: Path) -> None:
    """After a crash, look for damage as far as there is time; raise DamagedError."""
    if revision(database) is None:
        return
    with closing(sqlite3.connect(database, timeout=BUSY_MS / 1000)) as connection:
        try:
            found = after_crash(connection)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise explained(error, database) from error
    if found:
        raise DamagedError(database, found)


def _is_ours(database: Path) -> bool:
    """Say whether a damaged file was a history: header or schema say so, or it lies where nothing else does."""
    if database == default_database():
        return True
    with suppress(OSError), database.open("rb") as file:
        found = file.read(_SCHEMA_WITHIN)
        return found[_ID_AT:_ID_AT + 4] == APPLICATION_ID.to_bytes(4, "big") or all(
            f"CREATE TABLE {name} (".encode() in found for name in _OURS)
    return False


def _last_write_ns(database: Path) -> int:
    return max(path.stat().st_mtime_ns for path in (database, beside(database, "-wal")) if path.exists())


def upgrade(database: Path, check: Callable[[], None] = lambda: None) -> None:
    """Bring the schema to this version's, in a process that ends: what Alembic imports is never needed again.

    While that runs `check` is called; when it raises, the migration is ended, and SQLite undoes what it had begun.
    """
    found = revision(database)
    if found == REVISION:
        return
    is_new = not database.exists()
    try:
        _migrate(database, check)
    except BaseException:
        if is_new:
            for suffix in ("", *SIDES):
                beside(database, suffix).unlink(missing_ok=True)
        raise
    if is_new:
        _keep_name(database)


def _migrate(database: Path, check: Callable[[], None]) -> None:
    process = subprocess.Popen([sys.executable, "-m", "dropwatchd.history.upgrade", str(database)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        errors = _output(process, check)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode:
        last = errors.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        if process.returncode == EXIT_DAMAGED:
            raise DamagedError(database, last[0])
        raise HistoryError(f"cannot bring {database} to schema {REVISION} ({last[0]}); check the disk and its rights")


def _output(process: subprocess.Popen[str], check: Callable[[], None]) -> str:
    while True:
        try:
            return process.communicate(timeout=_LOOK)[1]
        except subprocess.TimeoutExpired:
            pass
        finally:
            check()


def _keep_name(database: Path) -> None:
    """Have the names of a new file and its folder survive a power cut: SQLite syncs content, and names of logs only."""
    for folder in (database.parent, database.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def revision(database: Path) -> str | None:
    """Return the schema's revision, None for a new file. Raises HistoryError for a file that is not ours to write."""
    if not database.exists() or not database.stat().st_size:
        return None
    try:
        with closing(sqlite3.connect(database, timeout=BUSY_MS / 1000)) as connection:
            found = _revision(connection, database)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise explained(error, database) from error
    if found is not None and found > REVISION:
        raise HistoryError(f"{database} has schema {found}, newer than this program's {REVISION}; upgrade dropwatchd")
    return found


def _revision(connection: sqlite3.Connection, database: Path) -> str | None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if application != APPLICATION_ID and tables:
        raise HistoryError(f"{database} is another program's database; choose another with --database")
    if not tables:
        return None
    if "alembic_version" in tables:
        for (found,) in connection.execute("SELECT version_num FROM alembic_version"):
            return str(found)
    raise DamagedError(database, "the revision of its schema is missing")
