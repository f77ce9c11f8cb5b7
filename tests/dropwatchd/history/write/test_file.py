"""The file under its writer: whatever is done to it is noticed, and a damaged one is kept whole under another name."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.history.write.file import DatabaseFile, set_aside
from tests.gallery.namespace import command


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A database's path in a folder of its own, in a folder of its own."""
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "history.db"


@pytest.fixture
def written(place: Path) -> Iterator[sqlite3.Connection]:
    """A database in WAL mode that is open and has been written, some of it in the database, some in the -wal file."""
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (zeroblob(20000))")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("INSERT INTO t VALUES (1)")
        yield connection


@pytest.fixture
def file(place: Path, written: sqlite3.Connection) -> Iterator[DatabaseFile]:  # noqa: ARG001 - it is there
    """The file as its writer holds it, of which there is nothing to say."""
    held = DatabaseFile(place)
    assert held.check() is None
    yield held
    held.close()


def _delete(path: Path) -> None:
    path.unlink()


def _delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def _move(path: Path) -> None:
    path.rename(path.with_name("kept.db"))


def _replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


def _replace_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("old"))
    shutil.copytree(path.parent.with_name("old"), path.parent)


def _truncate(path: Path) -> None:
    os.truncate(path, 5000)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _remove_log(path: Path) -> None:
    path.with_name("history.db-wal").unlink()


def _remove_index(path: Path) -> None:
    path.with_name("history.db-shm").unlink()


def _replace_log(path: Path) -> None:
    _replace(path.with_name("history.db-wal"))


@pytest.mark.parametrize(("spoil", "what"), [
    (_delete, "it was deleted"), (_delete_folder, "its folder was deleted"), (_move, "it was moved away"),
    (_replace, "it was replaced"), (_replace_folder, "its folder was replaced"), (_truncate, "it was truncated"),
    (_empty, "it was truncated"), (_remove_log, "its -wal file was removed"),
    (_remove_index, "its -shm file was removed"), (_replace_log, "its -wal file was replaced")])
def test_what_is_done_to_the_file_is_told(
    place: Path, file: DatabaseFile, spoil: Callable[[Path], None], what: str,
) -> None:
    """At the second look at the latest, and ever after."""
    spoil(place)
    file.check()
    assert [file.check(), file.check()] == [what, what]


def test_a_file_system_mounted_over_it_is_told(place: Path, file: DatabaseFile) -> None:
    """And when it is gone, all is well again."""
    if os.geteuid():
        pytest.skip("mounting takes root")
    command(f"mount -t tmpfs tmpfs {place.parent}")
    try:
        assert file.check() == "another file system was mounted over its folder"
    finally:
        command(f"umount {place.parent}")
    assert file.check() is None


def _bytes(connection: sqlite3.Connection) -> int:
    [(size,)] = connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    return int(size)


def test_what_sqlite_does_itself_is_no_fault(file: DatabaseFile, written: sqlite3.Connection) -> None:
    """A log that is moved over and emptied, a database that grows and shrinks."""
    for sql in ("PRAGMA wal_checkpoint(TRUNCATE)", "INSERT INTO t VALUES (zeroblob(900000))", "DELETE FROM t", "VACUUM",
                "PRAGMA wal_checkpoint(TRUNCATE)"):
        written.execute(sql).fetchall()
        if sql == "VACUUM":
            file.gave_back(_bytes(written))
        assert [file.check(), file.check()] == [None, None]


def test_a_log_that_is_moved_over_in_part_is_no_fault(
    place: Path, file: DatabaseFile, written: sqlite3.Connection,
) -> None:
    """While a reader needs older pages the file has fewer than its header claims, for as long as that stays."""
    written.executemany("INSERT INTO t VALUES (zeroblob(?))", [(3000,)] * 100)
    with closing(sqlite3.connect(place, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t").fetchall()
        written.execute("UPDATE t SET x = randomblob(3000) WHERE rowid > 50")
        written.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        assert int.from_bytes(place.read_bytes()[28:32], "big") * 4096 == _bytes(written) > place.stat().st_size
        assert [file.check(), file.check()] == [None, None]
        _truncate(place)
        assert file.check() == "it was truncated"


def test_a_file_that_may_shrink_is_judged_anew_from_then_on(
    place: Path, file: DatabaseFile, written: sqlite3.Connection,
) -> None:
    """To what the database has left, and no further, however late the log is moved over."""
    written.execute("INSERT INTO t VALUES (zeroblob(900000))")
    written.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert file.check() is None
    written.execute("DELETE FROM t WHERE length(x) > 30000")
    written.execute("VACUUM")
    file.gave_back(_bytes(written))
    written.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert file.check() is None
    os.truncate(place, _bytes(written) - 4096)
    assert file.check() == "it was truncated"


def test_looking_and_closing_costs_sqlite_none_of_its_locks(place: Path, written: sqlite3.Connection) -> None:
    """As long as the file is closed after the connection: then another program cannot take the database for itself."""
    file = DatabaseFile(place)
    written.execute("BEGIN IMMEDIATE")
    file.check()
    with closing(sqlite3.connect(place, timeout=0)) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("PRAGMA journal_mode = DELETE")
    written.execute("ROLLBACK")
    written.close()
    file.close()


def test_a_log_that_was_removed_is_not_lost_by_its_writer(place: Path, written: sqlite3.Connection) -> None:
    """Closing the connection moves it over into the database."""
    _remove_log(place)
    written.execute("INSERT INTO t VALUES (2)")
    written.close()
    with closing(sqlite3.connect(place)) as again:
        assert again.execute("SELECT count(*) FROM t").fetchone() == (3,)


def test_a_damaged_file_is_set_aside_whole(place: Path, written: sqlite3.Connection) -> None:
    """It opens under its new name with what was only in its -wal file, and a second one does not overwrite it."""
    files = {suffix: place.with_name(place.name + suffix).read_bytes() for suffix in ("", "-wal")}
    first = set_aside(place)
    assert first.name.startswith("history.db.damaged-2")
    assert not list(place.parent.glob("history.db*-wal-*"))
    for suffix, content in files.items():
        place.with_name(place.name + suffix).write_bytes(b"another " + content)
    second = set_aside(place)
    assert first != second
    assert not place.exists()
    written.close()
    assert second.read_bytes() == b"another " + files[""]
    assert first.with_name(first.name + "-wal").read_bytes() == files["-wal"]
    with closing(sqlite3.connect(first)) as kept:
        assert kept.execute("SELECT count(*) FROM t").fetchone() == (2,)
