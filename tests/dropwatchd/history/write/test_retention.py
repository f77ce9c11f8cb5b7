"""The history stays within its bounds, and counts are conserved until they are too old themselves."""

# ruff: noqa: S608 - the SQL is put together from texts of this module.

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.connection import connect, transaction
from dropwatchd.history.write.file import beside
from dropwatchd.history.write.fold import MINUTE_NS, fold_changes, fold_windows
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import (
    NANO,
    CounterChange,
    CounterKey,
    Drop,
    DropKey,
    Interface,
    Kind,
    Location,
    PacketSample,
    Reading,
    Stack,
    Window,
)
from tests.dropwatchd.conftest import KEY, at, drop, watch

DAY = 86_400
NOW = 1000 * DAY
OTHER = KEY._replace(kind=KEY.kind._replace(reason="NO_SOCKET"))


def _rows(database: Path, query: str) -> list[Any]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def _window(second: int, count: int, octets: int | None = 10) -> Window:
    key = KEY if count % 2 else OTHER
    return Window(second * NANO, NANO, drop(second, count, key=key, octets=octets))


def _tidy(writer: Writer, options: RetentionOptions) -> int:
    steps = 1
    while writer.tidy(options, at(NOW)):
        steps += 1
    return steps


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(st.dictionaries(st.integers(NOW - 6 * DAY, NOW), st.integers(1, 9), max_size=30))
def test_folding_conserves_counts(new_writer: Callable[..., Writer], database: Path, windows: dict[int, int]) -> None:
    """Old windows become minutes: every count and byte is still there, at the minute it belongs to."""
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM drops")
    writer = new_writer()
    writer.start(at(1))
    writer.write(Batch(windows=[_window(second, count) for second, count in windows.items()]))
    by_minute = (
        "SELECT window_start_ns / 60000000000, kind_id, sum(count), sum(bytes), min(first_ns), max(last_ns) "
        "FROM drops GROUP BY 1, 2 ORDER BY 1, 2"
    )
    before = _rows(database, by_minute)
    _tidy(writer, RetentionOptions(fine_days=3))
    assert _rows(database, by_minute) == before
    fine = _rows(database, "SELECT min(window_start_ns) FROM drops WHERE window_width_ns < 60000000000")[0][0]
    assert fine is None or fine >= (NOW - 3 * DAY) * NANO
    writer.close()


def test_unknown_bytes_stay_unknown_when_folded(new_writer: Callable[..., Writer], database: Path) -> None:
    """A minute with one window of unknown bytes has unknown bytes, not too few."""
    writer = new_writer()
    writer.start(at(1))
    start = NOW - 5 * DAY
    writer.write(Batch(windows=[_window(start, 1), _window(start + 1, 3, None), _window(start + 60, 5)]))
    _tidy(writer, RetentionOptions())
    assert _rows(database, "SELECT count, bytes FROM drops ORDER BY window_start_ns") == [(4, None), (5, 10)]


def test_what_reaches_far_beyond_its_minute_stays_as_it_is(new_writer: Callable[..., Writer], database: Path) -> None:
    """Drops that were counted while the daemon was away: as a part of an hour, a report on the next would miss them."""
    start = (NOW - 5 * DAY) // 3600 * 3600 + 3590
    for seconds in (71, 69):
        writer = new_writer()
        writer.start(at(1))
        reaching = replace(drop(start), last_ns=(start + seconds) * NANO)
        writer.write(Batch(windows=[Window(start * NANO, NANO, reaching)]))
    with transaction(writer._connection) as connection:
        while fold_windows(connection, HOUR_NS, NOW * NANO):
            pass
    assert _rows(database, "SELECT window_width_ns / 1000000000 FROM drops ORDER BY run_id") == [(1,), (3600,)]


def test_what_is_too_old_goes(new_writer: Callable[..., Writer], database: Path) -> None:
    """Packets first, counts much later."""
    writer = new_writer()
    writer.start(at(1))
    writer.write(
        Batch(
            windows=[_window(NOW - age * DAY, 1) for age in (1, 10, 100)],
            packets=[PacketSample(KEY, (NOW - age * DAY) * NANO, 60, b"") for age in (1, 10)],
        )
    )
    _tidy(writer, RetentionOptions())
    assert _rows(database, "SELECT count(*) FROM drops") == [(2,)]
    assert _rows(database, "SELECT time_ns FROM packets") == [((NOW - DAY) * NANO,)]


