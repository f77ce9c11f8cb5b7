"""The writer: whole batches, runs with their gaps, and a ledger that does not grow without bound."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from dropwatchd.history.batch import Batch, Round
from dropwatchd.history.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import (
    NANO,
    CounterChange,
    CounterKey,
    Effect,
    Event,
    Gap,
    GapCause,
    Interface,
    Location,
    PacketSample,
    Reading,
    Window,
)
from tests.dropwatchd.conftest import IDENTITY, KEY, drop

NewWriter = Callable[..., Writer]


def _rows(database: Path, query: str) -> list[Any]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def _window(second: int, count: int, octets: int | None = 100) -> Window:
    return Window(second * NANO, NANO, drop(second, count, octets=octets))


def test_a_batch_is_written_whole(database: Path, new_writer: NewWriter) -> None:
    """Everything of a batch can be read back through the views."""
    writer = new_writer()
    writer.start(NANO)
    counter = CounterKey("link", "rx_dropped", 1, 2, "eth0", (("queue", "0"),))
    writer.write(
        Batch(
            9 * NANO,
            windows=[_window(5, 3)],
            packets=[PacketSample(KEY, 5 * NANO, 60, b"abc", 2, False, {"cookie": "1"})],
            gaps=[Gap(1, 2, GapCause.NESTED, Effect.PARTIAL, 1)],
            events=[Event(7 * NANO, "link up", "eth0", "carrier", 1, 2)],
            starts=[(NANO, Reading(counter, (1 << 64) - 1))],
            changes=[CounterChange(counter, NANO, 2 * NANO, 4, 5)],
            rounds=[Round("link", NANO, 10), Round("link", 2 * NANO, 20, failed=True)],
            visits={7: (NANO, 2 * NANO)},
        )
    )
    writer.write(Batch(9 * NANO, visits={7: (3 * NANO, 3 * NANO)}))
    assert _rows(
        database, "SELECT window_start, count, bytes, reason, location, interface, netns, protocol FROM v_drops"
    ) == [
        ("1970-01-01T00:00:05.000Z", 3, 100, "SOCKET_RCVBUFF", "udp_queue_rcv_one_skb+0x12", "eth0", "init", "0x0800")
    ]
    assert _rows(database, "SELECT data, weight, link_header, details FROM packets") == [
        (b"abc", 2, 0, '{"cookie": "1"}')
    ]
    assert _rows(database, "SELECT cause, effect, lost FROM v_gaps") == [("drop inside a drop", "partial", 1)]
    assert _rows(database, "SELECT kind, subject, detail FROM v_events") == [("link up", "eth0", "carrier")]
    assert _rows(database, "SELECT collector, name, delta, labels FROM v_counters") == [
        ("link", "rx_dropped", 4, '{"queue": "0"}')
    ]
    assert _rows(database, "SELECT value FROM counter_starts") == [(-1,)]  # 2^64 - 1 in SQLite's signed 64 bits
    assert _rows(database, "SELECT rounds, failures, busy_ns FROM collector_runs") == [(2, 1, 30)]
    assert _rows(database, "SELECT netns, first_ns, last_ns FROM namespace_runs") == [(7, NANO, 3 * NANO)]
    assert _rows(database, "SELECT last_seen_ns FROM runs") == [(9 * NANO,)]


def test_a_window_that_comes_in_parts_is_one_row(database: Path, new_writer: NewWriter) -> None:
    """Counts add; the unknown number of bytes of a part makes the sum unknown."""
    writer = new_writer()
    writer.start(NANO)
    writer.write(Batch(1, windows=[_window(5, 3)]))
    writer.write(Batch(2, windows=[_window(5, 4)]))
    assert _rows(database, "SELECT count, bytes FROM drops") == [(7, 200)]
    writer.write(Batch(3, windows=[_window(5, 1, octets=None)]))
    assert _rows(database, "SELECT count, bytes FROM drops") == [(8, None)]


def test_unknown_parts_of_a_key_are_one_row(database: Path, new_writer: NewWriter) -> None:
    """NULL is a value like any other: no second row for the same unknown place."""
    key = KEY._replace(location=Location(None, address=0xFFFFFFFF81000000), interface=Interface())
    for identity in (IDENTITY, IDENTITY):
        writer = new_writer(identity)
        writer.start(NANO)
        writer.write(Batch(1, windows=[Window(NANO, NANO, drop(1, key=key))]))
        writer.finish(2 * NANO, "stopped")
    assert _rows(database, "SELECT symbol, address FROM locations") == [(None, "0xffffffff81000000")]
    assert _rows(database, "SELECT count(*) FROM interfaces") == [(1,)]


def test_an_unknown_place_is_no_unknown_device(database: Path, new_writer: NewWriter) -> None:
    """Named tuples of nothing are equal to each other, their ids are not."""
    writer = new_writer()
    writer.start(NANO)
    nothing = KEY._replace(location=Location(None), interface=Interface())
    writer.write(Batch(1, windows=[_window(1, 1), Window(NANO, NANO, drop(1, key=nothing))]))
    assert _rows(database, "SELECT location, interface, count FROM v_drops ORDER BY interface") == [
        (None, None, 1),
        ("udp_queue_rcv_one_skb+0x12", "eth0", 1),
    ]


@pytest.mark.parametrize(
    ("ended", "boot", "detail"),
    [
        (True, "boot", "stopped"),
        (False, "boot", "crashed"),
        (False, "another", "crashed, and the host was started anew"),
    ],
)
def test_the_next_start_writes_the_gap(
    database: Path,
    new_writer: NewWriter,
    ended: bool,
    boot: str,
    detail: str,
) -> None:
    """From the last that was seen to the start, however the run before ended."""
    first = new_writer()
    assert first.start(NANO) is None
    first.write(Batch(5 * NANO))
    if ended:
        first.finish(5 * NANO, "stopped")
    gap = new_writer(replace(IDENTITY, boot_id=boot)).start(9 * NANO)
    assert gap == Gap(5 * NANO, 9 * NANO, GapCause.DAEMON_DOWN, Effect.BLIND, None, "drops", detail)
    assert _rows(database, "SELECT seconds, cause, detail FROM v_gaps") == [(4.0, "daemon down", detail)]
    assert _rows(database, "SELECT ended_ns, ending FROM runs WHERE id = 1") == [
        (5 * NANO, "stopped" if ended else "crashed")
    ]


def test_another_hosts_run_leaves_no_gap(new_writer: NewWriter) -> None:
    """Histories of many hosts may be in one database: a gap is between runs of one machine."""
    first = new_writer()
    first.start(NANO)
    first.finish(2 * NANO, "stopped")
    assert new_writer(Identity("other", "machine-2", "boot-2", "6.1")).start(9 * NANO) is None


def test_gaps_that_touch_are_one_row(database: Path, new_writer: NewWriter) -> None:
    """A gap that goes on makes its row longer; one elsewhere, or with an unknown number, is another."""
    writer = new_writer()
    writer.start(NANO)
    gap = Gap(10, 20, GapCause.KERNEL_QUEUE, Effect.PARTIAL, 3)
    writer.write(Batch(1, gaps=[gap, replace(gap, since_ns=20, until_ns=30, lost=4)]))
    writer.write(Batch(2, gaps=[replace(gap, since_ns=30, until_ns=40, lost=5)]))
    writer.write(
        Batch(3, gaps=[replace(gap, since_ns=41, until_ns=50), replace(gap, since_ns=50, until_ns=60, lost=None)])
    )
    assert _rows(database, "SELECT since_ns, until_ns, lost FROM gaps ORDER BY id") == [
        (10, 40, 12),
        (41, 50, 3),
        (50, 60, None),
    ]


def test_a_batch_that_fails_changes_nothing(database: Path, new_writer: NewWriter) -> None:
    """While another process holds the database nothing is written, and later everything is, once."""
    writer = new_writer()
    writer.start(NANO)
    batch = Batch(9 * NANO, windows=[_window(5, 3)], gaps=[Gap(1, 2, GapCause.NESTED, Effect.PARTIAL, 1)])
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("PRAGMA wal_checkpoint")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        writer.write(batch)
    holder.execute("ROLLBACK")
    holder.close()
    writer.write(batch)
    assert _rows(database, "SELECT count FROM drops") == [(3,)]
    assert _rows(database, "SELECT lost FROM gaps") == [(1,)]
