"""Many hosts that send at once, with the rows and statements of the product: how many rows a second a server takes.

    python -m tests.fleet.load [HOSTS [PROCESSES [ROUNDS]]]

Each host sends what five minutes hold at one drop window a second: five minutes of one kind of drop, ten counters that
move, and its watches. Bytes are those on the socket, both ways.
"""

import multiprocessing
import resource
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from dropwatchd.history.fleet.connect import connect
from dropwatchd.history.fleet.keys import key
from dropwatchd.history.fleet.setup import set_up
from dropwatchd.model import NANO
from dropwatchd.upload.send import Sender
from dropwatchd.upload.slice import Slice
from tests.fleet.relay import Relay
from tests.fleet.server import Server

_MINUTE_NS, _COUNTERS, _WATCHES = 60 * NANO, 10, 24


def made(number: int, round_: int, start_ns: int) -> Slice:
    """Return what a host has to send of five minutes."""
    machine = f"{key('host', number) % 2**64:016x}" * 2
    run, begin_ns = key(machine, "run"), start_ns + round_ * 5 * _MINUTE_NS
    location, kind = ("udp_queue_rcv_one_skb", 18, None, None), ("SOCKET_RCVBUFF", 2048, "software", None, None)
    counters = [(key(machine, name), "snmp", f"Udp{name}", None, None, None, "{}", False) for name in range(_COUNTERS)]
    interface = (key(machine, "eth0"), machine, None, 2, "eth0", "physical", "e1000", None, start_ns, start_ns)
    rows: dict[str, Any] = {
        "locations": [(key(*location), *location)], "kinds": [(key(*kind), *kind)], "interfaces": [interface],
        "counters": counters,
        "drops": [(key(*location), key(*kind), interface[0], begin_ns + minute * _MINUTE_NS, _MINUTE_NS, 60, 6000,
                   begin_ns + minute * _MINUTE_NS, begin_ns + (minute + 1) * _MINUTE_NS - 1) for minute in range(5)],
        "counter_changes": [(counter[0], begin_ns + minute * _MINUTE_NS, begin_ns + (minute - 1) * _MINUTE_NS, 60)
                            for minute in range(5) for counter in counters],
        "watches": [(key(run, place), 0, place, *what, None, start_ns, begin_ns + 5 * _MINUTE_NS, 0,
                     begin_ns - start_ns, "[]", "")
                    for place in range(_WATCHES)
                    for what in [("counters", f"c{place}") if place else ("software", "bpf")]]}
    return Slice(machine, f"host-{number}", run, (machine, f"host-{number}", "6.18.0", "0", start_ns, None, None),
                 begin_ns + 5 * _MINUTE_NS, begin_ns + 5 * _MINUTE_NS, complete=False, more=False, rows=rows)


def _send(url: str, numbers: range, rounds: int, start_ns: int, told: "multiprocessing.Queue[tuple[int, float]]",
          ) -> None:
    """Send for some hosts, each with a connection of its own that it holds no longer than it sends."""
    senders, rows = [Sender() for _ in numbers], 0
    for round_ in range(rounds):
        for sender, number in zip(senders, numbers, strict=True):
            chosen = made(number, round_, start_ns)
            with connect(url, unchecked=True) as connection:
                sender.marks(connection, chosen.machine_id)
                rows += sender.send(connection, chosen)
    told.put((rows, time.process_time()))


def measure(server: Server, hosts: int, processes: int, rounds: int) -> None:
    start_ns = time.time_ns() // (86_400 * NANO) * 86_400 * NANO
    set_up(server.url())
    told: multiprocessing.Queue[tuple[int, float]] = multiprocessing.Queue()
    parts = [range(part, hosts, processes) for part in range(processes)]
    workers = [multiprocessing.Process(target=_send, args=(server.url(), part, rounds, start_ns, told))
               for part in parts]
    began, before_s = time.monotonic(), server.cpu_s()
    for worker in workers:
        worker.start()
    rows, cpu = map(sum, zip(*(told.get() for _ in workers), strict=True))
    took = time.monotonic() - began
    for worker in workers:
        worker.join()
    time.sleep(1)  # until its processes have ended
    server_s = (server.cpu_s() - before_s) / hosts / rounds
    print(f"{hosts} hosts, {rounds} rounds, {processes} processes: {rows} rows in {took:.1f} s, "
          f"{rows / took:.0f} rows/s, {hosts * rounds / took:.0f} hosts/s; "
          f"CPU of a round: sender {1000 * cpu / hosts / rounds:.2f} ms, server {1000 * server_s:.2f} ms: "
          f"{100_000 / 300 * server_s:.1f} cores for 100,000 hosts at five minutes")
    _tell_size(server, hosts, rounds)
    _tell_reports(server, start_ns, rounds)
    _tell_bytes(server, start_ns, rounds)


def _tell_size(server: Server, hosts: int, rounds: int) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for table in ("drops", "counter_changes"):
            [(size, rows)] = connection.execute(f"""
                SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('dropwatch.{table}')),
                       (SELECT count(*) FROM dropwatch.{table})""".encode()).fetchall()  # noqa: S608 - names of ours
            print(f"{table}: {rows} rows, {size / rows:.0f} bytes a row with indexes, "
                  f"{size / hosts / rounds * 288 / 1024:.0f} KiB a host and day")


def _tell_reports(server: Server, start_ns: int, rounds: int) -> None:
    """Ask for all that was sent, of all hosts and of one."""
    window = ["--since", f"@{start_ns // NANO}", "--until", f"@{start_ns // NANO + rounds * 300}"]
    for words in (["hosts"], [], ["coverage"], ["counters"], ["--by", "host"], ["--host", "host-1"]):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([Path(sys.executable).parent / "dwreport", "--database", server.url(), *window, *words],
                       check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"dwreport {' '.join(words)}: {time.monotonic() - began:.2f} s, "
              f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.2f} s of CPU, up to "
              f"{after.ru_maxrss // 1024} MiB")


def _tell_bytes(server: Server, start_ns: int, rounds: int) -> None:
    """Send for one host through a relay that counts."""
    relay = Relay(server)
    url = relay.through(server.url())
    sender, sizes = Sender(), []
    for round_ in islice(range(rounds, rounds + 4), 4):
        before = relay.octets
        with psycopg.connect(url, autocommit=True) as connection:
            chosen = made(10**9, round_, start_ns)
            sender.marks(connection, chosen.machine_id)
            sender.send(connection, chosen)
        sizes.append(relay.octets - before)
    print(f"on the wire, both ways: {sizes[0]} bytes at first, then {sizes[-1]} in five minutes: "
          f"{sizes[-1] / 300:.1f} bytes/s")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    hosts_, processes_, rounds_ = (*given, *(1000, 4, 3)[len(given):])
    with Server(5432, "-c", "max_connections=200", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB") as server_:
        measure(server_, hosts_, processes_, rounds_)
