"""How devices were set, out of a real history: while a setting rested, before it moved, and after its rows expired."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import Scope
from dropwatchd.history.read.settings import levels
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import NANO, CounterChange, CounterKey, Namespace, Reading
from tests.dropwatchd.conftest import at, watch

DAY = 86_400
KEY = CounterKey("device", "mtu", 1, 7, "eth1")


def _changed(since: float, until: float, delta: int) -> CounterChange:
    return CounterChange(KEY, int(since * NANO), int(until * NANO), delta, 0, gauge=True)


def _levels(database: Path, now: float) -> list[tuple[int, float, float]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        reader = Reader(connection, Scope(int((now - 1000) * NANO), int(now * NANO)), int(now * NANO))
        return [(one.value, one.since_ns / NANO, one.until_ns / NANO) for one in levels(reader, "device")]


def _history(writer: Writer, began: float, changes: list[CounterChange], until: float) -> None:
    writer.start(at(began))
    start = int(began * NANO), Reading(KEY, 1500, bits=0)
    writer.write(Batch(namespaces={1: Namespace(1, 9, "blue")}, starts=[start],
                       changes=changes, watches=[watch(began, until, "counters", "device", 1)]))


def test_spans_of_one_value(new_writer: Callable[..., Writer], database: Path) -> None:
    """Between the readings around a change it may have been either; after the last reading nothing is known."""
    _history(new_writer(), 100, [_changed(200, 210, -500), _changed(300, 310, 8000)], 400)
    assert _levels(database, 500) == [(1500, 100, 200), (1000, 210, 300), (9000, 310, 400)]


def test_settings_outlive_the_changes_that_made_them(new_writer: Callable[..., Writer], database: Path) -> None:
    """Where changes expire, the start of the gauge is what they made of it."""
    now = 1000 * DAY
    writer = new_writer()
    old = [_changed(now - 150 * DAY, now - 149 * DAY, -500), _changed(now - 140 * DAY, now - 139 * DAY, 8000)]
    _history(writer, now - 200 * DAY, [*old, _changed(now - 20, now - 10, -1000)], now)
    while writer.tidy(RetentionOptions(), at(now)):
        pass
    assert [value for value, _since, _until in _levels(database, now)] == [9000, 8000]
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM counter_changes").fetchall() == [(1,)]
