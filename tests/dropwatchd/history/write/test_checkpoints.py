"""What was written of a source that goes on in the kernel without us, and what the next run makes of it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import NANO, Effect, Gap, GapCause, Mark, Window, Written
from tests.dropwatchd.conftest import at, drop, watch

NewWriter = Callable[..., Writer]
COUNTED = "crashed; drops were counted meanwhile, but when is not known"


def _rows(database: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def _batch(until: float, token: int = 7, prepare: Callable[[int], None] | None = None, what: str = "software") -> Batch:
    return Batch(windows=[Window(NANO, NANO, drop(1))], watches=[watch(1, until, what, "bpf")],
                 mark=Mark(token, prepare) if prepare else Mark(token))


def test_each_write_has_a_number_that_was_prepared(database: Path, new_writer: NewWriter) -> None:
    """It is prepared before the write is done, and again where that fails; the history has that of the last one."""
    prepared: list[int] = []
    writer = new_writer()
    writer.start(at(1))
    assert writer.written(7) is None
    writer.write(_batch(2, prepare=prepared.append))

    def fail(number: int) -> None:
        prepared.append(number)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writer.write(_batch(3, prepare=fail))
    assert writer.written(7) == Written(1, at(2))
    writer.write(_batch(4, prepare=prepared.append))
    assert prepared == [1, 2, 2]
    assert writer.written(7) == new_writer().written(7) == Written(2, at(4))
    assert _rows(database, "SELECT count FROM drops") == [(2,)]


def test_a_write_that_cannot_be_prepared_is_done(new_writer: NewWriter) -> None:
    """Counts come before who might go on from them: of that write nobody knows anything."""
    def refuse(_number: int) -> None:
        raise OSError

    writer = new_writer()
    writer.start(at(1))
    writer.write(_batch(2, prepare=refuse))
    writer.write(_batch(3))
    assert writer.written(7) == Written(2, at(3))


def test_of_another_program_nothing_is_known(new_writer: NewWriter) -> None:
    """One is marked at a time: what the one before had told is of no use any more."""
    writer = new_writer()
    writer.start(at(1))
    writer.write(_batch(2))
    writer.write(_batch(3, token=8))
    assert writer.written(7) is None
    assert writer.written(8) == Written(1, at(3))
    writer.write(Batch(watches=[watch(1, 9)]))
    assert writer.written(8) == Written(1, at(3))


def test_the_time_away_was_watched_where_it_was_counted(database: Path, new_writer: NewWriter) -> None:
    """The next run's watch begins where the last one's ended, and the ledger says what is not known."""
    first = new_writer()
    first.start(at(1))
    first.write(_batch(5))
    second = new_writer()
    (gap,) = second.start(at(9), resumed=at(5))
    assert gap == Gap(5 * NANO, 9 * NANO, GapCause.DAEMON_DOWN, Effect.DETAIL, 0, "software", COUNTED)
    assert not _rows(database, "SELECT 1 FROM gaps")  # before what was counted is there, too
    second.write(Batch(gaps=[gap], watches=[watch(5, 10, "software", "bpf"), watch(9, 10)]))
    assert _rows(database, "SELECT run_id, what, since_ns / 1000000000, until_ns / 1000000000 FROM watches"
                           " WHERE run_id = 2 ORDER BY what") == [(2, "daemon", 9, 10), (2, "software", 5, 10)]


def test_hardware_was_not_watched_meanwhile(new_writer: NewWriter) -> None:
    """Where the last run saw its drops, these were missed."""
    first = new_writer()
    first.start(at(1))
    first.write(Batch(watches=[watch(1, 5, "software", "bpf"), watch(1, 5, "hardware", "net_dm")], mark=Mark(7)))
    software, hardware = new_writer().start(at(9), resumed=at(5))
    assert (software.scope, software.effect) == ("software", Effect.DETAIL)
    assert hardware == replace(software, scope="hardware", effect=Effect.BLIND, lost=None, detail="crashed")


def test_a_run_that_left_nothing_is_not_the_last_one(database: Path, new_writer: NewWriter) -> None:
    """One that was killed before it could write of the time before it: the next one tells of all of that."""
    first = new_writer()
    first.start(at(1))
    first.write(_batch(5))
    new_writer().start(at(7), resumed=at(5))
    (gap,) = new_writer().start(at(9))
    assert gap == Gap(5 * NANO, 9 * NANO, GapCause.DAEMON_DOWN, Effect.BLIND, None, "drops", "crashed")
    (gap,) = new_writer().start(at(12))
    assert (gap.since_ns, gap.until_ns) == (9 * NANO, 12 * NANO)
    assert _rows(database, "SELECT ending FROM runs") == [("crashed",)] * 3 + [(None,)]


def test_what_a_crash_took_unwritten_is_in_the_gap(new_writer: NewWriter) -> None:
    """Drops are written at other moments than counters: that these were read later says nothing of those."""
    first = new_writer()
    first.start(at(1))
    first.write(Batch(watches=[watch(1, 5), watch(1, 5, "software", "bpf"), watch(1, 6, "counters", "snmp", 1)]))
    (gap,) = new_writer().start(at(9))
    assert (gap.since_ns, gap.until_ns) == (5 * NANO, 9 * NANO)
