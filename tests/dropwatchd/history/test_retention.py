"""The history stays within its bounds, and counts are conserved until they are too old themselves."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropwatchd.history.batch import Batch
from dropwatchd.history.options import RetentionOptions
from dropwatchd.history.writer import Writer
from dropwatchd.model import NANO, PacketSample, Window
from tests.dropwatchd.conftest import KEY, at, drop

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
