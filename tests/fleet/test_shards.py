"""Several central histories behind one database: what it says is what one of all hosts says, or an error."""

from collections.abc import Callable, Iterator
from random import Random

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from dropwatchd.history.fleet.connect import FleetError
from dropwatchd.history.fleet.keys import key
from dropwatchd.history.fleet.setup import set_up, set_up_coordinator
from dropwatchd.upload.loop import Target, send_all
from tests.fleet.conftest import asked, copied
from tests.fleet.life import COUNTERS, KEY, START, Life
from tests.fleet.server import Server
from tests.fleet.shards import said
from tests.fleet.test_views import DASHBOARD, asked_of, panels

Live = Callable[..., Life]
_WINDOW = ("--since", f"@{START - 60}", "--until", f"@{START + 7200}")


@pytest.fixture
def shards(server: Server, central: str) -> Iterator[list[str]]:
    """Return the URLs of two central histories and, last, of a database that asks both."""
    assert central
    made = [copied(server, "template1"), copied(server, "template1"), copied(server, "template0")]
    set_up_coordinator(made[-1])
    for number, url in enumerate(made[:-1], 1):
        place = conninfo_to_dict(url)
        asked(made[-1], f"""
            SELECT dropwatch.add_shard('s{number}', first, last, $$host '{place['host']}', port '{place['port']}',
                                       dbname '{place['dbname']}'$$, $$user 'postgres', password_required 'false'$$)
            FROM dropwatch.part_of_keys({number}, 2)""")  # noqa: S608
    yield made
    asked(server.url(), f"DROP DATABASE {conninfo_to_dict(made[-1])['dbname']} WITH (FORCE)")


def test_what_shards_say_is_what_one_says(server: Server, central: str, shards: list[str], live: Live) -> None:
    """Reports, views and the dashboard; with one gone its hosts are missing, and views say nothing at all."""
    *own, asking = shards
    placed = _send(central, shards, live)
    assert {*placed.values()} == {"s1", "s2"}
    for words in ((), ("hosts",), ("counters",), ("--by", "host,reason")):
        assert said(asking, *_WINDOW, *words) == said(central, *_WINDOW, *words), words
    for name in ("v_drops", "v_counters", "v_gaps", "v_events", "v_watches"):
        sql = f"SELECT * FROM dropwatch.{name}"  # noqa: S608
        found = asked(asking, sql)
        assert sorted(found, key=str) == sorted(asked(central, sql), key=str), name
        assert found or name in {"v_gaps", "v_events"}, name
    for title, sql in panels(DASHBOARD).items():
        assert sorted(asked_of(asking, sql), key=str) == sorted(asked_of(central, sql), key=str), title
    removed = next(name for name, shard in placed.items() if shard == "s2")
    del placed[removed]
    asked(own[1], f"DELETE FROM dropwatch.hosts WHERE hostname = '{removed}'")  # noqa: S608
    assert removed not in {row["host"] for row in said(asking, *_WINDOW, "hosts")["fleet"]}
    asked(server.url(), f"DROP DATABASE {conninfo_to_dict(own[1])['dbname']} WITH (FORCE)")
    rows = said(asking, *_WINDOW, "hosts", told="not answered: shard s2")["fleet"]
    assert {row["host"] for row in rows if row["drops"] is None} == {
        name for name, shard in placed.items() if shard == "s2"}
    assert {row["host"] for row in said(asking, *_WINDOW, "runs", told="not answered: shard s2")["runs"]} == {
        name for name, shard in placed.items() if shard == "s1"}
    with pytest.raises(psycopg.Error, match="could not connect to server"):
        asked(asking, "SELECT count(*) FROM dropwatch.v_drops")


def test_each_database_is_of_one_sort(central: str, shards: list[str]) -> None:
    """One that asks others takes no history, and one that has a history asks no others; keys are made in one way."""
    with pytest.raises(FleetError, match="takes no history"):
        set_up(shards[-1])
    with pytest.raises(FleetError, match="history of its own"):
        set_up_coordinator(central)
    set_up_coordinator(shards[-1])  # again
    for url in (central, shards[-1]):
        assert asked(url, "SELECT dropwatch.key('a', NULL, 'ö', '-1')") == [(key("a", None, "ö", -1),)]
    asked(shards[-1], "UPDATE dropwatch.revision SET revision = '0001'")
    with pytest.raises(FleetError, match="add its shards again"):
        set_up_coordinator(shards[-1])


def _send(central: str, shards: list[str], live: Live) -> dict[str, str]:
    """Send the histories of some hosts to the one history, and to their shards; return where they went."""
    placed, chance = {}, Random(3)
    for number in range(6):
        life = live(f"web-{number}")
        for _ in range(30):
            life.random(chance, 60)
        life.restart(100)
        life.go_on(60, {KEY: 5}, {COUNTERS[0]: 5})
        life.stop()
        [(shard,)] = asked(shards[-1], f"SELECT dropwatch.shard_of('{life.machine_id}')")
        placed[life.name] = shard
        for url in (central, shards[int(shard[1:]) - 1]):
            send_all(Target(url, life.path))
    return placed
