"""The connection that writes the history: settings that a crash cannot hurt, and transactions: whole, or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUSY_MS = 5000


def connect(database: Path) -> sqlite3.Connection:
    """Return a connection in WAL mode, for one thread at a time; a transaction is only where one is begun.

    A power cut costs the transactions since the last durable one, never the database: see `transaction`. The driver's
    own BEGIN would leave DDL outside of transactions.
    """
    connection = sqlite3.connect(database, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        if not scalar(connection, "PRAGMA page_count"):  # later it has no effect, but a cost
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "journal_size_limit=4194304"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
    """Write all that a block does, or nothing where it fails; a `durable` one is on the disk when it ends.

    So are all before it then: with synchronous=FULL a commit syncs the -wal file, which holds the earlier ones too;
    without it only a checkpoint does. So one durable transaction in ten seconds costs one fsync in ten seconds.
    """
    connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()  # unless SQLite has done so
        raise


@contextmanager
def without_references(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a transaction remove rows without a look at who refers to them, which reads whole tables for each row."""
    connection.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.execute("PRAGMA foreign_keys=ON")


def scalar(connection: sqlite3.Connection, statement: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> Any:
    """Return the first column of the first row, None where there is none."""
    row = connection.execute(statement, values).fetchone()
    return None if row is None else row[0]


def insert_id(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> int:
    """Insert a row, given by its columns, and return its id."""
    columns, places = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    made = connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", (*row.values(),))  # noqa: S608 - ours
    assert made.lastrowid is not None  # noqa: S101 - a row was inserted
    return made.lastrowid
