"""The writer: whole batches, runs with their gaps, and a ledger that does not grow without bound."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dropwatchd.history.write import connection, dimensions
from dropwatchd.history.write.batch import Batch, Collected
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import (
    NANO,
    CounterChange,
    CounterKey,
    Device,
    DropKey,
    Effect,
    Event,
    Gap,
    GapCause,
    Instant,
    Interface,
    Location,
    Namespace,
    PacketSample,
    Reading,
    Stack,
    Window,
)
from tests.dropwatchd.conftest import IDENTITY, KEY, at, drop, watch

NewWriter = Callable[..., Writer]


def _rows(database: Path, query: str) -> list[Any]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def _window(second: int, count: int, octets: int | None = 100) -> Window:
    return Window(second * NANO, NANO, drop(second, count, octets=octets))


def test_a_batch_is_written_whole(database: Path, new_writer: NewWriter) -> None:
    """Everything of a batch can be read back through the views."""
    writer = new_writer()
    writer.start(at(1))
    counter = CounterKey("link", "rx_dropped", 1, 2, "eth0", (("queue", "0"),))
    writer.write(
        Batch(
            windows=[_window(5, 3)],
            packets=[PacketSample(KEY, 5 * NANO, 60, b"abc", 2, False, {"cookie": "1"})],
            gaps=[Gap(1, 2, GapCause.NESTED, Effect.PARTIAL, 1)],
            events=[Event(7 * NANO, "link up", "eth0", "carrier", 1, 2)],
            starts=[(NANO, Reading(counter, (1 << 64) - 1))],
            changes=[CounterChange(counter, NANO, 2 * NANO, 4, 5)],
            collected={"link": Collected(2, 1, 30)},
            namespaces={1: Namespace(1, 9, "init", "initial", 1)},
            watches=[watch(1, 2, "counters", "link", 1), watch(1, 9)],
        )
    )
    writer.write(Batch(watches=[watch(1, 3, "counters", "link", 1)], collected={"link": Collected(1, 0, 5)}))
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
    assert _rows(database, "SELECT rounds, failures, busy_ns FROM collector_runs") == [(3, 1, 35)]
    assert _rows(database, "SELECT what, name, netns, since_ns, until_ns FROM v_watches"
                           " ORDER BY what") == [
        ("counters", "link", "init", NANO, 3 * NANO), ("daemon", "", None, NANO, 9 * NANO)]


def test_a_window_that_comes_in_parts_is_one_row(database: Path, new_writer: NewWriter) -> None:
    """Counts add; the unknown number of bytes of a part makes the sum unknown."""
    writer = new_writer()
    writer.start(at(1))
    writer.write(Batch(windows=[_window(5, 3)]))
    writer.write(Batch(windows=[_window(5, 4)]))
    assert _rows(database, "SELECT count, bytes FROM drops") == [(7, 200)]
    writer.write(Batch(windows=[_window(5, 1, octets=None)]))
    assert _rows(database, "SELECT count, bytes FROM drops") == [(8, None)]


def test_unknown_parts_of_a_key_are_one_row(database: Path, new_writer: NewWriter) -> None:
    """NULL is a value like any other: no second row for the same unknown place."""
    key = KEY._replace(location=Location(None, address=0xFFFFFFFF81000000), interface=Interface())
    for identity in (IDENTITY, IDENTITY):
        writer = new_writer(identity)
        writer.start(at(1))
        writer.write(Batch(windows=[Window(NANO, NANO, drop(1, key=key))]))
        writer.finish(at(2), "stopped")
    assert _rows(database, "SELECT symbol, address FROM locations") == [(None, "0xffffffff81000000")]
    assert _rows(database, "SELECT count(*) FROM interfaces") == [(1,)]


def test_an_unknown_place_is_no_unknown_device(database: Path, new_writer: NewWriter) -> None:
    """Named tuples of nothing are equal to each other, their ids are not."""
    writer = new_writer()
    writer.start(at(1))
    nothing = KEY._replace(location=Location(None), interface=Interface())
    writer.write(Batch(windows=[_window(1, 1), Window(NANO, NANO, drop(1, key=nothing))]))
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
    assert first.start(at(1)) == []
    first.write(Batch(watches=[watch(1, 5)]))
    if ended:
        first.finish(at(5), "stopped")
    (gap,) = new_writer(replace(IDENTITY, boot_id=boot)).start(at(9))
    assert gap == Gap(5 * NANO, 9 * NANO, GapCause.DAEMON_DOWN, Effect.BLIND, None, "drops", detail)
    assert _rows(database, "SELECT seconds, cause, detail FROM v_gaps") == [(4.0, "daemon down", detail)]
    assert _rows(database, "SELECT ended_ns, ending FROM runs WHERE id = 1") == [
        (5 * NANO, "stopped" if ended else "crashed")
    ]


def test_another_hosts_run_leaves_no_gap(new_writer: NewWriter) -> None:
    """Histories of many hosts may be in one database: a gap is between runs of one machine."""
    first = new_writer()
    first.start(at(1))
    first.finish(at(2), "stopped")
    assert new_writer(Identity("other", "machine-2", "boot-2", "6.1")).start(at(9)) == []


@pytest.mark.parametrize(("wall", "told"), [
    (9 + 3600, [("clock step", 5, 3605), ("daemon down", 3605, 3609)]),  # what never was is not time that was missed
    (2, [("clock step", -2, 5), ("daemon down", -2, 2)]),                # set back: four seconds by the other clock
])
def test_downtime_is_told_by_the_clock_that_nobody_sets(
    database: Path, new_writer: NewWriter, wall: int, told: list[tuple[str, int, int]],
) -> None:
    """Within one boot a wall clock that was set while the daemon was down makes the gap no longer and no shorter."""
    first = new_writer()
    first.start(at(1))
    first.write(Batch(watches=[watch(1, 5)]))
    new_writer().start(Instant(wall * NANO, 9 * NANO))
    assert _rows(database, "SELECT cause, since_ns / 1000000000, until_ns / 1000000000 FROM gaps ORDER BY id") == told


@pytest.mark.parametrize("ahead", [True, False])
def test_a_clock_that_was_ahead_claims_no_dead_time(new_writer: NewWriter, ahead: bool) -> None:
    """Another boot has another clock: where the last time on record is yet to come, it comes once more."""
    first = new_writer()
    first.start(at(1))
    first.write(Batch(watches=[watch(1, 500 if ahead else 5)]))
    *steps, gap = new_writer(replace(IDENTITY, boot_id="another")).start(Instant(9 * NANO, 2 * NANO))
    assert (gap.since_ns, gap.until_ns) == ((9 if ahead else 5) * NANO, 9 * NANO)
    assert [(step.since_ns, step.until_ns, step.detail) for step in steps] == (
        [(9 * NANO, 500 * NANO, "-491.000 s at least")] if ahead else [])


def test_runs_are_told_apart_by_their_order_not_by_the_clock(database: Path, new_writer: NewWriter) -> None:
    """A clock that was set back must not make an older run the last one: the host was not started anew."""
    for started, boot in ((1000, "older"), (50, "boot"), (60, "boot")):
        writer = new_writer(replace(IDENTITY, boot_id=boot))
        writer.start(Instant(started * NANO, started * NANO))
        writer.write(Batch(watches=[watch(started, started + 5)]))
        writer.finish(at(started + 5), "stopped")
    assert _rows(database, "SELECT detail FROM gaps WHERE cause = 'daemon down' ORDER BY id") == [
        ("stopped, and the host was started anew",), ("stopped",)]


def test_a_name_is_a_row_of_its_namespace(database: Path, new_writer: NewWriter) -> None:
    """Names come and go, an inode is used again: the cookie says which namespace it was."""
    def key(number: int, name: str | None) -> DropKey:
        return KEY._replace(interface=Interface(number, 1, "lo", name, 77, name and "netns"))

    writer = new_writer()
    writer.start(at(1))
    windows = [Window(NANO, NANO, drop(1, 1, key=key(*one))) for one in ((5, "blue"), (5, "red"), (5, None), (6, None))]
    writer.write(Batch(windows=windows))
    assert _rows(database, "SELECT netns, count FROM v_drops ORDER BY netns") == [
        ("blue", 1), ("net:[77]", 1), ("net:[77]", 1), ("red", 1)]
    rows = _rows(database, "SELECT cookie, inode, name, entity FROM namespaces ORDER BY id")
    assert [row[:3] for row in rows] == [(5, 77, "blue"), (5, 77, "red"), (5, 77, None), (6, 77, None)]
    assert [row[3] for row in rows] == [1, 1, 1, 4]


def test_the_initial_namespace_is_the_same_in_every_boot(database: Path, new_writer: NewWriter) -> None:
    """Its drops of a week with three boots are those of one place."""
    for boot in ("one", "two"):
        writer = new_writer(replace(IDENTITY, boot_id=boot))
        writer.start(at(1))
        here = KEY._replace(interface=Interface(3, 1, "lo", "init", 4026531840, "initial"))
        writer.write(Batch(windows=[Window(NANO, NANO, drop(1, 1, key=here))]))
    assert _rows(database, "SELECT DISTINCT entity FROM namespaces") == [(1,)]


def test_a_container_is_named_though_it_be_known_later(database: Path, new_writer: NewWriter) -> None:
    """What was dropped before anybody had looked was dropped in it, too; a file's name holds from when it came."""
    writer = new_writer()
    writer.start(at(1))
    for cookie, inode, name, kind in ((7, 9, "docker:web", "container"), (8, 10, "blue", "netns")):
        here = KEY._replace(interface=Interface(cookie, 1, "lo", None, inode, None))
        writer.write(Batch(windows=[Window(NANO, NANO, drop(1, 1, key=here))]))
        writer.write(Batch(namespaces={cookie: Namespace(cookie, inode, name, kind, cookie)}))
        writer.write(Batch(windows=[Window(2 * NANO, NANO, drop(2, 4, key=here))]))
    assert _rows(database, "SELECT netns, sum(count) FROM v_drops GROUP BY 1 ORDER BY 1") == [
        ("docker:web", 5), ("net:[10]", 5)]


