"""Opening for writing: one writer, the newest schema, and nobody else's file."""

import sqlite3
from pathlib import Path

import pytest

from dropwatchd.history.errors import HistoryError
from dropwatchd.history.open import revision, upgrade
from dropwatchd.history.schema import REVISION


def test_the_schema_is_there_after_upgrade(database: Path, tmp_path: Path) -> None:
    """An upgrade of what is up to date changes nothing; an empty file is taken for a new one."""
    before = database.read_bytes()
    upgrade(database)
    assert database.read_bytes() == before
    empty = tmp_path / "empty.db"
    empty.touch()
    assert revision(empty) is None
    upgrade(empty)
    assert revision(empty) == REVISION


def test_anothers_database_is_left_alone(tmp_path: Path) -> None:
    """Another program's SQLite file is refused, not migrated."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(HistoryError, match="another program's database"):
        upgrade(path)


def test_a_newer_schema_is_refused(database: Path) -> None:
    """An older daemon does not touch a newer history."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(HistoryError, match="newer than this program's"):
        upgrade(database)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The message says what to do."""
    path = tmp_path / "text.db"
    path.write_text("no database " * 1000)
    with pytest.raises(HistoryError, match="move it away"):
        upgrade(path)
