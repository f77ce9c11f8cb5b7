"""Opening a history to read it, by anyone, at any moment of its life."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.history import identity, schema
from dropwatchd.history.read import readonly
from dropwatchd.history.read.readonly import UnreadableError, read
from tests.dwreport.conftest import START_NS, History

NOBODY = 65534
# Imports first: the interpreter may lie where nobody may read.
_READ = """
import json, os, shutil, sys, tempfile
from pathlib import Path
from dropwatchd.history.read.readonly import UnreadableError, read
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
try:
    print(json.dumps(read(Path(sys.argv[1]), lambda c: c.execute("SELECT sum(count) FROM drops").fetchone()[0])))
except UnreadableError as error:
    print(json.dumps(str(error)))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that everybody may enter and only its owner may write: pytest's own are closed to others."""
    path = Path("/var/tmp") / f"dropwatchd-test-{os.getpid()}"
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def database(folder: Path) -> Path:
    """Return a WAL database at rest with three drops."""
    history = History(folder / "history.db")
    history.execute("PRAGMA journal_mode = WAL")
    history.drop(history.run(), START_NS, 3)
    history.close()
    assert sorted(path.name for path in folder.iterdir()) == ["history.db"]
    return history.path


def _as_nobody(path: Path) -> object:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    done = subprocess.run([sys.executable, "-c", _READ, str(path), str(NOBODY)], capture_output=True, text=True,
                          check=True, cwd=Path(__file__).parents[3])
    return json.loads(done.stdout)


def _writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("UPDATE drops SET count = 10")
    return connection


def _crashed(path: Path) -> None:
    """Leave the files as a writer does that was killed: its commit is in the -wal alone."""
    kept = path.parent / "kept"
    kept.mkdir()
    connection = _writer(path)
    for file in list(path.parent.glob("history.db*")):
        shutil.copy2(file, kept)
    connection.close()
    for file in kept.iterdir():
        shutil.copy2(file, path.parent)
    shutil.rmtree(kept)


def test_another_user_reads_a_history_in_use(database: Path) -> None:
    """What was committed a moment ago is in the -wal file, and is seen."""
    connection = _writer(database)
    assert _as_nobody(database) == 10
    connection.close()


def test_another_user_reads_a_history_at_rest_and_leaves_no_trace(database: Path) -> None:
    """Without -wal and -shm files, in a folder that the user cannot write."""
    assert _as_nobody(database) == 3
    assert read(database, lambda connection: connection.execute("SELECT sum(count) FROM drops").fetchone()) == (3,)
    assert [path.name for path in database.parent.iterdir()] == ["history.db"]


def test_another_user_reads_a_history_after_a_crash(database: Path) -> None:
    """The writer is gone and its -wal holds the newest commit."""
    _crashed(database)
    assert _as_nobody(database) == 10


def test_another_user_reads_a_history_after_a_crash_without_shm(database: Path) -> None:
    """As after a power cut, or when only database and -wal were copied."""
    _crashed(database)
    database.with_name("history.db-shm").unlink()
    assert _as_nobody(database) == 10
    assert sorted(path.name for path in database.parent.iterdir()) == ["history.db", "history.db-wal"]


def test_the_owner_reads_a_history_after_a_crash(database: Path) -> None:
    """The next start of the daemon finds everything as it was."""
    _crashed(database)
    assert read(database, lambda connection: connection.execute("SELECT sum(count) FROM drops").fetchone()) == (10,)


def _hot_journal(path: Path) -> None:
    """Leave the files as a writer in rollback mode does that was killed after it had written to the database."""
    code = ("import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
            "c.execute('PRAGMA journal_mode = DELETE'); c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN');"
            "c.execute('UPDATE drops SET count = 452006633');"
            "c.execute('CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
            " WHERE i < 20000) SELECT i, zeroblob(50) FROM n'); os.kill(os.getpid(), 9)")
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == -9
    assert path.with_name("history.db-journal").stat().st_size


def test_what_a_killed_transaction_wrote_is_not_believed(database: Path) -> None:
    """A rollback journal says how it was before: for a user who cannot write, and for one who can; both leave it."""
    _hot_journal(database)
    before = {path: path.read_bytes() for path in database.parent.iterdir()}
    assert read(database, lambda connection: connection.execute("SELECT sum(count) FROM drops").fetchone()) == (3,)
    assert _as_nobody(database) == 3
    assert {path: path.read_bytes() for path in database.parent.iterdir()} == before


def test_a_journal_that_is_done_with_is_nothing(database: Path) -> None:
    """SQLite overwrites its header with zeros where journals are kept."""
    database.with_name("history.db-journal").write_bytes(bytes(4096))
    assert _as_nobody(database) == 3


