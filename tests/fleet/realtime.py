"""Many hosts that send at their real pace, each at times of its own; perhaps the server is lost for a while.

In the end all that each host made must be in the central history: drops, counter changes and watches, host by host.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg

from dropwatchd.history.fleet.setup import set_up
from tests.fleet.costs import Costs
from tests.fleet.hosts import Fleet, Told
from tests.fleet.relay import Relay
from tests.fleet.server import Server
from tests.fleet.simulated import MINUTE_NS, SUMS, Made

_THREADS = 48
_TELL_S = 10
_LONGEST_S = 4000  # until all have caught up


@dataclass(frozen=True, slots=True)
class Plan:
    """How many hosts send how often, for how long; and for how long the server is away after that."""

    hosts: int
    interval_s: float
    minutes: float
    lose_s: float = 0
    kill: bool = False


def run(plan: Plan, server: Server) -> Iterator[str]:
    """Do it, with lines that tell how it goes; raise AssertionError where a sum differs."""
    set_up(server.url())
    fleet = Fleet(plan.hosts, plan.interval_s, server, Relay(server))
    _add_logins(server, fleet)
    over = threading.Event()
    with ThreadPoolExecutor(_THREADS) as pool:
        sending = threading.Thread(target=fleet.go_on, args=(pool, over), daemon=True)
        sending.start()
        try:
            yield from _phases(plan, fleet, server)
            over.set()
            sending.join()
            end_ns = -(-time.time_ns() // MINUTE_NS) * MINUTE_NS
            took_s = fleet.flush(pool, end_ns)
            yield f"what was left of all {plan.hosts} at once: {took_s:.1f} s, {plan.hosts / took_s:.0f} rounds/s"
        finally:
            over.set()
            pool.shutdown(cancel_futures=True)
    yield _checked(server, {one.host.key: one.host.made(end_ns) for one in fleet.ones})


def _phases(plan: Plan, fleet: Fleet, server: Server) -> Iterator[str]:
    began_s, seconds = time.monotonic(), plan.minutes * 60
    yield from _progress(fleet, "first sendings", lambda: time.monotonic() > began_s + 1.1 * plan.interval_s)
    costs = Costs(server, fleet)
    told = yield from _progress(fleet, "steady", lambda: time.monotonic() > began_s + seconds)
    yield from costs.tell(told, plan.interval_s)
    if not plan.lose_s:
        return
    if plan.kill:
        server.kill()
    else:
        server.stop()
    lost_s = time.monotonic()
    yield from _progress(fleet, "the server is away", lambda: time.monotonic() > lost_s + plan.lose_s)
    server.start()
    back_s, most_s = time.monotonic(), fleet.ages()[-1]
    yield from _progress(fleet, "it is back", lambda: all(one.sent_s > back_s for one in fleet.ones))
    yield (f"all have caught up {time.monotonic() - back_s:.0f} s after it was back; when it came, they were "
           f"{most_s:.0f} s behind at most")


def _progress(fleet: Fleet, phase: str, is_over: Callable[[], bool]) -> Generator[str, None, Told]:
    """Tell what goes on until something is so, and in the end what came of the rounds of that time."""
    began_s, next_s = time.monotonic(), time.monotonic() + _TELL_S
    while not is_over():
        assert not fleet.fault, fleet.fault
        assert time.monotonic() < began_s + _LONGEST_S, "hosts do not catch up"
        time.sleep(0.2)
        if time.monotonic() > next_s:
            next_s += _TELL_S
            ages = fleet.ages()
            yield (f"{time.monotonic() - fleet.began_s:5.0f} s, {phase}: {fleet.told}; behind by "
                   f"{ages[len(ages) // 2]:.0f} s (median), {ages[-1]:.0f} s (most)")
    told = fleet.tell()
    yield f"{phase}, {time.monotonic() - began_s:.0f} s: {told}; {told.spread()}"
    return told


def _add_logins(server: Server, fleet: Fleet) -> None:
    """Give each host a login of its own."""
    with psycopg.connect(server.url()) as connection, connection.cursor() as cursor:
        for one in fleet.ones:
            cursor.execute(f"CREATE ROLE host_{one.host.machine_id} LOGIN IN ROLE dropwatch_write".encode())


def _checked(server: Server, made: dict[int, Made]) -> str:
    """See that all sums are those of what was made, host by host."""
    with psycopg.connect(server.url()) as connection:
        there = {row[0]: Made(*row[1:]) for row in connection.execute(SUMS).fetchall()}
    differ = [(host, made.get(host), there.get(host)) for host in made.keys() | there.keys()
              if made.get(host) != there.get(host)]
    assert not differ, f"{len(differ)} hosts differ, the first: {differ[0]}"
    whole = [sum(column) for column in zip(*made.values(), strict=True)]
    return (f"exact, host by host: {len(made)} hosts, {whole[0]} drops in {whole[2]} minutes of a host, counters moved "
            f"by {whole[3]} in {whole[4]} changes, {whole[5]} watches")