@pytest.mark.parametrize("packets", [True, False])
def test_a_history_at_its_size_gives_up_detail_first(
    new_writer: Callable[..., Writer],
    database: Path,
    packets: bool,
) -> None:
    """Packets go before fine windows, counts stay, and the ledger says what went and why."""
    writer = new_writer()
    writer.start(at(1))
    if packets:
        batch = Batch(packets=[PacketSample(KEY, (NOW - n) * NANO, 60, bytes(1000)) for n in range(3000)])
    else:
        batch = Batch(windows=[_window(NOW - 20_000 + n, n) for n in range(20_000)])
    writer.write(batch)
    total = _rows(database, "SELECT sum(count) FROM drops")
    _tidy(writer, RetentionOptions(max_mib=1))
    assert _rows(database, "SELECT sum(count) FROM drops") == total
    (cause, effect, scope, lost), *_ = _rows(database, "SELECT cause, effect, scope, lost FROM gaps")
    assert (cause, effect) == ("history at its size limit", "detail")
    assert (scope, bool(lost)) == (("packets", True) if packets else ("drops", False))


WATCHES = (("daemon", ""), ("software", "bpf"), ("packets", ""), ("counters", "link"))
START = NOW // 3600 * 3600


def _bytes(database: Path) -> int:
    return sum(path.stat().st_size for path in (database, beside(database, "-wal")) if path.exists())


def _keys(count: int) -> list[DropKey]:
    return [KEY._replace(kind=KEY.kind._replace(reason=f"REASON_{number}")) for number in range(count)]


def _change(counter: str, since: float, until: float, delta: int = 1) -> CounterChange:
    return CounterChange(CounterKey("link", counter, 1, 2, "eth0"), int(since * NANO), int(until * NANO), delta, 0,
                         gauge=False)


def test_the_file_and_its_log_stay_within_the_bound_at_any_load(
    new_writer: Callable[..., Writer], database: Path,
) -> None:
    """Twice what fits, written as fast as it goes: never larger than it may be, and every drop is counted."""
    options, keys = RetentionOptions(max_mib=16), _keys(3000)
    writer = new_writer()
    writer.start(at(START))
    for second in range(START, START + 120):
        writer.write(Batch(windows=[Window(second * NANO, NANO, drop(second, 2, key)) for key in keys]))
        if writer.is_due(options):
            writer.tidy(options, at(second))
        assert _bytes(database) <= 16 << 20
    assert _rows(database, "SELECT sum(count) FROM drops") == [(120 * 3000 * 2,)]
    assert _rows(database, "PRAGMA integrity_check") == [("ok",)]


def test_detail_goes_in_the_order_promised_and_the_ledger_says_what_went(
    new_writer: Callable[..., Writer], database: Path,
) -> None:
    """Packets, windows into minutes and hours, counter changes likewise; then the oldest hours and what vouches."""
    writer = new_writer()
    writer.start(at(1))
    begin = START - 7200
    writer.write(Batch(
        windows=[_window(begin + second, 1) for second in range(7000)],
        watches=[watch(begin, NOW, what, name) for what, name in WATCHES],
        packets=[PacketSample(KEY, begin * NANO + n, 60, b"") for n in range(10)],
        changes=[_change("rx_dropped", begin + n, begin + n + 10) for n in range(0, 7000, 10)][:1]))
    for n in range(10, 7000, 10):
        writer.write(Batch(changes=[_change("rx_dropped", begin + n, begin + n + 10)]))
    seen: dict[str, None] = {}
    while writer.tidy(RetentionOptions(max_mib=0), at(NOW)):  # any history is too large
        seen |= dict.fromkeys(detail for (detail,) in _rows(database, "SELECT detail FROM gaps ORDER BY id"))
    assert [text.partition(":")[0] for text in seen] == [
        "packets removed early", "windows folded into minutes early", "windows folded into hours early",
        "counter changes folded into minutes early", "counter changes folded into hours early",
        "the database reached 0 MiB"]
    assert _rows(database, "SELECT count(*) FROM drops") == [(0,)]
    vouched = """SELECT what, since_ns >= (SELECT max(until_ns) FROM gaps WHERE cause = 'expired') FROM watches
                 WHERE what IN ('software', 'counters') ORDER BY what"""
    assert _rows(database, vouched) == [("counters", 1), ("software", 1)]


