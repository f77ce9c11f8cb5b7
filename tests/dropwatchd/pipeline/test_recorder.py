"""The writing thread: everything is written once, also after a time in which the disk would not take it."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event as Event_

import pytest

from dropwatchd.history.write import connection as opening
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.history import History
from dropwatchd.history.write.lock import Lock
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.kernel import clock
from dropwatchd.model import Event, Mark
from dropwatchd.pipeline import recorder as module
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.recorder import Recorder
from tests.dropwatchd.conftest import IDENTITY, KEY, drop, watch

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
def recorder(database: Path, buffer: Buffer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    monkeypatch.setattr(opening, "BUSY_MS", 50)  # a lock held by another shall be an error soon
    with Lock(database) as lock:
        history = History(lock, IDENTITY)
        history.start(clock.now())
        thread = Recorder(history, buffer, RetentionOptions())
        thread.start()
        yield thread
        buffer.close()
        thread.join(DEADLINE)
        history.close()


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


def test_a_row_that_cannot_be_stored_is_set_aside(
    database: Path, buffer: Buffer, recorder: Recorder, caplog: pytest.LogCaptureFixture,
) -> None:
    """The others are written, each once, and the ledger says what is missing; the writer lives on."""
    odd = KEY._replace(kind=KEY.kind._replace(reason="odd \udcff"))
    buffer.add([drop(1, 3), drop(2, 4, key=odd), drop(3, 5), Event(1, "link up", "bad\udcff")])
    marked: list[int] = []
    buffer.add([], [watch(1, 9)], Mark(7, marked.append))
    _wait(lambda: _counts(database) == [(3,), (5,)])
    buffer.add([drop(4, 6)])
    _wait(lambda: _counts(database) == [(3,), (5,), (6,)])
    buffer.close()
    recorder.join(DEADLINE)
    assert recorder.wrote_all
    assert "cannot be stored" in caplog.text
    with closing(sqlite3.connect(database)) as connection:
        gaps = connection.execute("SELECT effect, lost, detail FROM gaps WHERE cause = 'a row could not be stored'"
                                  " ORDER BY effect").fetchall()
        assert connection.execute("SELECT max(number) FROM checkpoints").fetchall() == [(marked[-1],)]
    assert len(marked) == 1 < marked[0]  # whoever is killed among the parts leaves nothing to go on from
    assert [gap[:2] for gap in gaps] == [("detail", None), ("partial", 4)]
    assert all("codec can't encode" in gap[2] for gap in gaps)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_ends_the_thread(
    buffer: Buffer, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever looks after the threads sees it; what was taken is back in the buffer."""
    monkeypatch.setattr(recorder, "_write_last", lambda _left: 1 / 0)
    buffer.add([drop(1, 3)])
    recorder.join(DEADLINE)
    assert not recorder.is_alive()
    assert not recorder.wrote_all
    assert "ZeroDivisionError" in caplog.text
    assert [window.drop.count for window in buffer.take().windows] == [3]


def test_a_write_that_hangs_is_told(
    database: Path, buffer: Buffer, recorder: Recorder, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A disk that stalls gives no error: the loop asks, the log says so once, and the ledger when it is over."""
    monkeypatch.setattr(opening, "BUSY_MS", 10_000)
    monkeypatch.setattr(module, "_SLOW", 0.1)
    held, entered = Event_(), Event_()

    def hang(left: list[Batch], write: Callable[[list[Batch]], None] = recorder._write_last) -> None:
        entered.set()
        held.wait(DEADLINE)
        write(left)

    monkeypatch.setattr(recorder, "_write_last", hang)
    assert recorder.trouble() == ""
    buffer.add([drop(1, 3)])
    assert entered.wait(DEADLINE)
    _wait(recorder.trouble)
    assert re.search(r"a write to the history takes \d+ s so far", recorder.trouble())
    assert caplog.text.count("a write to the history takes") == 1
    held.set()
    _wait(lambda: _counts(database) == [(3,)])
    buffer.close()
    recorder.join(DEADLINE)
    assert recorder.trouble() == ""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT cause FROM gaps").fetchall() == [("storage stalled",)]
