"""Starts that cannot be: one line, an exit code, and nothing left behind."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.history.write.lock import Lock
from tests.gallery.namespace import command
from tests.gallery.recording import Recording

WORDS = (sys.executable, "-m", "dropwatchd")
ROOT = Path(__file__).parents[2]


def _run(*words: str | Path, wrapper: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*wrapper, *WORDS, "--source", "none", *words], capture_output=True, text=True, check=False,
                          timeout=60, cwd=ROOT)


def _refused(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    line, = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (code, ""), line
    return line


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 160 KiB."""
    if os.geteuid():
        pytest.skip("mounting takes root")
    path = tmp_path / "disk"
    path.mkdir()
    command(f"mount -t tmpfs -o size=160k tmpfs {path}")
    yield path
    command(f"umount {path}")


def test_an_empty_path_is_wrong_usage() -> None:
    """And not the current folder."""
    assert "no path is given" in _refused(_run("--database", ""), 2)


@pytest.mark.parametrize("path", ["/", "/dev/null", "/dev", "/proc/self/history.db"])
def test_what_no_history_can_be_is_refused(path: str) -> None:
    """No file, or no place for one; checking says so as well."""
    assert "choose another place with --database" in _refused(_run("--database", path))
    assert _run("--check", "--database", path).returncode == 1
    assert not Path(path + ".lock").exists()


def test_a_locked_database_is_refused(database: Path) -> None:
    """After the time that a backup may take; nothing is said of moving it away."""
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        assert "another program has it locked; start again when that has finished" in _refused(
            _run("--database", database))
    assert [path.name for path in database.parent.iterdir()] == ["history.db"]


@pytest.mark.parametrize("room_kib", [0, 8, 60])
def test_a_full_disk_is_refused(small_disk: Path, room_kib: int) -> None:
    """Wherever in the start it shows; afterwards there is as much room as before."""
    (small_disk / "fill").write_bytes(bytes((160 - room_kib) * 1024))
    _refused(_run("--database", small_disk / "history.db"))
    assert [path.name for path in small_disk.iterdir()] == ["fill"]


@pytest.mark.parametrize("limit", [6, 8, 10, 12])
def test_few_descriptors_are_one_line(tmp_path: Path, limit: int) -> None:
    """The limit is named, whatever it was that could not be opened."""
    done = _run("--database", tmp_path / "made" / "history.db", wrapper=("prlimit", f"--nofile={limit}:{limit}"))
    assert "ulimit -n" in _refused(done)
    assert not (tmp_path / "made" / "history.db.lock").exists()


def test_a_check_leaves_no_trace(tmp_path: Path) -> None:
    """Neither a file nor a folder."""
    done = _run("--check", "--database", tmp_path / "made" / "history.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())


def test_a_check_beside_a_daemon_is_no_fault(database: Path) -> None:
    """It says who records there, and takes nothing from it."""
    with Lock(database):
        before = sorted(database.parent.iterdir())
        done = _run("--check", "--database", database)
        assert done.returncode == 0
        assert f"process {os.getpid()} records into it" in done.stdout
        assert sorted(database.parent.iterdir()) == before


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_recorded_is_private(tmp_path: Path, umask: int) -> None:
    """Whatever the umask: files 0640, folders that were made 0750, and one that was there stays as it is."""
    there = tmp_path / "there"
    there.mkdir()
    there.chmod(0o755)
    recording = Recording(tmp_path, "none")
    recording.database = there / "made" / "deep" / "history.db"
    recording.command[recording.command.index("--database") + 1] = str(recording.database)
    before = os.umask(umask)
    try:
        recording.start()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (there, *there.rglob("*"))}
    assert recording.stop() == 0
    files = ("history.db", "history.db-wal", "history.db-shm", "history.db.lock")
    assert modes == {"there": 0o755, "made": 0o750, "deep": 0o750, **dict.fromkeys(files, 0o640)}
    assert [path.name for path in recording.database.parent.iterdir()] == ["history.db"]


@pytest.mark.parametrize(("words", "code"), [("--version", 0), ("--help", 0), ("--source=x", 2)])
def test_what_the_command_line_alone_answers_imports_nothing_that_takes_time(words: str, code: int) -> None:
    """Neither the database's library nor msgspec: a version and a usage error are answered at once."""
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "dropwatchd", words],
                          capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert done.returncode == code
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert ("argparse" in imported) is (words != "--version")  # scripts ask for a version again and again
    assert not {"sqlalchemy", "msgspec", "pyroute2"} & imported