def test_the_ledger_claims_no_folding_that_changed_nothing(new_writer: Callable[..., Writer], database: Path) -> None:
    """Windows of different hours stay what they are."""
    writer = new_writer()
    writer.start(at(1))
    writer.write(Batch(windows=[_window(START - hour * 3600, 1) for hour in range(1, 5)]))
    with closing(connect(database)) as made, transaction(made) as connection:
        assert fold_windows(connection, HOUR_NS, START * NANO) == ((START - 4 * 3600) * NANO, START * NANO, 0)
    while writer.tidy(RetentionOptions(max_mib=0), at(NOW)):
        assert _rows(database, "SELECT * FROM gaps WHERE detail LIKE '%folded%'") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(st.dictionaries(st.integers(0, 20_000), st.tuples(st.integers(1, 9), st.none() | st.integers(0, 99)),
                       max_size=40))
def test_folding_to_minutes_and_then_to_hours_conserves_counts(
    new_writer: Callable[..., Writer], database: Path, windows: dict[int, tuple[int, int | None]],
) -> None:
    """Each hour has what was dropped in windows that began within it, and when: also those that end in the next."""
    with sqlite3.connect(database) as connection:
        connection.executescript("DELETE FROM drops; DELETE FROM folded")
    writer = new_writer()
    writer.start(at(1))
    writer.write(Batch(windows=[
        Window((START + second) * NANO, 7 * NANO, Drop(KEY, count, octets, (START + second) * NANO,
                                                       (START + second + 6) * NANO))
        for second, (count, octets) in windows.items()]))
    by_hour = f"""SELECT window_start_ns / {HOUR_NS}, sum(count), CASE WHEN count(bytes) = count(*) THEN sum(bytes) END,
                         min(first_ns), max(last_ns) FROM drops GROUP BY 1 ORDER BY 1"""
    before = _rows(database, by_hour)
    for width_ns in (MINUTE_NS, HOUR_NS):
        with closing(connect(database)) as made, transaction(made) as connection:
            while fold_windows(connection, width_ns, (START + 36_000) * NANO):
                pass
        assert _rows(database, by_hour) == before
    assert _rows(database, "SELECT DISTINCT window_width_ns FROM drops") == ([(HOUR_NS,)] if windows else [])
    writer.close()


@pytest.mark.parametrize("offset", [0.0, 9.7])
def test_changes_of_one_span_begin_and_end_together_and_rounds_stay_whole(
    new_writer: Callable[..., Writer], database: Path, offset: float,
) -> None:
    """Wherever minutes begin, within a round or not: every reading of a round is in the same span; sums stay."""
    writer = new_writer()
    writer.start(at(1))
    for n in range(-10, 600, 10):
        at_ns = START + n + offset
        writer.write(Batch(changes=[_change(name, at_ns - 10 + late, at_ns + late, 1 << 62)
                                    for name, late in (("a", 0.0), ("b", 0.2), ("c", 0.5)) if name != "c" or n % 40]))
    sums = "SELECT counter_id, total(delta) FROM counter_changes GROUP BY 1 ORDER BY 1"
    before = _rows(database, "SELECT counter_id, count(*) FROM counter_changes GROUP BY 1 ORDER BY 1")
    with closing(connect(database)) as made, transaction(made) as connection:
        while fold_changes(connection, MINUTE_NS, (START + 3600) * NANO):
            pass
    spans = _rows(database, "SELECT DISTINCT since_ns, until_ns FROM counter_changes ORDER BY until_ns")
    assert 10 <= len(spans) <= 12
    assert all(abs(later[0] - earlier[1]) <= NANO for earlier, later in pairwise(spans))
    deltas = _rows(database, "SELECT counter_id, delta FROM counter_changes")
    for counter, count in before:
        assert sum(delta for own, delta in deltas if own == counter) % (1 << 64) == (count << 62) % (1 << 64)
    assert len(_rows(database, sums)) == 3


