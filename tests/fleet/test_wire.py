"""What is sent in few bytes is what is sent table by table."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from random import Random

import pytest

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.fleet.connect import FleetError
from dropwatchd.upload.loop import Target, send_all
from tests.fleet.conftest import asked, older
from tests.fleet.life import COUNTERS, KEYS, Life
from tests.fleet.relay import Relay
from tests.fleet.server import Server
from tests.fleet.test_exact import check

Live = Callable[..., Life]
_MOST_BYTES = 3000  # of a sending, connection and all: ten bytes a second at five minutes
_TABLES = ("runs", "watches", "drops", "counter_changes", "counters", "counter_starts", "locations", "kinds",
           "interfaces", "namespaces", "gaps", "events")


def test_few_bytes_write_the_same(server: Server, central: str, live: Live) -> None:
    """To a server of before, which takes tables, and to one of today: all rows are the same, of all columns."""
    before, life, chance = older(server, "0002"), live(), Random(2)
    relay = Relay(server)
    targets, sizes = [Target(relay.through(url), life.path) for url in (before, central)], []
    for number in range(30):
        life.random(chance, chance.choice([10, 60, 600]))
        if number % 10 == 9:
            life.restart()
        with closing(sqlite3.connect(life.path)) as history, history:  # clocks are read in turn, or not at all
            history.execute("UPDATE watches SET until_boot_ns = iif(id % 5, until_boot_ns - 7 * id, NULL)"
                            " WHERE run_id = (SELECT max(id) FROM runs)")
            if number == 5:  # a kind that was not known at once
                history.execute("UPDATE interfaces SET kind = 'physical', driver = 'e1000'")
        if number in {6, 16}:
            life.fold(HOUR_NS)
        for target in targets:
            octets = relay.octets
            send_all(target)
            sizes.append(relay.octets - octets)
        if number % 10 == 8:  # what was sent of a run that goes on; its end is sent table by table
            _check_same(before, central)
    _check_same(before, central)
    for _ in range(3):
        life.go_on(300, dict.fromkeys(KEYS, 300), dict.fromkeys(COUNTERS, 300))
        octets = relay.octets
        send_all(targets[1])
    assert relay.octets - octets < _MOST_BYTES
    assert min(sizes[::2]) > 3 * min(sizes[1::2]), sizes


def _check_same(*urls: str) -> None:
    for table in _TABLES:
        one, other = (asked(url, f"SELECT (to_jsonb(t) - 'added_at')::text FROM dropwatch.{table} t ORDER BY 1")  # noqa: S608
                      for url in urls)
        assert one == other, table
        assert one or table in {"events", "gaps"}, table


def test_what_is_remembered_is_there_no_longer(central: str, live: Live) -> None:
    """Where an administrator removed it, or upgraded the schema beyond us: it is asked again, in the same sending."""
    life = live()
    target = Target(central, life.path)

    def go_on() -> None:
        life.go_on(60, {KEYS[0]: 5}, {COUNTERS[0]: 5})
        send_all(target)

    for removed in ("watches WHERE what = 'counters'", "interfaces"):
        for _ in range(3):
            go_on()
        asked(central, f"DELETE FROM dropwatch.{removed}")  # noqa: S608 - names of ours
        go_on()
        [(whats, until_s)] = asked(central, "SELECT count(DISTINCT what), min(until_ns) / 1000000000"
                                            " FROM dropwatch.watches WHERE what IN ('software', 'counters')")
        assert (whats, until_s >= life.now - 60) == (2, True), removed
        assert asked(central, "SELECT count(*) FROM dropwatch.interfaces") == [(1,)]
    asked(central, "UPDATE dropwatch.revision SET revision = '9998', usable_from = '9997'")
    with pytest.raises(FleetError, match=r"schema 9998.*upgrade dropwatchd here"):
        go_on()
    asked(central, "UPDATE dropwatch.revision SET usable_from = '0001'")
    go_on()
    life.stop()
    send_all(target)
    check(central, life)
