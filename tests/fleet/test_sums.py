"""Drops that the server adds up are those that come row by row."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from dropwatchd.history.fleet.pull import opened
from dropwatchd.history.read.aligned import Aligned, AlignedDrop
from dropwatchd.history.read.pulled import Pulled
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO
from dropwatchd.upload.loop import Target, send_all
from tests.fleet.conftest import asked
from tests.fleet.life import START, Life
from tests.fleet.server import Server

_STEPS_S = 75, 600, 1800


@pytest.fixture(scope="module")
def fleet(server: Server, empty_history: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of three hosts: with several runs, one whose clock was set back, one that was late to look."""
    asked(server.url(), "CREATE DATABASE sums TEMPLATE template1")
    for name in ("web-1", "web-2", "late"):
        path = tmp_path_factory.mktemp(name) / "history.db"
        path.write_bytes(empty_history.read_bytes())
        life, chance = Life(path, name), Random(name)
        for number in range(200):
            life.random(chance, 10)
            if number == 120 and name == "web-1":
                life.restart()
            if number == 60 and name == "web-2":
                life.set_clock(-40)
            if number == 100 and name == "web-2":
                life.crash(30)
        if name == "late":  # to a namespace in which drops happened all the time
            life.watch(("counters", "snmp", 77), START + 1000)
        life.stop()
        if name == "web-2":
            life.fold(3600 * NANO)
        send_all(Target(server.url("sums"), life.path))
    yield server.url("sums")
    asked(server.url(), "DROP DATABASE sums WITH (FORCE)")


def _scope(since: float, until: float, **filters: object) -> Scope:
    return Scope(int((START + since) * NANO), int((START + until) * NANO), **filters)  # type: ignore[arg-type]


_Totals = list[tuple[str, dict[int, int]]]


def _totals(reader: Reader, step_ns: int) -> _Totals:
    """Return totals with their shapes as plain numbers: to Counter, 0 is as good as nothing, and here it means more."""
    found = reader.drops(reader.scope.since_ns, step_ns)
    return sorted((str(replace(total, shape=Counter())), dict(total.shape)) for total in found)


def _found(connection: Pulled, scope: Scope, step_ns: int) -> tuple[_Totals, list[AlignedDrop], int]:
    reader = Reader(connection, scope, scope.until_ns)
    return _totals(reader, step_ns), sorted(Aligned(reader).drops(), key=str), reader.may_match()


@pytest.mark.parametrize("scope", [
    _scope(0, 1800), _scope(33.5, 1777.75), _scope(600, 2400, reason=("NO_SOCKET",)),
    _scope(-START, 1800), _scope(250, 2100, interface=("!lo",), host="web-*")])
def test_sums_say_what_rows_say(fleet: str, scope: Scope) -> None:
    """Of all steps, whatever the window cuts through, whenever counters were read, and with filters."""
    for step_ns in (step * NANO for step in _STEPS_S):
        with opened(fleet) as by_sums, opened(fleet) as by_rows:
            window = by_rows.pull(scope)
            [(rows,)] = window.execute("SELECT count(*) FROM drops")
            assert _found(by_sums, scope, step_ns) == _found(by_rows, scope, step_ns)
            summed = by_sums.pull(scope)
            assert isinstance(summed, Pulled)
            assert summed.has_sums(scope)
            assert isinstance(window, Pulled)
            assert not window.has_sums(scope)
            [(few, many)] = summed.execute("SELECT (SELECT count(*) FROM drops), (SELECT count(*) FROM drop_sums)")
            assert 0 < few < rows
            assert many > 0
            assert [*summed.execute("SELECT count(*) FROM drops")] == [(rows,)]  # to whom does not know of sums
            assert _found(by_sums, scope, step_ns) == _found(by_rows, scope, step_ns)


def test_what_was_read_late_is_taken_by_rows(fleet: str) -> None:
    """Where drops that were added up are not all between two readings, or none of them, their run comes by rows."""
    scope = _scope(0, 1800)
    with opened(fleet) as connection:
        reader = Reader(connection, scope, scope.until_ns)
        reader.drops(scope.since_ns, scope.until_ns - scope.since_ns)
        summed = "SELECT DISTINCT hostname FROM drop_sums LEFT JOIN drops d ON 0 JOIN runs ON id = drop_sums.run_id"
        before, _ = {*reader.rows(summed)}, Aligned(reader).drops()
        assert before - {*reader.rows(summed)} == {("late",)}


def test_a_part_of_the_window_is_taken_by_rows(fleet: str) -> None:
    """Other steps, and a part of the window, take the rows, which stay."""
    whole, part = _scope(0, 1800), _scope(300, 900)
    with opened(fleet) as connection, opened(fleet) as other:
        (summed, narrow), (rows, few) = (
            (Reader(one, whole, whole.until_ns), Reader(one, part, whole.until_ns)) for one in (connection, other))
        narrow_steps = [_totals(few, step * NANO) for step in (1, 300, 600)]
        assert _totals(summed, 600 * NANO) == _totals(rows, 600 * NANO)
        assert _totals(summed, 300 * NANO) == _totals(rows, 300 * NANO)
        assert [_totals(narrow, step * NANO) for step in (1, 300, 600)] == narrow_steps
    with opened(fleet) as connection:
        summed, narrow = (Reader(connection, scope, whole.until_ns) for scope in (whole, part))
        summed.drops(whole.since_ns, 600 * NANO)
        assert [_totals(narrow, step * NANO) for step in (1, 300, 600)] == narrow_steps
    always = Scope(-9 * 10**18, whole.until_ns)
    with opened(fleet) as connection, opened(fleet) as other:
        other.pull(always).execute("SELECT 1 FROM drops")
        summed, rows = (Reader(one, always, whole.until_ns) for one in (connection, other))
        assert _totals(summed, always.until_ns) == _totals(rows, always.until_ns)
