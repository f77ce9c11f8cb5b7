"""What arrives is what was recorded: whatever is repeated, killed, folded, set back or taken back in between."""

from collections import Counter
from collections.abc import Callable
from random import Random

import psycopg
import pytest

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.fleet.connect import FleetError
from dropwatchd.history.fold import MINUTE_NS
from dropwatchd.upload.loop import Target, send_all
from tests.fleet.conftest import asked, copied
from tests.fleet.life import COUNTERS, GAUGE, KEY, Life
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


def _check(url: str, *lives: Life) -> None:
    """See that the sums there are those of what hosts were told."""
    dropped: Counter[tuple[str | None, str | None, str | None]] = Counter()
    moved: Counter[str] = Counter()
    for life in lives:
        dropped.update(life.dropped)
        moved.update(life.moved)
    assert {row[:3]: row[3] for row in asked(url, _DROPPED)} == {key: number for key, number in dropped.items() if number}
    assert dict(asked(url, _MOVED)) == {key: number for key, number in moved.items() if number}


@pytest.mark.parametrize("seed", range(6))
def test_sums_are_exact_whatever_happens(server: Server, central: str, live: Live, seed: int) -> None:
    """Sending at any time, restarts, crashes, folds of both widths, a clock that is set, an older central history."""
    chance, life = Random(seed), live()
    older, sender = central, Target(central, life.path)
    for _ in range(40):
        life.random(chance, chance.choice([1, 10, 10, 10, 50, 400]))
        for likely, happens in (
                (0.3, lambda: send_all(sender)), (0.1, lambda: life.restart(chance.choice([2, 4000]))),
                (0.1, life.crash), (0.1, lambda: life.fold(MINUTE_NS)), (0.07, lambda: life.fold(HOUR_NS)),
                (0.07, lambda: life.set_clock(chance.choice([-1000, -30, 30, 5000]))), (0.03, life.boot)):
            if chance.random() < likely:
                happens()
        if chance.random() < 0.1:
            older = copied(server, psycopg.conninfo.conninfo_to_dict(sender.url)["dbname"])  # type: ignore[arg-type]
        if chance.random() < 0.05:
            sender = Target(older, life.path)
    life.stop()
    send_all(sender)
    _check(sender.url, life)
    assert send_all(Target(sender.url, life.path)) == 0
    _check(sender.url, life)
