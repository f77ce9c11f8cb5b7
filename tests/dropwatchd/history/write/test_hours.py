"""The sums of hours and days are those of their rows, and what is asked is the same with and without them."""

# ruff: noqa: S608 - the SQL is put together from texts of this module.

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dropwatchd.history.calendar import DAY_NS, HOUR_NS
from dropwatchd.history.read.aligned import Aligned
from dropwatchd.history.read.levels import bound_sockets
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.readonly import read
from dropwatchd.history.read.scope import Scope
from dropwatchd.history.read.settings import levels as gauges
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.connection import connect, transaction
from dropwatchd.history.write.fold import MINUTE_NS, fold_changes, fold_windows
from dropwatchd.history.write.hours import sum_hours
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.model import NANO, CounterChange, CounterKey, Drop, Reading, Window
from tests.dropwatchd.conftest import KEY, at, watch

START = 1000 * 86_400 - 2 * 3600  # two hours before a day begins
_HERE, _THERE = KEY.interface, KEY.interface._replace(netns=7, netns_inode=8, netns_name="blue", netns_kind="netns")
KEYS = [KEY, KEY._replace(kind=KEY.kind._replace(reason="NO_SOCKET")), KEY._replace(interface=_THERE),
        KEY._replace(interface=_HERE._replace(netns=None, netns_inode=None, netns_name=None))]
COUNTERS = [CounterKey("snmp", "UdpRcvbufErrors", 1), CounterKey("snmp", "UdpNoPorts", 7),
            CounterKey("link", "rx_dropped", 1, 2, "eth0"), CounterKey("softnet", "dropped")]
GAUGES = [CounterKey("bound", "sockets", 1, labels=(("local", "127.0.0.1:53"), ("peer", ""), ("protocol", "udp"))),
          CounterKey("device", "mtu", 1, 2, "eth0")]
_OPTIONS = RetentionOptions(days=1, fine_days=1)
_SCOPES: list[dict[str, Any]] = [{}, {}, {"reason": ("NO_SOCKET",)}, {"interface": ("eth0",)}, {"netns": ("blue",)},
                                 {"location": ("udp*",)}, {"host": "host"}, {"protocol": ("2048",)}]


