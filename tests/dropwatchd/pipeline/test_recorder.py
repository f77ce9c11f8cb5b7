"""The writing thread: everything is written once, also after a time in which the disk would not take it."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.history import open as opening
from dropwatchd.history.options import RetentionOptions
from dropwatchd.history.writer import Writer
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.recorder import Recorder
from tests.dropwatchd.conftest import at, drop

DEADLINE = 20


def _counts(database: Path) -> list[tuple[int]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT count FROM drops ORDER BY window_start_ns").fetchall()


def _wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.01)


@pytest.fixture
def buffer() -> Buffer:
    return Buffer()


@pytest.fixture
def recorder(
    new_writer: Callable[..., Writer], buffer: Buffer, monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Recorder]:
    monkeypatch.setattr(opening, "_BUSY_MS", 50)  # a lock held by another shall be an error soon
    writer = new_writer()
    writer.start(at(1))
    thread = Recorder(writer, buffer, RetentionOptions())
    thread.start()
    yield thread
    buffer.close()
    thread.join(DEADLINE)


def test_what_is_pending_at_the_end_is_written(database: Path, buffer: Buffer, recorder: Recorder) -> None:
    """Closing does not wait for the second to end, and leaves nothing behind."""
    buffer.add([drop(1, 3)])
    buffer.close()
    recorder.join(DEADLINE)
    assert recorder.wrote_all
    assert _counts(database) == [(3,)]


def test_news_are_written_without_being_asked(database: Path, buffer: Buffer, recorder: Recorder) -> None:
    """A second after the first news, at the latest, they are in the history."""
    buffer.add([drop(1, 3)])
    _wait(lambda: _counts(database) == [(3,)])
    assert recorder.is_alive()


def test_a_stalled_disk_costs_no_count(
    database: Path, buffer: Buffer, recorder: Recorder, caplog: pytest.LogCaptureFixture,
) -> None:
    """While nothing can be written counts merge in memory; then they are written once, and the ledger tells of it."""
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    buffer.add([drop(1, 3), drop(2, 4)])
    _wait(lambda: "cannot be written" in caplog.text)
    buffer.add([drop(1, 5)])
    holder.execute("ROLLBACK")
    holder.close()
    _wait(lambda: _counts(database) == [(8,), (4,)])
    buffer.close()
    recorder.join(DEADLINE)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT cause, effect, scope, lost FROM gaps").fetchall() \
            == [("storage stalled", "detail", "packets", 0)]
    assert caplog.text.count("cannot be written") == 1
