"""The hosts of a simulation, each with the product's sender: who is due sends, in one of a few threads."""

import heapq
import statistics
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg

from dropwatchd.history.fleet.connect import FleetError, connect
from dropwatchd.upload.pace import Pace
from dropwatchd.upload.send import OvertakenError, Sender
from tests.fleet.relay import Relay
from tests.fleet.server import Server
from tests.fleet.simulated import MINUTE_NS, Host

_RELAYED = 50   # one host in so many sends through a relay that counts bytes
_FLUSH_S = 300  # for what fails in the end


@dataclass(slots=True)
class _One:
    """A host beside its sender."""

    host: Host
    url: str
    pace: Pace
    is_relayed: bool
    sender: Sender = field(default_factory=Sender)
    sent_s: float = 0


@dataclass(slots=True)
class Told:
    """What came of rounds: seconds from when they were due, seconds that they took, CPU of sending."""

    due: int = 0
    refused: int = 0
    anew: int = 0
    rows: int = 0
    relayed: int = 0
    cpu_s: float = 0
    waited: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return (f"{self.due} rounds due, {len(self.took)} done, {self.refused} refused"
                + (f", {self.anew} by what it had forgotten" if self.anew else ""))

    def spread(self) -> str:
        """Return median and 99 % of times."""
        if len(self.took) < 2:
            return "nothing was sent"
        return "; ".join(f"{name} {1000 * statistics.median(times):.0f} ms (median), "
                         f"{1000 * statistics.quantiles(times, n=100)[-1]:.0f} ms (99 %)"
                         for name, times in (("from due to done", self.waited), ("sending", self.took)))


class Fleet:
    """Hosts that wait for their time in a heap."""

    def __init__(self, hosts: int, interval_s: float, server: Server, relay: Relay) -> None:
        self.start_ns = time.time_ns() // MINUTE_NS * MINUTE_NS
        self.relay, self.told, self._lock = relay, Told(), threading.Lock()
        self.ones = [self._one(Host(number, self.start_ns), server, Pace(interval_s), is_relayed=not number % _RELAYED)
                     for number in range(hosts)]
        self.began_s, self.fault = time.monotonic(), ""
        for one in self.ones:
            one.sent_s = self.began_s
        self._due = [(self.began_s + one.pace.first(), number) for number, one in enumerate(self.ones)]
        heapq.heapify(self._due)

    def _one(self, host: Host, server: Server, pace: Pace, *, is_relayed: bool) -> _One:
        url = server.url(user=f"host_{host.machine_id}")
        return _One(host, self.relay.through(url) if is_relayed else url, pace, is_relayed)

    def go_on(self, pool: ThreadPoolExecutor, over: threading.Event) -> None:
        """Have whoever is due send, until it is over."""
        while not over.wait(0.02):
            now_s = time.monotonic()
            while self._due and self._due[0][0] <= now_s:
                with self._lock:
                    due_s, number = heapq.heappop(self._due)
                    self.told.due += 1
                pool.submit(self._round, due_s, number)

    def _round(self, due_s: float, number: int) -> None:
        one = self.ones[number]
        try:
            sent = self.send(one, due_s, time.time_ns())
        except BaseException:
            self.fault = traceback.format_exc()
            raise
        with self._lock:
            now_s = time.monotonic()
            heapq.heappush(self._due, (now_s + one.pace.next(now_s, sent=sent), number))

    def send(self, one: _One, due_s: float, now_ns: int, *, ended: bool = False) -> bool:
        """Send as the product does, over a connection that is there no longer than that; say whether it went well."""
        began_s, cpu_s = time.monotonic(), time.thread_time()
        try:
            with connect(one.url, unchecked=True) as connection:
                rows, made_s = self._sent(connection, one, now_ns, ended=ended)
        except (FleetError, psycopg.Error):
            with self._lock:
                self.told.refused += 1
            return False
        one.sent_s = time.monotonic()
        with self._lock:
            told = self.told
            told.cpu_s += time.thread_time() - cpu_s - made_s
            told.rows += rows
            told.relayed += one.is_relayed
            told.waited.append(one.sent_s - due_s)
            told.took.append(one.sent_s - began_s)
        return True

    def _sent(self, connection: "psycopg.Connection[Any]", one: _One, now_ns: int, *, ended: bool) -> tuple[int, float]:
        """Send once, and anew where the server has forgotten what it had; return rows and the CPU of making them."""
        while True:
            marks, before_s = one.sender.marks(connection, one.host.machine_id), time.thread_time()
            made = one.host.next(marks, now_ns, ended=ended)
            made_s = time.thread_time() - before_s
            try:
                return one.sender.send(connection, made), made_s
            except OvertakenError:
                with self._lock:
                    self.told.anew += 1

    def tell(self) -> Told:
        """Return what came of rounds so far, and begin to count anew."""
        with self._lock:
            told, self.told = self.told, Told()
        return told

    def flush(self, pool: ThreadPoolExecutor, end_ns: int) -> float:
        """Send what is left of all hosts at once, as often as it takes; return how long that was."""
        began_s, left = time.monotonic(), self.ones
        while left:
            assert time.monotonic() < began_s + _FLUSH_S, f"{len(left)} hosts cannot send"
            sent = list(pool.map(lambda one: self.send(one, began_s, end_ns, ended=True), left))
            left = [one for one, went_well in zip(left, sent, strict=True) if not went_well]
        return time.monotonic() - began_s

    def ages(self) -> list[float]:
        """Return for how long each host has not sent, in order."""
        now_s = time.monotonic()
        return sorted(now_s - one.sent_s for one in self.ones)