def test_devices_say_what_they_are(database: Path, new_writer: NewWriter) -> None:
    """The row that drops refer to has the kind, the driver and the peer of the device."""
    writer = new_writer()
    writer.start(at(1))
    writer.write(Batch(windows=[_window(5, 3)], namespaces={1: Namespace(1, 9, "init", None)},
                       devices=[Device(NANO, 1, 2, "eth0", "veth", None, "eth1")]))
    assert _rows(database, "SELECT name, kind, driver, peer FROM interfaces") == [("eth0", "veth", None, "eth1")]


def test_a_merged_gap_never_shrinks(database: Path, new_writer: NewWriter) -> None:
    """One that begins within the last and ends before it leaves its end where it is."""
    writer = new_writer()
    writer.start(at(1))
    gap = Gap(10, 100, GapCause.KERNEL_QUEUE, Effect.PARTIAL, 3)
    writer.write(Batch(gaps=[gap, replace(gap, since_ns=20, until_ns=30, lost=4)]))
    writer.write(Batch(gaps=[replace(gap, since_ns=5, until_ns=6, lost=1)]))  # before it: a row of its own
    assert _rows(database, "SELECT since_ns, until_ns, lost FROM gaps ORDER BY id") == [(10, 100, 7), (5, 6, 1)]


