"""One writer for one database, whatever its names, and whatever lies in wait where its files will be."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dropwatchd.history.errors import HeldError, HistoryError
from dropwatchd.history.write.lock import Lock, holder


def _symlink(database: Path, other: Path) -> None:
    other.symlink_to(database)


def _hard_link(database: Path, other: Path) -> None:
    other.hardlink_to(database)


def _relative_symlink_to_a_symlink(database: Path, other: Path) -> None:
    between = other.with_name("between.db")
    between.symlink_to(os.path.relpath(database, other.parent))
    other.symlink_to(between.name)


@pytest.mark.parametrize("link", [_symlink, _hard_link, _relative_symlink_to_a_symlink])
def test_a_second_writer_is_refused_under_any_name(
    database: Path, tmp_path: Path, link: Callable[[Path, Path], None],
) -> None:
    """The message names the process that holds the file; afterwards the next one gets it."""
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere" / "other.db"
    link(database, other)
    with Lock(database), pytest.raises(HeldError, match=f"process {os.getpid()}"):
        Lock(other)
    Lock(other).close()


def test_a_second_writer_is_refused_when_the_file_was_replaced(database: Path) -> None:
    """The lock beside it outlives the file, and the new file is held when it has been taken."""
    with Lock(database) as lock:
        copy = database.with_name("copy.db")
        copy.write_bytes(database.read_bytes())
        copy.rename(database)
        with pytest.raises(HeldError):
            Lock(database)
        lock.follow()
        database.with_name("history.db.lock").unlink()
        with pytest.raises(HeldError):
            Lock(database)


def test_a_new_database_is_held_once_it_is_there(tmp_path: Path) -> None:
    """Before, the path is; then the file under its other names too."""
    path = tmp_path / "new.db"
    with Lock(path) as lock:
        assert lock.file is None
        with pytest.raises(HeldError):
            Lock(path)
        path.touch()
        lock.follow()
        (tmp_path / "link.db").hardlink_to(path)
        with pytest.raises(HeldError):
            Lock(tmp_path / "link.db")


def test_the_lock_ends_with_the_process(database: Path) -> None:
    """A killed writer leaves the file beside the database, and the next one takes it over."""
    code = ("import os, sys; from pathlib import Path; from dropwatchd.history.write.lock import Lock;"
            "lock = Lock(Path(sys.argv[1])); os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", code, database], check=False)
    assert done.returncode == -9
    assert database.with_name("history.db.lock").exists()
    Lock(database).close()


@pytest.mark.parametrize("target", ["victim", "nothing"])
def test_a_planted_link_is_refused_and_not_followed(database: Path, target: str) -> None:
    """What it leads to keeps its content, and what is not there is not made."""
    victim = database.with_name("victim")
    victim.write_text("precious")
    planted = database.with_name("history.db.lock")
    planted.symlink_to(database.with_name(target))
    with pytest.raises(HistoryError, match="is a symbolic link where a file is needed; remove it"):
        Lock(database)
    assert victim.read_text() == "precious"
    assert planted.is_symlink()
    assert not database.with_name("nothing").exists()


def test_a_planted_hard_link_keeps_its_content(database: Path) -> None:
    """The lock file is never written."""
    victim = database.with_name("victim")
    victim.write_text("precious")
    database.with_name("history.db.lock").hardlink_to(victim)
    Lock(database).close()
    assert victim.read_text() == "precious"


def test_a_lock_leaves_nothing(tmp_path: Path) -> None:
    """Neither its file nor the folders that were made in vain."""
    Lock(tmp_path / "a" / "b" / "history.db").close()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_in_use_stays(tmp_path: Path) -> None:
    """With what is in it."""
    with Lock(tmp_path / "a" / "history.db"):
        (tmp_path / "a" / "history.db").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["history.db"]


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize("make", [_folder, os.mkfifo, _loop, _device])
def test_what_is_no_file_is_refused_without_a_trace(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Nobody waits for a pipe, and nothing is made beside what is refused."""
    make(tmp_path / "history.db")
    with pytest.raises(HistoryError, match="is not a file; choose another place with --database"):
        Lock(tmp_path / "history.db")
    assert [path.name for path in tmp_path.iterdir()] == ["history.db"]
    assert not Path("/dev/null.lock").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match="choose another place with --database"):
        Lock(tmp_path / "file" / "sub" / "history.db")


def test_the_holder_is_told_without_a_trace(tmp_path: Path, database: Path) -> None:
    """Nobody holds what is not there, or is not held."""
    assert holder(tmp_path / "no" / "history.db") is None
    assert holder(database) is None
    assert not (tmp_path / "no").exists()
    with Lock(database):
        assert holder(database) == str(os.getpid())


def test_a_history_that_others_could_read_becomes_private(database: Path) -> None:
    """Stricter rights are kept."""
    wal, strict = database.with_name("history.db-wal"), database.with_name("history.db-journal")
    for path, mode in ((wal, 0o666), (strict, 0o600), (database, 0o644)):
        path.touch()
        path.chmod(mode)
    Lock(database).close()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (database, wal, strict)] == [0o640, 0o640, 0o600]
