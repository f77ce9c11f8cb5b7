"""The file under the daemon: whatever is done to it, recording goes on, and the ledger says what was lost."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.history.errors import HistoryError
from dropwatchd.history.write import history as module
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.history import History
from dropwatchd.history.write.lock import Lock
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.kernel import clock
from dropwatchd.model import NANO, Instant, Watch, Watching, Window
from tests.dropwatchd.conftest import IDENTITY, drop


@pytest.fixture
def folder(tmp_path: Path, empty_history: Path) -> Path:
    """Return a folder of its own with an empty history."""
    made = tmp_path / "state"
    made.mkdir()
    shutil.copy(empty_history, made / "history.db")
    return made


@pytest.fixture
def history(folder: Path) -> Iterator[History]:
    with Lock(folder / "history.db") as lock:
        opened = History(lock, IDENTITY)
        opened.start(clock.now())
        yield opened
        opened.close()


def _rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def _batch(count: int, since: Instant | None = None) -> Batch:
    now = clock.now()
    watched = [Watch(Watching("software", "bpf"), since or now, now)]
    return Batch(windows=[Window(count * NANO, NANO, drop(count, count))], watches=watched)


def _truncate(folder: Path) -> None:
    os.truncate(folder / "history.db", 0)


def _replace(folder: Path) -> None:
    shutil.copy(folder / "history.db", folder / "other.db")
    (folder / "other.db").rename(folder / "history.db")


VANDALS: dict[str, Callable[[Path], None]] = {
    "it was deleted": lambda folder: (folder / "history.db").unlink(),
    "it was moved away": lambda folder: (folder / "history.db").rename(folder / "elsewhere.db"),  # type: ignore[dict-item]
    "it was replaced": _replace,
    "it was truncated": _truncate,
    "its folder was deleted": shutil.rmtree,
    "its -wal file was removed": lambda folder: (folder / "history.db-wal").unlink(),
}


@pytest.mark.parametrize("what", VANDALS)
def test_a_file_that_is_lost_is_begun_anew(
    folder: Path, history: History, what: str, caplog: pytest.LogCaptureFixture,
) -> None:
    """What is written from then on is at the path, and nothing is vouched for that was in the old one."""
    began = clock.now()
    history.write(_batch(3, began))
    VANDALS[what](folder)
    lost = clock.now()
    history.write(_batch(5, began))
    history.write(_batch(7, began))
    database = folder / "history.db"
    assert _rows(database, "SELECT count FROM drops WHERE count > 3 ORDER BY count") == [(5,), (7,)]
    ((since_ns, until_ns, detail),) = _rows(
        database, "SELECT since_ns, until_ns, detail FROM gaps WHERE cause = 'history file lost' AND effect = 'blind'")
    assert detail == what
    assert isinstance(since_ns, int)
    assert isinstance(until_ns, int)
    kept = what == "its -wal file was removed"  # SQLite has it open still, and moves it over
    assert _rows(database, "SELECT count(*) FROM drops WHERE count = 3") == [(int(kept or what == "it was replaced"),)]
    assert since_ns <= (until_ns if kept else began.wall_ns) < lost.wall_ns + 10 * NANO
    assert lost.wall_ns <= until_ns
    newest = "SELECT min(since_ns) FROM watches WHERE run_id = (SELECT max(id) FROM runs)"
    assert _rows(database, newest) == [(until_ns,)]
    assert not _rows(database, "SELECT * FROM gaps WHERE cause = 'daemon down'")
    assert not _rows(database, "SELECT * FROM runs WHERE ending = 'crashed'")
    assert what in caplog.text


def _ballast(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE ballast AS SELECT zeroblob(8000000) AS x")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _lost(database: Path) -> list[tuple[object, ...]]:
    return _rows(database, "SELECT detail FROM gaps WHERE cause = 'history file lost'")


def test_a_file_that_shrinks_as_it_should_is_not_lost(folder: Path, history: History) -> None:
    """Room that is not needed goes back to the file system; what was cut off otherwise is seen."""
    database, options = folder / "history.db", RetentionOptions()
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        _ballast(other)
        history.tidy(options, clock.now())
        history.write(_batch(3))
        before = database.stat().st_size
        other.execute("DROP TABLE ballast")
        for _ in range(5):  # steps of 2 MiB
            history.tidy(options, clock.now())
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        history.write(_batch(5))
        assert database.stat().st_size < before / 2
        assert not _lost(database)
        _ballast(other)
        history.tidy(options, clock.now())
        history.write(_batch(7))
        os.truncate(database, database.stat().st_size - 4096)
    history.write(_batch(9))
    assert _lost(database)[0] == ("it was truncated",)


def test_a_file_that_shrinks_by_what_was_before_the_start_is_not_lost(folder: Path) -> None:
    """While a reader needs the pages that were given back they stay in the file."""
    database = folder / "history.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as other, \
            closing(sqlite3.connect(database, isolation_level=None)) as reader:
        _ballast(other)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchall()
        other.execute("DROP TABLE ballast")
        other.executescript("PRAGMA incremental_vacuum(4000)")
        with Lock(database) as lock:
            history = History(lock, IDENTITY)
            history.start(clock.now())
            history.write(_batch(3))
            before = database.stat().st_size
            reader.execute("ROLLBACK")
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            history.write(_batch(5))
            history.close()
    assert database.stat().st_size < before / 2
    assert not _lost(database)


def test_garbage_in_the_pages_is_set_aside(folder: Path, history: History) -> None:
    """SQLite says so at the first row that it meets; the damaged file is kept under a dated name."""
    history.write(_batch(3))
    database = folder / "history.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (database.stat().st_size - 4096))
    history._writer._connection.execute("PRAGMA shrink_memory")  # SQLite has read the pages before, and need not again
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        history.write(_batch(5))
    history.write(_batch(5))  # as the recorder does, which has put it back
    history.write(_batch(7))
    assert _rows(database, "SELECT count FROM drops ORDER BY count") == [(5,), (7,)]
    (kept,) = folder.glob("history.db.damaged-*Z")
    assert _rows(database, "SELECT count(*) FROM gaps WHERE cause = 'history file lost'") == [(1,)]
    assert kept.stat().st_size > 4096


def test_a_damaged_history_at_the_start_is_a_gap(folder: Path) -> None:
    """Nobody knows what it held: the gap begins when it was last written."""
    database = folder / "history.db"
    database.write_bytes(database.read_bytes()[:4096] + b"\xa5" * 40_000)
    with Lock(database) as lock:
        history = History(lock, IDENTITY)
        (gap,) = history.start(clock.now())
        history.close()
    (kept,) = folder.glob("history.db.damaged-*Z")
    assert gap.detail == f"it was damaged, and is kept as {kept.name}"
    assert _rows(database, "SELECT cause, detail FROM gaps") == [("history file lost", gap.detail)]


def test_damage_that_only_the_first_write_shows_is_set_aside(folder: Path) -> None:
    """After a proper end nothing is looked through: the start goes on all the same, in a new history."""
    database = folder / "history.db"
    with Lock(database) as lock:
        history = History(lock, IDENTITY)
        history.start(clock.now())
        history.finish(clock.now(), "stopped")
        _spoil_table(database, "gaps")
        history = History(lock, IDENTITY)
        (gap,) = history.start(clock.now())
        history.write(_batch(5))
        history.close()
    (kept,) = folder.glob("history.db.damaged-*Z")
    assert gap.detail == f"it was damaged, and is kept as {kept.name}"
    assert _rows(database, "SELECT count FROM drops") == [(5,)]
    assert _rows(database, "SELECT cause, detail FROM gaps") == [("history file lost", gap.detail)]


def test_damage_that_others_see_is_noticed(
    folder: Path, history: History, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A writer has its pages in memory: it looks into the file from time to time, and not every time."""
    monkeypatch.setattr(module, "_GLANCE_S", 60)  # on a busy machine the time for a glance is soon over
    began = clock.now()
    history.write(_batch(3, began))
    later = Instant(began.wall_ns, began.boot_ns + 599 * NANO)
    history.tidy(RetentionOptions(), began)
    log = folder / "history.db-wal"
    log.write_bytes(log.read_bytes()[:32] + b"\xa5" * (log.stat().st_size - 32))
    history.tidy(RetentionOptions(), later)
    history.write(_batch(4))
    assert not list(folder.glob("*damaged*"))
    assert not history.tidy(RetentionOptions(), Instant(later.wall_ns, later.boot_ns + NANO))
    history.write(_batch(5))
    (kept,) = folder.glob("history.db.damaged-*Z")
    assert _rows(folder / "history.db", "SELECT count FROM drops") == [(5,)]
    ((since_ns, detail),) = _rows(folder / "history.db", "SELECT since_ns, detail FROM gaps")
    assert isinstance(since_ns, int)
    assert since_ns <= began.wall_ns
    assert str(detail).endswith(f"kept as {kept.name}")


def _spoil_table(database: Path, table: str) -> None:
    ((page,),) = _rows(database, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")  # noqa: S608 - ours
    assert isinstance(page, int)
    with database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


def test_an_end_that_cannot_be_written_is_one_line(folder: Path, history: History) -> None:
    """A disk that fails in the last moment costs the run's end, not what was seen; nobody wants a traceback of it."""
    history.write(_batch(5))
    with closing(sqlite3.connect(folder / "history.db")) as connection:
        connection.execute("CREATE TRIGGER bad BEFORE UPDATE ON runs BEGIN SELECT raise(ABORT, 'disk I/O error'); END")
    with pytest.raises(HistoryError, match=r"could not be written to .* the next start tells"):
        history.finish(clock.now(), "stopped")
    assert _rows(folder / "history.db", "SELECT count, ending FROM drops, runs") == [(5, None)]