@pytest.mark.parametrize("delta", [-(1 << 64) + 1, 1 << 70, -5])
def test_numbers_of_any_size_can_be_stored(database: Path, new_writer: NewWriter, delta: int) -> None:
    """A gauge that falls by 2^64 - 1 is no reason to stop."""
    writer = new_writer()
    writer.start(at(1))
    counter = CounterKey("snmp", "Gauge")
    writer.write(Batch(changes=[CounterChange(counter, NANO, 2 * NANO, delta, 0, gauge=True)]))
    assert _rows(database, "SELECT delta FROM counter_changes") == [((delta + (1 << 63)) % (1 << 64) - (1 << 63),)]


def test_gaps_that_touch_are_one_row(database: Path, new_writer: NewWriter) -> None:
    """A gap that goes on makes its row longer; one elsewhere, or with an unknown number, is another."""
    writer = new_writer()
    writer.start(at(1))
    gap = Gap(10, 20, GapCause.KERNEL_QUEUE, Effect.PARTIAL, 3)
    writer.write(Batch(gaps=[gap, replace(gap, since_ns=20, until_ns=30, lost=4)]))
    writer.write(Batch(gaps=[replace(gap, since_ns=30, until_ns=40, lost=5)]))
    writer.write(
        Batch(gaps=[replace(gap, since_ns=41, until_ns=50), replace(gap, since_ns=50, until_ns=60, lost=None)])
    )
    assert _rows(database, "SELECT since_ns, until_ns, lost FROM gaps ORDER BY id") == [
        (10, 40, 12),
        (41, 50, 3),
        (50, 60, None),
    ]


