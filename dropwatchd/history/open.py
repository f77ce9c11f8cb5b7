"""Opening the history for writing: one writer at a time, the newest schema, settings that a crash cannot hurt."""

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from dropwatchd.history.schema import APPLICATION_ID, REVISION

_BUSY_MS = 5000
_LOOK = 0.1  # seconds between two looks whether it is time to stop


class HistoryError(Exception):
    """The history cannot be used: what is wrong, where, and what to do."""


def lock(database: Path) -> IO[str]:
    """Become the database's only writer for as long as the returned file is open."""
    path = database.with_name(database.name + ".lock")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise HistoryError(f"cannot write {path.parent} ({error.strerror}); "
                           "choose another place with --database") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise HistoryError(f"another dropwatchd (process {holder}) records into {database}; "
                           "stop it, or choose another place with --database") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def upgrade(database: Path, check: Callable[[], None] = lambda: None) -> None:
    """Bring the schema to this version's, in a process that ends: what Alembic imports is never needed again.

    While that runs `check` is called; when it raises, the migration is ended, and SQLite undoes what it had begun.
    """
    if revision(database) == REVISION:
        return
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
        raise HistoryError(f"cannot bring {database} to schema {REVISION}: {last[0]}")


def _output(process: subprocess.Popen[str], check: Callable[[], None]) -> str:
    while True:
        try:
            return process.communicate(timeout=_LOOK)[1]
        except subprocess.TimeoutExpired:
            pass
        finally:
            check()


def revision(database: Path) -> str | None:
    """Return the schema's revision, None for a new file. Raises HistoryError for a file that is not ours to write."""
    if not database.exists() or not database.stat().st_size:
        return None
    try:
        connection = sqlite3.connect(database, timeout=_BUSY_MS / 1000)
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if application != APPLICATION_ID and tables:
                raise HistoryError(f"{database} is another program's database; choose another with --database")
            if not tables:
                return None
            (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise HistoryError(f"{database} cannot be read as a history ({error}); move it away, and a new one "
                           "is made") from error
    if found > REVISION:
        raise HistoryError(f"{database} has schema {found}, newer than this program's {REVISION}; upgrade dropwatchd")
    return str(found)


def engine(database: Path) -> Engine:
    """Return an engine with one connection: WAL, and a transaction only where one is begun.

    synchronous=NORMAL: a power cut may cost the last transactions, never the database; `last_seen_ns` is in the same
    transaction as what it vouches for. The driver's own BEGIN would leave DDL outside of transactions.
    """
    created = create_engine(f"sqlite:///{database}", poolclass=StaticPool,
                            connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False})

    @event.listens_for(created, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "journal_size_limit=67108864"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(created, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return created
