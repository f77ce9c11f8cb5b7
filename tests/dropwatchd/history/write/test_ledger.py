"""Rows that come in parts, in any order, or after a batch that failed: each is there once, and as far as it went."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropwatchd.history.write.batch import Batch, Collected
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import (
    NANO,
    CounterChange,
    CounterKey,
    Drop,
    DropKey,
    Effect,
    Event,
    Gap,
    GapCause,
    Instant,
    Interface,
    Kind,
    Location,
    Namespace,
    Window,
)
from tests.dropwatchd.conftest import IDENTITY, KEY, at, drop, watch

NewWriter = Callable[..., Writer]
GAP = Gap(10, 20, GapCause.KERNEL_QUEUE, Effect.PARTIAL, 3)


def _rows(database: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def writer(new_writer: NewWriter) -> Writer:
    writer = new_writer()
    writer.start(at(1))
    return writer


def test_what_a_failed_batch_had_begun_is_begun_anew(database: Path, writer: Writer) -> None:
    """Nothing of it is in the history, so that nothing that comes later may rest on it."""
    key = KEY._replace(location=Location("another"), interface=Interface(7, 1, "lo", "blue", 77, "netns"))
    batch = Batch(windows=[Window(NANO, NANO, drop(1, 4, key=key))], gaps=[GAP], watches=[watch(1, 2, name="\udcff")])
    with pytest.raises(UnicodeEncodeError):
        writer.write(batch)
    assert _rows(database, "SELECT (SELECT count(*) FROM gaps) + (SELECT count(*) FROM locations)") == [(0,)]
    batch.watches.clear()
    batch.gaps.insert(0, replace(GAP, lost=None))
    writer.write(batch)
    assert _rows(database, "SELECT since_ns, until_ns, lost FROM gaps") == [(10, 20, None), (10, 20, 3)]
    assert _rows(database, "SELECT count, location, netns FROM v_drops") == [(4, "another", "blue")]


@pytest.mark.parametrize(("effect", "rows"), [(Effect.DETAIL, 1), (Effect.PARTIAL, 2), (Effect.BLIND, 2)])
def test_time_between_two_gaps_is_left_out_where_it_was_seen(
    database: Path, writer: Writer, effect: Effect, rows: int,
) -> None:
    """Details that are missing every second are one row; what was not seen begins and ends where it does."""
    first = replace(GAP, effect=effect, until_ns=5 * NANO)
    writer.write(Batch(gaps=[first, replace(first, since_ns=6 * NANO, until_ns=7 * NANO)]))
    assert _rows(database, "SELECT count(*), sum(lost), max(until_ns) FROM gaps") == [(rows, 6, 7 * NANO)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 9)), min_size=1, max_size=8))
def test_gaps_in_any_order_cover_what_they_covered(
    database: Path, writer: Writer, spans: list[tuple[int, int, int]],
) -> None:
    """Not a moment more or less, with all that was lost."""
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM gaps")
    writer._open_gaps.clear()
    for since, length, lost in spans:
        writer.write(Batch(gaps=[replace(GAP, since_ns=since, until_ns=since + length, lost=lost)]))
    rows = _rows(database, "SELECT since_ns, until_ns, lost FROM gaps")
    assert sum(lost for _since, _until, lost in rows) == sum(lost for _since, _length, lost in spans)
    for moment in (number + 0.5 for number in range(101)):
        assert any(since < moment < until for since, until, _lost in rows) \
            == any(since < moment < since + length for since, length, _lost in spans)


def test_two_clocks_that_cannot_be_read_at_once_are_no_gap(database: Path, new_writer: NewWriter) -> None:
    """Downtime begins at the very last moment that was watched, and no step of the clock is told."""
    first = new_writer()
    first.start(at(1))
    seen = replace(watch(1, 5), until=Instant(5 * NANO, 5 * NANO - 2000))
    first.write(Batch(watches=[seen]))
    new_writer().start(at(9))
    assert _rows(database, "SELECT cause, since_ns, until_ns FROM gaps") == [("daemon down", 5 * NANO, 9 * NANO)]


def test_the_last_sign_of_life_is_that_of_all_watches(database: Path, new_writer: NewWriter) -> None:
    """Whatever was watched longest: from there on nobody is known to have been there."""
    first = new_writer()
    first.start(at(1))
    first.write(Batch(watches=[watch(1, 7), watch(1, 4, "software", "bpf"), watch(1, 6, "counters", "snmp")]))
    new_writer().start(at(9))
    assert _rows(database, "SELECT since_ns FROM gaps") == [(7 * NANO,)]
    assert _rows(database, "SELECT ended_ns FROM runs WHERE id = 1") == [(7 * NANO,)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_parts_of_a_window_have_first_and_last_of_all(database: Path, writer: Writer, order: tuple[int, int]) -> None:
    """In whatever order they come; the interface was seen as long as its latest drop says."""
    parts = [Drop(KEY, 1, 10, 5 * NANO + 1, 5 * NANO + 4), Drop(KEY, 2, 20, 5 * NANO + 3, 5 * NANO + 9)]
    for part in order:
        writer.write(Batch(windows=[Window(5 * NANO, NANO, parts[part])]))
    assert _rows(database, "SELECT count, bytes, first_ns, last_ns FROM drops") == [(3, 30, 5 * NANO + 1, 5 * NANO + 9)]
    assert _rows(database, "SELECT valid_until_ns FROM interfaces") == [(5 * NANO + 9,)]


def test_a_namespace_was_seen_as_long_as_the_latest_says(database: Path, new_writer: NewWriter) -> None:
    """A run on an earlier clock makes that no shorter."""
    for second in (9, 5):
        writer = new_writer()
        writer.start(at(second))
        writer.write(Batch(namespaces={7: Namespace(7, 77, "blue", "netns", 7)},
                           events=[Event(second * NANO, "link up", "lo", "", 7, 1)]))
    assert _rows(database, "SELECT valid_until_ns FROM namespaces") == [(9 * NANO,)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_parts_of_a_counters_change_are_one(database: Path, writer: Writer, order: tuple[int, int]) -> None:
    """What moved up to one reading is one row, however many times it is told."""
    key = CounterKey("snmp", "UdpNoPorts")
    parts = [CounterChange(key, 1, 30, 4, 104), CounterChange(key, 20, 30, 3, 107)]
    for part in order:
        writer.write(Batch(changes=[parts[part]], collected={"snmp": Collected(1, 1, 5)}))
    assert _rows(database, "SELECT since_ns, until_ns, delta FROM counter_changes") == [(1, 30, 7)]
    assert _rows(database, "SELECT rounds, failures, busy_ns FROM collector_runs") == [(2, 2, 10)]


def test_a_watch_grows_on_both_clocks_and_says_why_it_ended(database: Path, writer: Writer) -> None:
    """One row, as it was told last."""
    writer.write(Batch(watches=[watch(1, 5)]))
    grown = replace(watch(1, 9), until=Instant(9 * NANO, 8 * NANO), ending="stopped")
    writer.write(Batch(watches=[grown]))
    assert _rows(database, "SELECT since_ns, until_ns, since_boot_ns, until_boot_ns, ending FROM watches") == [
        (NANO, 9 * NANO, NANO, 8 * NANO, "stopped")]


def test_what_is_not_known_is_nothing_in_the_views(database: Path, writer: Writer) -> None:
    """NULL, and no offset or ethertype of zero."""
    unknown = DropKey(Location("udp_rcv"), Kind(None), Interface())
    writer.write(Batch(windows=[Window(NANO, NANO, drop(1, 1, key=unknown, octets=None))]))
    assert _rows(database, "SELECT location, protocol, reason, interface, netns, bytes FROM v_drops") == [
        ("udp_rcv", None, None, None, None, None)]


def test_names_of_namespaces_hold_for_later_batches(database: Path, writer: Writer) -> None:
    """They are told once, and counters, events and watches refer to them by number."""
    writer.write(Batch(namespaces={7: Namespace(7, 77, "blue", "netns", 7)}))
    writer.write(Batch(events=[Event(NANO, "link up", "lo", "", 7, 1)], watches=[watch(1, 2, "counters", "snmp", 7)]))
    assert _rows(database, "SELECT netns FROM v_events UNION ALL SELECT netns FROM v_watches") == [("blue",), ("blue",)]
    assert _rows(database, "SELECT cookie, inode FROM namespaces") == [(7, 77)]


def _key(number: int, inode: int) -> DropKey:
    return KEY._replace(interface=Interface(number, 1, "lo", None, inode))


@pytest.mark.parametrize(("boot", "numbers", "entities"), [
    ("boot", [(7, 77), (7, 77)], 1),   # one namespace
    ("boot", [(7, 77), (8, 77)], 2),   # an inode that was used again
    ("boot", [(77, 77), (78, 78)], 2), # without cookies an inode is all that is known
    ("boot", [(77, 77), (77, 77)], 1),
    ("other", [(7, 77), (7, 77)], 2),  # another boot begins to count anew
    ("other", [(77, 77), (77, 77)], 2),
])
def test_which_namespaces_are_one(
    database: Path, new_writer: NewWriter, boot: str, numbers: list[tuple[int, int]], entities: int,
) -> None:
    """Of one boot and one cookie, or one inode where there are no cookies; that is none then."""
    for name, number in zip((IDENTITY.boot_id, boot), numbers, strict=True):
        writer = new_writer(replace(IDENTITY, boot_id=name))
        writer.start(at(1))
        writer.write(Batch(windows=[Window(NANO, NANO, drop(1, 1, key=_key(*number)))]))
    assert len(_rows(database, "SELECT DISTINCT entity FROM namespaces")) == entities
    cookies = {number if number != inode else None for number, inode in numbers}
    assert {cookie for cookie, in _rows(database, "SELECT cookie FROM namespaces")} == cookies