def test_a_batch_that_fails_changes_nothing(
    database: Path, new_writer: NewWriter, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While another process holds the database nothing is written, and later everything is, once."""
    monkeypatch.setattr(connection, "BUSY_MS", 50)  # a lock held by another shall be an error soon
    writer = new_writer()
    writer.start(at(1))
    batch = Batch(windows=[_window(5, 3)], gaps=[Gap(1, 2, GapCause.NESTED, Effect.PARTIAL, 1)])
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("PRAGMA wal_checkpoint")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.write(batch)
    holder.execute("ROLLBACK")
    holder.close()
    writer.write(batch)
    assert _rows(database, "SELECT count FROM drops") == [(3,)]
    assert _rows(database, "SELECT lost FROM gaps") == [(1,)]


def test_a_call_stack_is_written_once(database: Path, new_writer: NewWriter) -> None:
    """Two places that were come to alike share it; the first of a place and reason stays."""
    writer = new_writer()
    writer.start(at(1))
    frames = (Location("f", 0x1F), Location("g", 2, "mod"), Location(None, address=1 << 63))
    for place, reason, way in (("f", None, frames), ("f", "NO_SOCKET", frames), ("h", None, frames[1:]),
                               ("h", None, frames)):
        writer.write(Batch(stacks=[Stack(Location(place, 1), reason, way, NANO)]))
    assert _rows(database, "SELECT frames FROM stacks ORDER BY id") == [
        ("f+0x1f\ng+0x2 [mod]\n0x8000000000000000",), ("g+0x2 [mod]\n0x8000000000000000",)]
    assert _rows(database, """SELECT symbol, reason, stack_id FROM first_stacks JOIN locations l ON l.id = location_id
                              ORDER BY symbol, reason""") == [("f", "", 1), ("f", "NO_SOCKET", 1), ("h", "", 2)]


@pytest.mark.parametrize("table", dimensions._FIND)
def test_a_row_is_looked_up_by_all_columns_of_its_key(database: Path, table: str) -> None:
    """In the words of the index: by any others, or fewer, a table of 200,000 counters is read for each new one."""
    names = re.findall(r":(\w+)", dimensions._FIND[table])
    with closing(sqlite3.connect(database)) as connection:
        (*_where, plan), = connection.execute(f"EXPLAIN QUERY PLAN {dimensions._FIND[table]}", dict.fromkeys(names))
        columns = connection.execute(f"SELECT count(*) FROM pragma_index_info('{table}_key')").fetchone()[0]  # noqa: S608
    assert f"INDEX {table}_key (" in plan
    assert plan.count("=?") == columns == len(names)


def test_what_drops_refer_to_is_on_record_as_seen_each_hour(database: Path, new_writer: NewWriter) -> None:
    """A place and a reason that go on for days are not forgotten; a device is valid until its last drop."""
    writer = new_writer()
    writer.start(at(1))
    hour = 3600
    for second in (2 * hour, 2 * hour + 1, 3 * hour + 2, 3 * hour + 3):
        writer.write(Batch(windows=[_window(second, 1)]))
    told = _rows(database, "SELECT (SELECT seen_ns FROM locations), (SELECT seen_ns FROM kinds), valid_until_ns"
                           " FROM interfaces")
    assert told == [tuple(second * NANO + 9 for second in (3 * hour + 2, 3 * hour + 2, 3 * hour + 3))]
