"""Rows that cannot be stored, and disks that stall in the midst of a batch: what can be is written, the rest told."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dropwatchd.history.write import connection
from dropwatchd.history.write.batch import Batch, Collected
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel import clock
from dropwatchd.model import NANO, Effect, Event, Gap, GapCause, Namespace, PacketSample, Record
from dropwatchd.pipeline import recorder as module
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.recorder import Recorder
from tests.dropwatchd.conftest import IDENTITY, KEY, at, drop, watch

TOO_MANY = 1 << 63  # more than SQLite's integers hold
BAD_TEXT = "\udcff"  # that no UTF-8 can say


class Watched(Writer):
    """Writes, and lets a test do something right before."""

    def __init__(self, database: Path) -> None:
        super().__init__(database, IDENTITY)
        self.batches: list[Batch] = []
        self.before: Callable[[], object] = lambda: None

    def write(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.before()
        super().write(batch)


@pytest.fixture
def buffer() -> Buffer:
    return Buffer()


@pytest.fixture
def writer(database: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(connection, "BUSY_MS", 50)  # a lock held by another shall be an error soon
    writer = Watched(database)
    writer.start(at(1))
    return writer


@pytest.fixture
def recorder(writer: Watched, buffer: Buffer) -> Recorder:
    return Recorder(writer, buffer, RetentionOptions())


def _rows(database: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(("bad", "told"), [
    (drop(9, 77, octets=TOO_MANY), ("partial", "drops", 77, "windows: ")),
    (Gap(1, 2, GapCause.NESTED, Effect.PARTIAL, TOO_MANY), ("partial", "drops", None, "gaps: ")),
    (PacketSample(KEY, 9, TOO_MANY, b""), ("detail", "packets", None, "packets: ")),
    (Event(9, BAD_TEXT, ""), ("detail", "counters", None, "events: ")),
    (Namespace(5, 6, BAD_TEXT, "netns"), ("detail", "counters", None, "nothing: ")),
], ids=lambda value: type(value).__name__)
def test_a_row_that_cannot_be_stored_stands_alone_in_the_ledger(
    database: Path, buffer: Buffer, recorder: Recorder, bad: Record, told: tuple[str, str, int | None, str],
) -> None:
    """All others are written, each once; the ledger has the row's sort, what it cost, and why."""
    buffer.add([*(drop(second, second) for second in range(1, 8)), Namespace(1, 9, "init", "initial"),
                Namespace(7, 8, "blue", "netns"), bad, Event(5, "link up", "eth0")], [watch(1, 10)])
    for collector in ("link", "snmp"):
        buffer.add_round(collector, Collected(1), watches=[])
    assert recorder.write()
    assert _rows(database, "SELECT count FROM drops ORDER BY 1") == [(count,) for count in range(1, 8)]
    assert _rows(database, "SELECT kind FROM events") == [("link up",)]
    assert _rows(database, "SELECT count(*) FROM watches") == [(1,)]
    assert _rows(database, "SELECT count(*) FROM collector_runs") == [(2,)]
    assert _rows(database, "SELECT DISTINCT name FROM namespaces ORDER BY 1") == [("blue",), ("init",)]
    ((effect, scope, lost, detail),) = _rows(database, "SELECT DISTINCT effect, scope, lost, detail FROM gaps")
    assert (effect, scope, lost) == told[:3]
    assert detail.startswith(told[3])


def test_what_vouches_for_a_batch_is_written_last(buffer: Buffer, writer: Watched, recorder: Recorder) -> None:
    """A batch in parts may end half-way: until then nothing says that all of it is on record."""
    buffer.add([*(drop(second) for second in range(1, 6)), Event(9, BAD_TEXT, "")], [watch(1, 10)])
    assert recorder.write()
    written = [batch for batch in writer.batches if len(batch) == 1]
    assert [bool(batch.watches) for batch in written] == [False] * (len(written) - 1) + [True]