def _window(second: int, key: Any, count: int, octets: int | None, width: int) -> Window:
    first_ns = second * NANO
    return Window(first_ns, width * NANO, Drop(key, count, octets, first_ns, first_ns + width * NANO * 9 // 10))


def _life(writer: Writer, begin: int, length: int, windows: Any, changes: Any) -> None:
    """Let a run begin at a second of the history, and record what is after that: it began late, or comes late."""
    writer.start(at(START + begin))
    writer.write(Batch(
        starts=[((START + begin) * NANO, Reading(key, 0, bits=0 if key in GAUGES else 64))
                for key in COUNTERS + GAUGES],
        windows=[_window(START + second, *rest) for second, *rest in windows],
        changes=[CounterChange(key, (START + second - length) * NANO, (START + second) * NANO, delta, 0,
                               gauge=key in GAUGES)
                 for second, key, delta, length in changes],
        watches=[watch(START + begin, START + length, what, name, netns)
                 for what, name, netns in (("daemon", "", None), ("software", "bpf", None), ("counters", "snmp", 1),
                                           ("counters", "snmp", 7), ("counters", "link", 1), ("counters", "bound", 1),
                                           ("counters", "device", 1))]))


def _sum(database: Path, before: int = START + 10 * 86_400) -> None:
    with _transaction(database) as connection:
        while sum_hours(connection, before * NANO):
            pass


@contextmanager
def _transaction(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(database)) as made, transaction(made) as connection:
        yield connection


def _asked(database: Path, scope: Scope, step_ns: int) -> list[Any]:
    def ask(connection: sqlite3.Connection) -> list[Any]:
        reader = Reader(connection, scope, (START + 10 * 86_400) * NANO)
        aligned = Aligned(reader)
        drops = sorted((asdict(total) for total in reader.drops(scope.since_ns, step_ns)), key=str)
        return [drops, reader.may_match() if scope.filtered else 0, reader.counters(),
                sorted(map(asdict, aligned.drops()), key=str), sorted(aligned.counters(), key=str),
                bound_sockets(reader), gauges(reader, "device")]

    return read(database, ask)


def _without_hours(database: Path) -> Path:
    """Return a copy of a history in which no hour has sums, and no day."""
    copy = database.with_name("without.db")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(database, copy)
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.executescript("".join(
            f"DELETE FROM {table};"
            for table in ("hours", "drop_hours", "counter_hours", "days", "drop_days", "counter_days")))
    return copy


_LAYERS = [("hours", HOUR_NS), ("days", DAY_NS)]
_SUMS = {
    "drops": ("drop_", """
        SELECT window_start_ns / {0} * {0}, run_id, location_id, kind_id, interface_id, sum(count),
               CASE WHEN count(bytes) = count(*) THEN sum(bytes) END, min(first_ns), max(last_ns)
        FROM drops GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"""),
    "counter_changes": ("counter_", """
        SELECT until_ns / {0} * {0}, run_id, counter_id, min(since_ns), max(until_ns), sum(delta)
        FROM counter_changes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""),
}


def _are_sums(database: Path) -> bool:
    """Say whether all spans that claim to be summed up are, and whether each that has rows or sums is in the list."""
    with closing(sqlite3.connect(database)) as connection:
        for (spans, width_ns), (what, (table, query)) in product(_LAYERS, _SUMS.items()):
            listed = dict(connection.execute(f"SELECT {spans[:-1]}_ns, since_ns FROM {spans} WHERE what = ?", (what,)))
            summed = {begin for begin, since in listed.items() if since is not None}
            rows = list(connection.execute(query.format(width_ns)))
            sums = list(connection.execute(f"SELECT * FROM {table}{spans}"))
            if [row for row in sums if row[0] in summed] != [row for row in rows if row[0] in summed]:
                return False
            if not {row[0] for row in rows + sums} <= set(listed):
                return False
    return True


def _windows(chance: Random, length: int, most: int) -> list[Any]:
    return [(chance.randrange(length), chance.choice(KEYS), chance.randint(1, 9),
             chance.choice([None, 0, 60, 99, 99, 99]), chance.choice([1, 7, 60]))
            for _ in range(chance.randrange(most))]


def _changes(chance: Random, length: int) -> list[Any]:
    return [(chance.randrange(length), chance.choice(COUNTERS + GAUGES), chance.randint(-3, 9),
             chance.choice([10, 10, 60, 4000])) for _ in range(chance.randrange(80))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40,
          phases=[Phase.explicit, Phase.generate])
@given(seed=st.integers(0, 2**32), hours=st.sampled_from([5, 80, 80]), runs=st.integers(1, 3),
       late=st.sampled_from([0, 2, 5]), fold=st.sampled_from([0, MINUTE_NS, HOUR_NS]),
       expired=st.sampled_from([0, 0, 0.2, 0.5]), asked=st.sampled_from(_SCOPES),
       step=st.sampled_from([0.05, 0.4, 1.1]), summed=st.sampled_from([0.6, 2, 2]))
def test_what_is_asked_is_the_same_with_and_without_sums(  # noqa: PLR0917 - hypothesis gives them by name
    new_writer: Callable[..., Writer], database: Path, empty_history: Path, seed: int, hours: int, runs: int, late: int,
    fold: int, expired: float, asked: dict[str, Any], step: float, summed: float,
) -> None:
    """Over restarts, filters, windows of any begin and end, folded, expired and late rows, all or some hours summed."""
    for side in ("", "-wal", "-shm"):
        database.with_name(database.name + side).unlink(missing_ok=True)
    shutil.copyfile(empty_history, database)
    chance, length = Random(seed), hours * 3600
    for begin in sorted(chance.randrange(length) // 2 for _ in range(runs)):
        writer = new_writer()
        _life(writer, begin, length, _windows(chance, length, 80), _changes(chance, length))
    _sum(database, START + int(summed * length))
    if late:
        windows = _windows(chance, length, late)
        writer.write(Batch(windows=[_window(START + second, *rest) for second, *rest in windows]))
        assert _are_sums(database)
    if fold:
        with _transaction(database) as connection:
            for fold_rows in (fold_windows, fold_changes):
                fold_rows(connection, fold, (START + chance.randrange(length)) * NANO)
        assert _are_sums(database)
    if expired:
        writer.tidy(_OPTIONS, at(START + int(expired * length) + 86_400))
        assert _are_sums(database)
    writer.close()
    since, until = sorted((chance.randrange(length) // 2, chance.randrange(length)))
    scope = Scope((START + since) * NANO, (START + until + 1) * NANO, **asked)
    for again in range(2):
        found, rows = (_asked(path, scope, int(step * length) * NANO) for path in (database, _without_hours(database)))
        for answer, same in zip(found, rows, strict=True):
            assert answer == same
        if not again:
            _sum(database)
            assert _are_sums(database)


def test_what_counters_moved_goes_round_as_counters_do(new_writer: Callable[..., Writer], database: Path) -> None:
    """Sums are modulo 2^64, from rows, from sums and where changes expire; what may have been is at most 2^63 - 1."""
    counter, level, other = COUNTERS[0], *GAUGES
    huge = 2**63 - 1
    writer = new_writer()
    _life(writer, 0, 5 * 3600, [], [
        (600, counter, huge, 10), (600, counter, huge, 10), (4000, counter, 2**63, 60), (9000, counter, 2**63 + 5, 10),
        (700, level, 2**63, 10), (4200, level, 2**63, 10), (600, other, huge, 10), (4000, other, huge, 10)])
    answers = []
    for _summed in range(2):
        for since, until in ((0, 18_000), (3950, 18_000), (5000, 18_000)):
            scope = Scope((START + since) * NANO, (START + until) * NANO)
            [_drops, _may, counters, _aligned, same, (_looked, sockets), *_] = _asked(database, scope, NANO)
            moved = {total.name: (total.delta, total.straddling) for total in counters}
            delta, straddling = {0: (3, 0), 3950: (5, huge), 5000: (5 - 2**63, 0)}[since]
            assert moved["UdpRcvbufErrors"] == (delta, straddling)
            assert moved.get("mtu") == {0: (-2, 0), 3950: (huge, 0)}.get(since)
            assert [total.delta for total in same if total.name == "UdpRcvbufErrors"] == [delta]
            assert bool(sockets) == (since < 4200)  # then all of them are gone
            answers.append((since, counters, same, sockets))
        _sum(database)
    assert answers[:3] == answers[3:]
    for expired in (3600, 7200):
        while writer.tidy(_OPTIONS, at(START + expired + 86_400)):
            pass
    writer.close()
    with closing(sqlite3.connect(database)) as connection:
        assert dict(connection.execute("""
            SELECT c.name, value FROM counter_starts JOIN counters c ON c.id = counter_id WHERE c.gauge""")) == {
                "sockets": 0, "mtu": -2}
