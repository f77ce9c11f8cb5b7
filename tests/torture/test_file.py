"""The file under a running daemon: whatever is done to it, what was dropped is on record, or the ledger says so."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.gallery.namespace import Namespace, command, wait_for
from tests.gallery.recording import Recording, at
from tests.torture.conftest import LONG, drop_datagrams
from tests.torture.outcome import Outcome

pytestmark = pytest.mark.kernel
DROPS = 300
ROUNDS = 10 if LONG else 1
PAGE = 4096


class Batch(NamedTuple):
    """So many drops between two times."""

    since_ns: int
    until_ns: int


def _deleted(database: Path) -> None:
    database.unlink()


def _folder_deleted(database: Path) -> None:
    shutil.rmtree(database.parent)


def _moved_away(database: Path) -> None:
    database.rename(database.with_name("elsewhere.db"))


def _replaced(database: Path) -> None:
    copy = database.with_name("copy.db")
    shutil.copyfile(database, copy)
    copy.rename(database)


def _truncated(database: Path) -> None:
    with database.open("r+b") as file:
        file.truncate(0)


def _halved(database: Path) -> None:
    with database.open("r+b") as file:
        file.truncate(database.stat().st_size // 2 // PAGE * PAGE)


def _log_removed(database: Path) -> None:
    database.with_name(database.name + "-wal").unlink()


def _index_removed(database: Path) -> None:
    database.with_name(database.name + "-shm").unlink()


def _all_removed(database: Path) -> None:
    for path in database.parent.glob(database.name + "*"):
        path.unlink()


def _garbage(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(b"\xa5" * database.stat().st_size)


def _mounted_over(database: Path) -> None:
    command(f"mount -t tmpfs tmpfs {database.parent}")


FAULTS = (_deleted, _folder_deleted, _moved_away, _replaced, _truncated, _halved, _log_removed, _index_removed,
          _all_removed, _garbage, _mounted_over)
CHOSEN = FAULTS if LONG else (_folder_deleted, _log_removed, _garbage)  # others are of these kinds


@pytest.fixture
def apart(fresh_daemon: Recording) -> Iterator[Recording]:
    """A daemon whose history has a folder of its own."""
    folder = fresh_daemon.database.parent / "state"
    usual, fresh_daemon.database = str(fresh_daemon.database), folder / "history.db"
    fresh_daemon.command = [str(fresh_daemon.database) if word == usual else word for word in fresh_daemon.command]
    yield fresh_daemon
    fresh_daemon.end()
    while folder.is_mount():
        command(f"umount {folder}")


@pytest.mark.parametrize("fault", CHOSEN, ids=lambda function: function.__name__[1:])
def test_whatever_is_done_to_the_file(
    namespace: Namespace, apart: Recording, outcome: Callable[[str], Outcome], fault: Callable[[Path], None],
) -> None:
    """It goes on, in a new history where that is needed; nothing is counted twice, and nobody was not running."""
    told = outcome(f"the history's file: {fault.__name__[1:].replace('_', ' ')}")
    apart.start()
    for _ in range(ROUNDS):
        batches = [_drop(namespace)]
        wait_for(lambda batches=batches: _seen_ns(apart) >= batches[-1].until_ns, "it is written")  # type: ignore[misc]
        fault(apart.database)
        batches.append(_drop(namespace))
        told.recover(lambda batches=batches: wait_for(  # type: ignore[misc]
            lambda: _is_seen(apart, namespace, batches[-1].until_ns), "it is written again"))
        told.add(sum(_lost(apart, namespace, batch) for batch in batches))
    assert apart.stop() == 0
    assert apart.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert not apart.query("SELECT * FROM gaps WHERE cause = 'daemon down'")
    assert "Traceback" not in apart.log.read_text()
    assert told.lost == 0


def _drop(namespace: Namespace) -> Batch:
    since_ns = time.time_ns()
    namespace.run(lambda: drop_datagrams(DROPS))
    return Batch(since_ns, time.time_ns())


def _seen_ns(recording: Recording) -> int:
    with suppress(sqlite3.Error):
        return recording.seen_ns()
    return 0


def _is_seen(recording: Recording, namespace: Namespace, until_ns: int) -> bool:
    """Say whether the history has come to a time; more is dropped, for a daemon at rest writes every ten seconds."""
    assert recording.process.poll() is None, recording.log.read_text()
    namespace.run(lambda: drop_datagrams(1))
    return _seen_ns(recording) >= until_ns


def _lost(recording: Recording, namespace: Namespace, batch: Batch) -> int:
    """Return how many drops of a batch are neither on record nor within what the report says was not seen."""
    told = recording.report(batch.since_ns, "--until", at(batch.until_ns), "--netns", namespace.name,
                            "--reason", "NO_SOCKET")
    count = sum(row["count"] for row in told["drops"])
    assert count <= DROPS
    return 0 if told["coverage"]["status"] != "complete" else DROPS - count
