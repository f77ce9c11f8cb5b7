"""The central history itself: who may do what, what expires, and what it refuses."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from dropwatchd.history.fleet.connect import FleetError, script
from dropwatchd.history.fleet.setup import set_up, tidy
from dropwatchd.history.sent import sent_until, tell_sent
from dropwatchd.model import NANO
from dropwatchd.upload.loop import Target, send_all
from dropwatchd.upload.read import RefusedError
from tests.fleet.conftest import asked
from tests.fleet.life import COUNTERS, GAUGE, KEY, Life
from tests.fleet.test_exact import check

Live = Callable[..., Life]


def test_a_host_writes_as_itself_alone(central: str, live: Live) -> None:
    """By its own login it sends its history, sees no other's, and cannot send for another; nobody deletes."""
    mine, other = live("web-1"), live("web-2")
    for life in (mine, other):
        life.go_on(10, {KEY: 5}, {COUNTERS[0]: 5})
    login = f"host_{mine.machine_id}"
    asked(central, f"CREATE ROLE {login} LOGIN IN ROLE dropwatch_write")
    own = central.replace("postgres@", f"{login}@")
    asked(central, "CREATE ROLE reader LOGIN IN ROLE dropwatch_read")
    targets = Target(central, other.path), Target(own, mine.path)
    for _ in range(2):
        for target, life in zip(targets, (other, mine), strict=True):
            send_all(target)
            life.go_on(60, {KEY: 3}, {COUNTERS[0]: 3})
    with pytest.raises(FleetError, match="row-level security"):
        send_all(Target(own, other.path, sender=targets[0].sender))
    for target, life in zip(targets, (other, mine), strict=True):
        life.stop()
        send_all(target)
    check(central, mine, other)
    assert asked(own, "SELECT hostname FROM dropwatch.hosts") == [("web-1",)]
    with pytest.raises(FleetError, match=r"row-level security|another program"):
        send_all(Target(own, other.path))
    for sql in ("DELETE FROM dropwatch.drops", "UPDATE dropwatch.expired SET until_ns = 1",
                "INSERT INTO dropwatch.locations VALUES (1, 'udp_rcv', 0, NULL, NULL)"):
        with pytest.raises(psycopg.Error):
            asked(own, sql)
    reader = central.replace("postgres@", "reader@")
    assert asked(reader, "SELECT count(*) FROM dropwatch.hosts") == [(2,)]
    with pytest.raises(psycopg.Error):
        asked(reader, "UPDATE dropwatch.hosts SET hostname = 'x'")
    asked(central, script("tenants.sql"))
    asked(central, "CREATE ROLE tenant_blue; GRANT tenant_blue TO reader;"
                   "UPDATE dropwatch.hosts SET tenant = 'blue' WHERE hostname = 'web-2'")
    assert asked(reader, "SELECT hostname FROM dropwatch.hosts") == [("web-2",)]
    assert asked(reader, "SELECT count(*), sum(count)::int FROM dropwatch.drops") == [(2, 11)]


def test_a_host_without_a_true_machine_id_is_refused(central: str, live: Live) -> None:
    """Its name is none: others may be called the same."""
    for machine_id in ("web-1", "0" * 32):
        life = live("web-1", machine_id=machine_id)
        with pytest.raises(RefusedError, match="systemd-machine-id-setup"):
            send_all(Target(central, life.path))
    assert asked(central, "SELECT count(*) FROM dropwatch.hosts") == [(0,)]


def test_what_expired_before_it_was_sent_is_in_the_ledger(central: str, live: Live) -> None:
    """What was sent stays there; the time between is not covered; gauges go on from what they are."""
    life = live()
    life.go_on(60, {KEY: 5}, {COUNTERS[0]: 5})
    life.go_on(60, {KEY: 6})
    (life.path.parent / "upload").mkdir()
    send_all(Target(central, life.path))
    with closing(sqlite3.connect(life.path)) as connection:
        assert time.time_ns() - 3600 * NANO < (sent_until(connection) or 0) < time.time_ns()
    life.go_on(3600, {KEY: 7}, {COUNTERS[0]: 7, GAUGE: 100})
    for _ in range(4):
        life.go_on(86_400)
    tell_sent(life.path, int(life.now * NANO))  # of now, by the clock of this test
    life.expire()
    life.go_on(60, {KEY: 8}, {COUNTERS[0]: 8, GAUGE: -50})
    life.go_on(600)
    send_all(Target(central, life.path))
    assert asked(central, "SELECT sum(count)::int FROM dropwatch.drops") == [(5 + 6 + 8,)]
    assert asked(central, "SELECT scope, lost FROM dropwatch.gaps WHERE cause = 'not uploaded' ORDER BY 1") == [
        ("counters", None), ("drops", None)]
    parts = asked(central, "SELECT part, since_ns, until_ns FROM dropwatch.watches WHERE what = 'software' ORDER BY 1")
    assert [part[0] for part in parts] == [0, 1]
    assert parts[0][2] < parts[1][1]
    assert asked(central, """SELECT value + (SELECT sum(delta)::int FROM dropwatch.counter_changes d
                                             WHERE d.counter = s.counter) FROM dropwatch.counter_starts s
                             JOIN dropwatch.counters USING (host, counter) WHERE gauge""") == [(1550,)]
    with closing(sqlite3.connect(life.path)) as connection:
        assert connection.execute("SELECT 1 FROM gaps WHERE cause = 'expired' AND scope = 'drops'").fetchone()


def test_old_days_go_and_nothing_claims_that_there_is_nothing(central: str, live: Live) -> None:
    """Partitions are dropped; watches end there; a gauge starts with what it was; the rest stays."""
    life = live(start=int(time.time()) - 4 * 86_400)
    life.go_on(60, {KEY: 5}, {COUNTERS[0]: 5, GAUGE: 100})
    life.go_on(600)
    send_all(Target(central, life.path))
    tidy(central, 30)
    check(central, life)
    asked(central, "SELECT dropwatch.make_room(5, 0)")  # the rows move into partitions of their day
    check(central, life)
    assert asked(central, "SELECT count(*) FROM dropwatch.drops_rest") == [(0,)]
    tidy(central, 2)
    assert asked(central, "SELECT (SELECT count(*) FROM dropwatch.drops), (SELECT count(*) FROM dropwatch.watches"
                          " WHERE what <> 'daemon' AND since_ns < until_ns),"
                          " (SELECT count(*) FROM dropwatch.events)") == [(0, 0, 0)]
    assert asked(central, "SELECT value FROM dropwatch.counter_starts JOIN dropwatch.counters USING (host, counter)"
                          " WHERE gauge") == [(1600,)]
    assert asked(central, "SELECT until_ns > 0 FROM dropwatch.expired") == [(True,)]


def test_keys_begin_with_the_host(central: str) -> None:
    """So that rows can be spread by host: of what is the same everywhere there are but places and kinds."""
    keys = asked(central, """
        SELECT c.relname, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = i.indkey[0])
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE i.indisunique AND c.relnamespace = 'dropwatch'::regnamespace""")
    assert {table for table, column in keys if column != "host"} == {"locations", "kinds"}
    assert asked(central, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace ="
                          " 'dropwatch'::regnamespace") == [(0,)]
    set_up(central)  # again