def _in(sql: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(sql)
    return change


def _swap_pages(path: Path) -> None:
    """The last two pages that hold anything belong to different tables."""
    data = bytearray(path.read_bytes())
    data[-8192:] = data[-4096:] + data[-8192:-4096]
    path.write_bytes(data)


@pytest.mark.parametrize(("spoil", "what"), [
    (_in("UPDATE drops SET count = 'abc'"), "(table drops: count is not integer in 1 rows)"),
    (_in("UPDATE drops SET count = -5"), "(table drops: 1 rows where count < 1 OR"),
    (_in("UPDATE runs SET hostname = x'ff'"), "(table runs: hostname is not text in 1 rows)"),
    (_in("UPDATE drops SET kind_id = 77"), "(table drops: 1 rows refer to kinds that are not there)"),
    (_in("UPDATE locations SET address = '{'"), "(table locations: 1 rows where address"),
    (_swap_pages, "the history is "),
])
def test_damage_that_sqlite_would_not_mind_is_named(database: Path, spoil: Callable[[Path], None], what: str) -> None:
    """Before a small history is read, for it would give wrong counts in silence."""
    spoil(database)
    with pytest.raises(UnreadableError) as raised:
        read(database, lambda connection: connection.execute("SELECT sum(count) FROM drops").fetchone())
    assert what in str(raised.value)
    assert str(raised.value).endswith("; save what is left with sqlite3's .recover")


def test_small_tables_are_looked_at_in_a_large_history(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, runs and the ledger are what every count hangs on."""
    monkeypatch.setattr(readonly, "_SMALL_BYTES", 0)
    _in("UPDATE runs SET hostname = x'ff'")(database)
    with pytest.raises(UnreadableError, match="table runs: hostname is not text in 1 rows"):
        read(database, lambda connection: connection.execute("SELECT sum(count) FROM drops").fetchone())


def test_damage_is_looked_for_when_a_query_fails(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a history that is too large to be looked through each time; what is no damage goes its way."""
    monkeypatch.setattr(readonly, "_SMALL_BYTES", 0)

    def query(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT count FROM drops").fetchone()[0], 16)

    with pytest.raises(TypeError):
        read(database, query)
    _in("UPDATE drops SET count = 'xyz'")(database)
    with pytest.raises(UnreadableError, match="count is not integer in 1 rows"):
        read(database, query)


def test_a_user_without_the_right_to_read_is_told_so(database: Path) -> None:
    """The file, and the folder."""
    database.chmod(0o600)
    assert "no right to read" in str(_as_nobody(database))
    database.chmod(0o644)
    database.parent.chmod(0o700)
    assert "no right to read" in str(_as_nobody(database))


def test_a_history_that_changes_under_a_reader_without_locks_is_read_again(database: Path) -> None:
    """The daemon starts, writes and moves its log over while a report is being made."""
    seen: list[int] = []

    def query(connection: sqlite3.Connection) -> int:
        if not seen:
            writer = sqlite3.connect(database, isolation_level=None)
            writer.execute("UPDATE drops SET count = 77")
            writer.close()
        seen.append(connection.execute("SELECT sum(count) FROM drops").fetchone()[0])
        return seen[-1]

    assert read(database, query) == 77
    assert len(seen) == 2


def test_a_snapshot_stays_while_the_daemon_writes(database: Path) -> None:
    """All queries of a report see the same drops."""
    writer = _writer(database)

    def query(connection: sqlite3.Connection) -> tuple[int, int]:
        before = connection.execute("SELECT sum(count) FROM drops").fetchone()[0]
        writer.execute("UPDATE drops SET count = 99")
        return before, connection.execute("SELECT sum(count) FROM drops").fetchone()[0]

    assert read(database, query) == (10, 10)
    writer.close()


def test_a_reader_cannot_write(database: Path) -> None:
    """Whatever the query says."""
    with pytest.raises(UnreadableError, match="readonly"):
        read(database, lambda connection: connection.execute("DELETE FROM drops"))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("dear diary, " * 1000)


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE diary (page)")
    connection.close()


def _corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = b"\xa5" * (len(data) - 100)
    path.write_bytes(data)


def _revision(value: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (value,))
        connection.close()
    return change


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(("spoil", "what"), [
    (Path.unlink, "no history here, {path}; start dropwatchd"),
    (_directory, "a directory, not a history, {path}; name"),
    (_pipe, "not a file, {path}; name"),
    (_empty, "an empty file, not a history, {path}; start dropwatchd"),
    (_text, "not an SQLite database, {path}; name"),
    (_foreign, "another program's database, {path}; name"),
    (_corrupt, "the history is corrupt, {path}; save"),
    (_revision("9999"), "made by a newer dropwatchd (schema 9999, this program reads {revision}), {path}; upgrade"),
    (_revision("0000"), "made by an older dropwatchd (schema 0000, this program reads {revision}), {path}; start"),
], ids=lambda value: getattr(value, "__name__", None))
def test_what_is_no_history_is_named(database: Path, spoil: Callable[[Path], None], what: str) -> None:
    """What is wrong, where, and what to do."""
    spoil(database)
    with pytest.raises(UnreadableError) as raised:
        read(database, lambda connection: connection.execute("SELECT * FROM drops").fetchall())
    assert str(raised.value).startswith(what.format(path=database, revision=identity.REVISION))


def test_a_locked_history_is_named(database: Path) -> None:
    """A program that holds it for itself is waited for, but not forever."""
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("UPDATE drops SET count = 10")
    with pytest.raises(UnreadableError, match="locked by another program"):
        read(database, lambda connection: connection.execute("SELECT * FROM drops").fetchall(), timeout_s=0.1)
    holder.close()


def test_the_identity_is_that_of_the_schema() -> None:
    """Readers do without the schema, which takes long to import."""
    assert (identity.APPLICATION_ID, identity.REVISION) == (schema.APPLICATION_ID, schema.REVISION)
