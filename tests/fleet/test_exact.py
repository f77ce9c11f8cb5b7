"""What arrives is what was recorded: whatever is repeated, killed, folded, set back or taken back in between."""

import signal
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random

import psycopg
import pytest

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.fleet.connect import FleetError, connect
from dropwatchd.history.fleet.setup import set_up
from dropwatchd.history.write.fold import MINUTE_NS
from dropwatchd.upload.loop import Target, send_all
from dropwatchd.upload.send import Sender
from tests.fleet.conftest import asked, copied
from tests.fleet.life import COUNTERS, KEY, START, Life
from tests.fleet.server import Server

Live = Callable[..., Life]

# An hour that was folded before it was sent holds its minutes: whichever is more is what was dropped.
_DROPPED = """
    SELECT reason, symbol, name, sum(count)::int FROM (
        SELECT run, location, kind, interface, window_start_ns / 3600000000000,
               greatest(coalesce(sum(count) FILTER (WHERE window_width_ns = 60000000000), 0),
                        coalesce(max(count) FILTER (WHERE window_width_ns > 60000000000), 0)) AS count
        FROM dropwatch.drops GROUP BY 1, 2, 3, 4, 5) d
    JOIN dropwatch.locations USING (location) JOIN dropwatch.kinds USING (kind)
    JOIN dropwatch.interfaces USING (interface) GROUP BY 1, 2, 3"""
_MOVED = """SELECT name, sum(delta)::int FROM dropwatch.counter_changes JOIN dropwatch.counters USING (host, counter)
            GROUP BY name HAVING sum(delta) <> 0"""


def check(url: str, *lives: Life) -> None:
    """See that the sums there are those of what hosts were told."""
    dropped: Counter[tuple[str | None, str | None, str | None]] = Counter()
    moved: Counter[str] = Counter()
    for life in lives:
        dropped.update(life.dropped)
        moved.update(life.moved)
    assert {row[:3]: row[3] for row in asked(url, _DROPPED)} == {key: many for key, many in dropped.items() if many}
    assert dict(asked(url, _MOVED)) == {key: number for key, number in moved.items() if number}


@pytest.mark.parametrize("seed", range(4))
def test_sums_are_exact_whatever_happens(server: Server, central: str, live: Live, seed: int) -> None:
    """Sending at any time, restarts, crashes, folds of both widths, a clock that is set, an older central history."""
    chance, life = Random(seed), live()
    older, sender = central, Target(central, life.path)
    for _ in range(30):
        life.random(chance, chance.choice([1, 10, 10, 10, 50, 400]))
        for likely, happens in (
                (0.3, partial(send_all, sender)), (0.1, lambda: life.restart(chance.choice([2, 4000]))),
                (0.1, life.crash), (0.1, lambda: life.fold(MINUTE_NS)), (0.07, lambda: life.fold(HOUR_NS)),
                (0.07, lambda: life.set_clock(chance.choice([-1000, -30, 30, 5000]))), (0.03, life.boot)):
            if chance.random() < likely:
                happens()
        if chance.random() < 0.1:
            older = copied(server, psycopg.conninfo.conninfo_to_dict(sender.url)["dbname"])  # type: ignore[arg-type]
        if chance.random() < 0.05:
            sender = Target(older, life.path)
        if chance.random() < 0.05:
            sender.url = older  # what the sender remembers is of the other one
        _check_memory(sender, life)
    life.stop()
    send_all(sender)
    check(sender.url, life)
    assert send_all(Target(sender.url, life.path)) == 0
    check(sender.url, life)


def test_a_clock_that_is_set_by_years_holds_nothing_up(central: str, live: Live) -> None:
    """It is 1970 until the time has been asked for; then, once, it is next century: each is sent by the next time."""
    life = live()
    sender = Target(central, life.path)
    for seconds in (-START, START, 75 * 31_536_000, -75 * 31_536_000):
        life.go_on(20, {KEY: 3}, {COUNTERS[0]: 3})
        life.set_clock(seconds)
    life.go_on(600, {KEY: 3}, {COUNTERS[0]: 3})
    life.go_on(600)
    send_all(sender)
    check(central, life)
    life.stop()
    send_all(sender)
    check(central, life)
    assert asked(central, "SELECT complete FROM dropwatch.runs") == [(True,)]


def test_a_clock_that_was_ahead_and_is_set_back_leaves_nothing_behind(central: str, live: Live) -> None:
    """What was sent by a later time does not stand for what comes after it by an earlier one."""
    life = live()
    sender = Target(central, life.path)
    life.go_on(400, {KEY: 3}, {COUNTERS[0]: 3})
    life.set_clock(20_000)
    life.go_on(50, {KEY: 3}, {COUNTERS[0]: 3})
    send_all(sender)
    life.set_clock(-20_000)
    for seconds, moved in ((1, 0), (401, 5), (410, 6), (400, 7)):
        life.go_on(seconds, {KEY: 3}, {COUNTERS[0]: moved} if moved else {})
        send_all(sender)
    life.stop()
    send_all(sender)
    check(central, life)


def _check_memory(target: Target, life: Life) -> None:
    """See that what a sender takes to be there is there, where it is the last who has sent."""
    with connect(target.url) as connection:
        remembered, there = (sender.marks(connection, life.machine_id) for sender in (target.sender, Sender()))
        assert remembered == there or remembered.sendings > there.sendings


@pytest.mark.parametrize("table", ["locations", "interfaces", "drops", "counter_changes", "watches", "gaps"])
def test_a_transaction_that_fails_leaves_nothing(central: str, live: Live, table: str) -> None:
    """Wherever it ends: what was sent before stays, and the rest comes with the next one."""
    life = live()
    sender = Target(central, life.path)
    life.go_on(10, {KEY: 3}, {COUNTERS[0]: 3})
    send_all(sender)
    before = asked(central, _DROPPED)
    asked(central, f"""CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'disk full'; END$$;
                       CREATE TRIGGER stop BEFORE INSERT ON dropwatch.{table} EXECUTE FUNCTION stop()""")
    life.restart()
    life.go_on(90, {KEY._replace(location=KEY.location._replace(symbol="tcp_v4_rcv")): 4}, {COUNTERS[0]: 4})
    with pytest.raises(FleetError, match="disk full"):
        send_all(sender)
    assert asked(central, _DROPPED) == before
    asked(central, f"DROP TRIGGER stop ON dropwatch.{table}")
    life.stop()
    send_all(sender)
    check(central, life)


def test_two_senders_of_one_host_send_once(central: str, live: Live) -> None:
    """Each finds what the other has sent: names that it took for known are looked at anew."""
    life = live()
    senders = [Target(central, life.path), Target(central, life.path)]
    for number in range(6):
        life.go_on(70, {KEY: 3}, {COUNTERS[0]: 3})
        send_all(senders[number % 2])
    life.stop()
    send_all(senders[0])
    check(central, life)


def test_a_server_that_goes_away_and_comes_back(live: Live) -> None:
    """The history is the spool: it goes on, and all of it arrives when the server answers again."""
    with Server() as server:
        set_up(server.url())
        life = live()
        sender = Target(server.url(), life.path)
        life.go_on(10, {KEY: 3}, {COUNTERS[0]: 3})
        send_all(sender)
        server.stop(signal.SIGQUIT)
        life.go_on(300, {KEY: 4}, {COUNTERS[0]: 4})
        with pytest.raises(FleetError, match="cannot be used"):
            send_all(sender)
        server.start()
        life.restart()
        life.go_on(10, {KEY: 5}, {COUNTERS[0]: 5})
        life.stop()
        send_all(sender)
        check(server.url(), life)
