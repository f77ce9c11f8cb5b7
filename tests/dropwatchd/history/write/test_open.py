"""Opening for writing: one writer, the newest schema, and nobody else's file."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.history.damage import after_crash
from dropwatchd.history.errors import DamagedError, HeldError, HistoryError
from dropwatchd.history.schema import REVISION
from dropwatchd.history.write.connection import connect, transaction
from dropwatchd.history.write.lock import Lock
from dropwatchd.history.write.open import prepare, revision, upgrade


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


def _run(database: Path, ended_ns: int | None) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO runs VALUES (1, 'm', 'b', 'h', 'k', 'v', 1, ?, NULL)", (ended_ns,))
        connection.executemany("INSERT INTO events VALUES (NULL, 1, ?, 'k', 's', 'd', NULL, NULL)",
                               [(number,) for number in range(2000)])


def _spoil_pages(database: Path) -> None:
    """Overwrite the last pages, which hold events: no start reads them."""
    with database.open("r+b") as file:
        file.seek(-8 * 4096, os.SEEK_END)
        file.write(b"\xa5" * 8 * 4096)


def test_damage_is_looked_for_after_a_crash(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A run without an end has a reason: the damaged file is kept, one line says so, and a new history begins."""
    _run(database, None)
    _spoil_pages(database)
    damaged = database.read_bytes()
    with Lock(database) as lock:
        aside = prepare(lock)
        assert lock.file
        assert lock.file.is_at_path()
    assert aside
    assert aside.path.read_bytes() == damaged
    assert aside.seen_ns == aside.path.stat().st_mtime_ns
    assert revision(database) == REVISION
    line, = (record.getMessage() for record in caplog.records if record.name == "dropwatchd.history.write.open")
    assert line.startswith(f"{database} is damaged (table events: ")
    assert line.endswith(f"): it is kept as {aside.path.name}, and a new history begins")


def test_a_history_that_was_ended_or_is_whole_is_kept(database: Path) -> None:
    """Looking through it would take time for nothing, and a crash alone is no damage."""
    for ended in (3, None):
        _run(database, ended)
        with Lock(database) as lock:
            assert prepare(lock) is None
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("DELETE FROM runs")


def test_the_look_after_a_crash_has_its_time(database: Path) -> None:
    """What could not be looked at is not said to be damaged."""
    _run(database, None)
    _spoil_pages(database)
    with closing(sqlite3.connect(database)) as connection:
        assert after_crash(connection, 0) is None
        assert after_crash(connection, 60)


def test_a_header_that_is_spoilt_is_set_aside_where_only_a_history_can_be(
    database: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the default place; elsewhere it may be anybody's file, and is left alone."""
    database.write_bytes(b"\xa5" * 8192)
    with Lock(database) as lock, pytest.raises(DamagedError, match="move it away"):
        prepare(lock)
    assert database.read_bytes() == b"\xa5" * 8192
    monkeypatch.setenv("STATE_DIRECTORY", str(database.parent))
    with Lock(database) as lock:
        assert prepare(lock)
    assert revision(database) == REVISION


@pytest.mark.parametrize("garbage", [b"no database\n", b"\xa5" * 100, b"\0" * 4096])
def test_a_history_whose_first_bytes_are_spoilt_is_set_aside(database: Path, garbage: bytes) -> None:
    """Wherever it lies: its schema says what it was, and nothing that was in it is touched."""
    with database.open("r+b") as file:
        file.write(garbage)
    spoilt = database.read_bytes()
    with Lock(database) as lock:
        aside = prepare(lock)
    assert aside
    assert aside.path.read_bytes() == spoilt
    assert revision(database) == REVISION


def test_a_failed_upgrade_of_a_new_history_leaves_nothing(tmp_path: Path) -> None:
    """As when it is stopped while it runs."""
    looks = iter([False, True])

    def check() -> None:
        if next(looks, True):
            raise InterruptedError

    with Lock(tmp_path / "new" / "history.db") as lock, pytest.raises(InterruptedError):
        prepare(lock, check)
    assert not list(tmp_path.iterdir())


def _delete(path: Path) -> None:
    path.unlink()


def _delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def _replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


def _cut(path: Path) -> None:
    os.truncate(path, 3 * 4096)


def _remove_log(path: Path) -> None:
    path.with_name("history.db-wal").unlink()


@pytest.mark.parametrize("spoil", [_delete, _delete_folder, _replace, _cut, _remove_log])
def test_a_writer_goes_on_after_anything_was_done_to_its_file(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """Closed, prepared and opened again, it writes where the path leads to, under the locks of what is there now."""
    path = tmp_path / "state" / "history.db"
    with Lock(path) as lock:
        prepare(lock)
        writing = connect(path)
        _insert(writing)
        assert lock.file
        assert lock.file.check() is None
        spoil(path)
        lock.file.check()
        assert lock.file.check()
        writing.close()
        lock.take()
        prepare(lock)
        writing = connect(path)
        _insert(writing)
        assert lock.file.check() is None
        with pytest.raises(HeldError):
            Lock(path)
        writing.close()
    kept = (_remove_log, _replace)  # the log is moved over when it is closed, or lies beside the copy that it fits
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM kinds").fetchone()[0] == (2 if spoil in kept else 1)


def _insert(writing: sqlite3.Connection) -> None:
    with transaction(writing):
        writing.execute("INSERT INTO kinds (reason, origin, seen_ns) SELECT 'X' || count(*), 'software', 0 FROM kinds")