def test_a_stall_in_the_midst_of_a_batch_in_parts_loses_none_of_them(
    database: Path, buffer: Buffer, writer: Watched, recorder: Recorder,
) -> None:
    """Those that were written are not written again, all others are, when the disk is back."""
    buffer.add([*(drop(second, second) for second in range(1, 8)), Event(9, BAD_TEXT, "")], [watch(1, 10)])
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        def hold() -> None:
            if _rows(database, "SELECT 1 FROM drops") and not holder.in_transaction:
                holder.execute("BEGIN IMMEDIATE")

        writer.before = hold
        assert not recorder.write()
        assert 0 < len(_rows(database, "SELECT 1 FROM drops")) < 7
        assert not _rows(database, "SELECT 1 FROM watches")
        writer.before = lambda: None
        holder.execute("ROLLBACK")
    assert recorder.write()
    assert _rows(database, "SELECT count FROM drops ORDER BY 1") == [(count,) for count in range(1, 8)]
    assert len(_rows(database, "SELECT 1 FROM watches")) == 1


def test_a_stall_is_told_from_its_first_failure_on(database: Path, buffer: Buffer, recorder: Recorder) -> None:
    """Until the first write that worked; meanwhile a person who asks is told."""
    buffer.add([drop(1, 3)])
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        before_ns = time.time_ns()
        assert not recorder.write()
        stalled_ns = time.time_ns()
        assert not recorder.write()
        assert "cannot be written" in recorder.trouble()
        holder.execute("ROLLBACK")
    assert recorder.write()
    assert recorder.trouble() == ""
    (gap,) = buffer.take().gaps
    assert before_ns <= gap.since_ns <= stalled_ns <= gap.until_ns
    assert gap.cause is GapCause.STORAGE_STALLED


def test_a_write_that_takes_long_is_a_stall(
    buffer: Buffer, writer: Watched, recorder: Recorder, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that hangs gives no error: while it does a person is told, and afterwards the ledger is."""
    monkeypatch.setattr(module, "_SLOW", 0.0)
    troubles: list[str] = []
    writer.before = lambda: troubles.append(recorder.trouble())
    buffer.add([drop(1, 3)])
    before_ns = time.time_ns()
    assert recorder.write()
    assert troubles == ["a write to the history takes 0 s so far"]
    assert recorder.trouble() == ""
    (gap,) = buffer.take().gaps
    assert before_ns <= gap.since_ns <= gap.until_ns
    assert (gap.cause, gap.lost) == (GapCause.STORAGE_STALLED, 0)


def test_a_quick_write_is_no_stall(buffer: Buffer, recorder: Recorder) -> None:
    """Nothing is told of a disk that does its work."""
    buffer.add([drop(1, 3)])
    assert recorder.write()
    assert not len(buffer.take())


def test_a_corrupt_file_is_no_fault_of_the_rows(database: Path, buffer: Buffer, recorder: Recorder) -> None:
    """They are kept whole until a person has brought the file back."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = database.read_bytes()
    database.write_bytes(content[:100] + bytes([0xA5]) * (len(content) - 100))
    buffer.add([drop(1, 3), Event(5, "link up", "eth0")])
    assert not recorder.write()
    batch = buffer.take()
    assert ([window.drop.count for window in batch.windows], len(batch.events), batch.gaps) == ([3], 1, [])


def test_a_fault_of_ours_is_no_stall(buffer: Buffer, writer: Watched, recorder: Recorder) -> None:
    """Where not even the ledger takes a row nothing can be recorded: that ends the thread."""
    def fail() -> None:
        raise LookupError("a fault of ours")

    writer.before = fail
    buffer.add([drop(1, 3), drop(2, 4)])
    with pytest.raises(LookupError):
        recorder.write()
    assert recorder.trouble() == ""
    batch = buffer.take()
    assert [window.drop.count for window in batch.windows] == [4]
    assert [gap.lost for gap in batch.gaps] == [3]


def test_what_is_left_to_tidy_is_tidied_step_by_step(database: Path, writer: Watched, recorder: Recorder) -> None:
    """Two days in which nothing was folded are made up for, and then nothing is done for a while."""
    now = clock.now()
    first = now.wall_ns // NANO - 10 * 86_400
    buffer = Buffer()
    buffer.add([drop(first + second) for second in range(0, 2 * 86_400, 2)], [watch(1, now.wall_ns / NANO)])
    writer.write(buffer.take())
    writer.start(now)
    recorder._tidy_at = 0
    steps = 0
    while time.monotonic() >= recorder._tidy_at:
        recorder._tidy()
        steps += 1
    assert 4 <= steps < 10
    (minutes, count, width_ns), = _rows(database, "SELECT count(*), sum(count), min(window_width_ns) FROM drops")
    assert (count, width_ns) == (86_400, 60 * NANO)
    assert 2880 <= minutes <= 2881
