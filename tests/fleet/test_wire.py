"""What is sent in few bytes is what is sent table by table."""

from collections.abc import Callable
from random import Random

from dropwatchd.upload.loop import Target, send_all
from tests.fleet.conftest import asked, older
from tests.fleet.life import COUNTERS, KEYS, Life
from tests.fleet.relay import Relay
from tests.fleet.server import Server

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
        for target in targets:
            octets = relay.octets
            send_all(target)
            sizes.append(relay.octets - octets)
    for table in _TABLES:
        rows = [asked(url, f"SELECT (to_jsonb(t) - 'added_at')::text FROM dropwatch.{table} t ORDER BY 1")  # noqa: S608
                for url in (before, central)]
        assert rows[0] == rows[1], table
        assert rows[0] or table == "events", table
    for _ in range(3):
        life.go_on(300, dict.fromkeys(KEYS, 300), dict.fromkeys(COUNTERS, 300))
        octets = relay.octets
        send_all(targets[1])
    assert relay.octets - octets < _MOST_BYTES
    assert min(sizes[::2]) > 3 * min(sizes[1::2]), sizes
