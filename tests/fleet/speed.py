"""Many hosts that send at once: how many rows a second a server takes, and how long reports take then.

Each host sends what so many minutes hold: one kind of drop, ten counters that move, and its watches.
"""

import multiprocessing
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from dropwatchd.history.fleet.connect import connect
from dropwatchd.history.fleet.setup import set_up
from dropwatchd.model import NANO
from dropwatchd.upload.send import Sender
from tests.fleet.relay import Relay
from tests.fleet.server import Server
from tests.fleet.simulated import MINUTE_NS, Host

_DAY_NS = 86_400 * NANO
Told = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many hosts send how often, from how many processes; a round has so many minutes."""

    hosts: int
    processes: int
    rounds: int
    minutes: int


def run(plan: Plan, server: Server) -> Iterator[str]:
    """Send all of it, and tell what it took."""
    start_ns = time.time_ns() // _DAY_NS * _DAY_NS
    set_up(server.url())
    told: multiprocessing.Queue[Told] = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=_send, args=(server.url(), part, plan, start_ns, told), daemon=True)
               for part in (range(number, plan.hosts, plan.processes) for number in range(plan.processes))]
    began, before_s = time.monotonic(), server.cpu_s()
    for worker in workers:
        worker.start()
    rows, cpu = map(sum, zip(*(told.get() for _ in workers), strict=True))
    took = time.monotonic() - began
    for worker in workers:
        worker.join()
    time.sleep(1)  # until its processes have ended
    rounds = plan.hosts * plan.rounds
    server_s = (server.cpu_s() - before_s) / rounds
    yield (f"{plan.hosts} hosts, {plan.rounds} rounds of {plan.minutes} minutes, {plan.processes} processes: {rows} "
           f"rows in {took:.1f} s, {rows / took:.0f} rows/s, {rounds / took:.0f} rounds/s; CPU of a round: sender "
           f"{1000 * cpu / rounds:.2f} ms, server {1000 * server_s:.2f} ms; of a row "
           f"{1e6 * server_s * rounds / rows:.0f} us there")
    yield from _sizes(server, plan)
    yield from _reports(server, start_ns, plan)
    yield _wire(server, start_ns, plan)


def _send(url: str, numbers: range, plan: Plan, start_ns: int, told: "multiprocessing.Queue[Told]") -> None:
    """Send for some hosts, each with a connection of its own that it holds no longer than it sends."""
    hosts, rows, cpu_s = [(Host(number, start_ns), Sender()) for number in numbers], 0, 0.0
    for round_ in range(1, plan.rounds + 1):
        for host, sender in hosts:
            before_s = time.process_time()
            with connect(url, unchecked=True) as connection:
                marks = sender.marks(connection, host.machine_id)
                making_s = time.process_time()
                made = host.next(marks, start_ns + round_ * plan.minutes * MINUTE_NS)
                before_s += time.process_time() - making_s
                rows += sender.send(connection, made)
            cpu_s += time.process_time() - before_s
    told.put((rows, cpu_s))


def _sizes(server: Server, plan: Plan) -> Iterator[str]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for table in ("drops", "counter_changes"):
            [(size, rows)] = connection.execute(f"""
                SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('dropwatch.{table}')),
                       (SELECT count(*) FROM dropwatch.{table})""".encode()).fetchall()  # noqa: S608 - names of ours
            yield (f"{table}: {rows} rows, {size / rows:.0f} bytes a row with indexes, "
                   f"{size / plan.hosts / plan.rounds / plan.minutes * 1440 / 1024:.0f} KiB a host and day")


def _reports(server: Server, start_ns: int, plan: Plan) -> Iterator[str]:
    """Ask for all that was sent, of all hosts and of one."""
    since_s = start_ns // NANO
    window = ["--since", f"@{since_s}", "--until", f"@{since_s + plan.rounds * plan.minutes * 60}"]
    for words in (["hosts"], [], ["coverage"], ["counters"], ["--by", "host"], ["--host", "host-1"]):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([Path(sys.executable).parent / "dwreport", "--database", server.url(), *window, *words],
                       check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        yield (f"dwreport {' '.join(words)}: {time.monotonic() - began:.2f} s, "
               f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.2f} s of CPU, up to "
               f"{after.ru_maxrss // 1024} MiB")


def _wire(server: Server, start_ns: int, plan: Plan) -> str:
    """Send for one host through a relay that counts."""
    relay, host, sender, sizes = Relay(server), Host(10**9, start_ns), Sender(), []
    for round_ in range(1, 5):
        before = relay.octets
        with connect(relay.through(server.url()), unchecked=True) as connection:
            marks = sender.marks(connection, host.machine_id)
            sender.send(connection, host.next(marks, start_ns + round_ * plan.minutes * MINUTE_NS))
        sizes.append(relay.octets - before)
    return (f"on the wire, both ways: {sizes[0]} bytes at first, then {sizes[-1]} in {plan.minutes} minutes: "
            f"{sizes[-1] / plan.minutes / 60:.1f} bytes/s")