def test_what_no_row_refers_to_is_forgotten(new_writer: Callable[..., Writer], database: Path) -> None:
    """Places, kinds, devices, counters and namespaces go after the last row; an id is never taken for another's."""
    writer = new_writer()
    writer.start(at(NOW - 200 * DAY))
    old = DropKey(Location("gone", 1), Kind("OLD", 1), Interface(77, 3, "veth9", "gone", 78, "netns"))
    long_ago = NOW - 150 * DAY
    writer.write(Batch(
        windows=[Window(long_ago * NANO, NANO, drop(long_ago, 1, old))], changes=[_change("gone", long_ago, long_ago)],
        starts=[(long_ago * NANO, Reading(CounterKey("link", "gone", 1, 2, "eth0"), 5))]))
    for _ in range(2):
        writer.write(Batch(windows=[_window(NOW - 60, 1)], changes=[_change("rx", NOW - 70, NOW - 60)],
                           watches=[watch(NOW - 200 * DAY, NOW)]))
    before = {table: _rows(database, f"SELECT count(*) FROM {table}")[0][0] for table in _DIMENSIONS}
    _tidy(writer, RetentionOptions())
    after = {table: _rows(database, f"SELECT count(*) FROM {table}")[0][0] for table in _DIMENSIONS}
    assert {table: before[table] - after[table] for table in _DIMENSIONS} == dict.fromkeys(_DIMENSIONS, 1)
    writer.write(Batch(windows=[Window(NOW * NANO, NANO, drop(NOW, 5, old)), _window(NOW, 3)]))
    assert _rows(database, "PRAGMA foreign_key_check") == []
    assert _rows(database, "SELECT location, interface, netns FROM v_drops WHERE count = 5") == [
        ("gone+0x1", "veth9", "gone")]


def test_a_stack_goes_with_its_place(new_writer: Callable[..., Writer], database: Path) -> None:
    """Not while its run goes on, which tells of it once: what comes again then has its stack still."""
    long_ago = (NOW - 150 * DAY) * NANO
    old, new = (Stack(Location(name, 1), None, (Location(name, 1),), long_ago) for name in ("old", "new"))
    for stack in (old, new):
        writer = new_writer()
        writer.start(at(NOW - 151 * DAY))
        writer.write(Batch(stacks=[stack]))
    writer.write(Batch(windows=[_window(NOW - 60, 1)]))
    _tidy(writer, RetentionOptions())
    assert _rows(database, """SELECT symbol, frames FROM first_stacks JOIN stacks s ON s.id = stack_id
                              JOIN locations l ON l.id = location_id""") == [("new", "new+0x1")]
    assert _rows(database, "SELECT count(*) FROM stacks") == [(1,)]
    assert _rows(database, "SELECT symbol FROM locations WHERE symbol = 'old'") == []


_DIMENSIONS = ("locations", "kinds", "interfaces", "counters", "counter_starts", "namespaces")


def test_expiry_goes_in_small_steps_and_space_goes_back(new_writer: Callable[..., Writer], database: Path) -> None:
    """Many old packets are removed over several transactions, and the file becomes smaller."""
    writer = new_writer()
    writer.start(at(1))
    for part in range(3):
        writer.write(Batch(packets=[PacketSample(KEY, (NOW - 20 * DAY + part) * NANO + n, 60, bytes(500))
                                    for n in range(20_000)]))
    writer.write(Batch(windows=[_window(NOW - 1, 1)]))
    full = _bytes(database)
    assert 3 <= _tidy(writer, RetentionOptions()) < 50
    assert _rows(database, "SELECT count(*) FROM packets") == [(0,)]
    assert _bytes(database) < full / 2


def test_a_reader_that_stays_is_told_of(new_writer: Callable[..., Writer], database: Path) -> None:
    """While one holds the history open its log grows, and is said to; when it has gone the log is small again."""
    writer = new_writer()
    writer.start(at(1))
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchall()
        writer.write(Batch(packets=[PacketSample(KEY, NOW * NANO + n, 60, bytes(4000)) for n in range(18_000)]))
        writer.tidy(RetentionOptions(), at(NOW))
        assert "a reader keeps" in writer.held_up()
        assert writer.is_due(RetentionOptions())
    writer.tidy(RetentionOptions(), at(NOW))
    assert (writer.held_up(), beside(database, "-wal").stat().st_size) == ("", 0)
