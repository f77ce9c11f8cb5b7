"""A running NET_DM source and what it has recorded, for checks inside a guest."""

import contextlib
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from dropwatchd.model import Drop, DropKey, Event, Gap, GapCause, Location, PacketSample, Record
from dropwatchd.sources.net_dm.options import NetDmOptions, StormLimits
from dropwatchd.sources.net_dm.source import NetDmSource

DEADLINE_S = 240
NO_STORM = StormLimits(alerts=0)


class Recording:
    """Reads the source as the daemon does, in a thread; `records` grows while it runs."""

    def __init__(self, **options: Any) -> None:
        self._source = NetDmSource(NetDmOptions(**{"storm": NO_STORM, "hardware": False, **options}))
        self._stop = threading.Event()
        self.records: list[Record] = []
        self._source.open()
        self.limits = self._source.limits
        self._opened_ns = self._source.complete_until()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.closing(select.epoll()) as epoll:
            epoll.register(self._source.fileno(), select.EPOLLIN)
            while not self._stop.is_set():
                deadline = self._source.deadline()
                epoll.poll(None if deadline is None else max(deadline - time.monotonic(), 0))
                self.records += self._source.read()
        self.records += self._source.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def has_looked(self) -> bool:
        """Say whether it has looked who is in charge since it was opened."""
        return self._source.complete_until() > self._opened_ns

    def drops(self) -> Iterator[Drop]:
        return (record for record in list(self.records) if isinstance(record, Drop))

    def gaps(self, cause: GapCause) -> list[Gap]:
        return [record for record in list(self.records) if isinstance(record, Gap) and record.cause == cause]

    def events(self) -> list[str]:
        return [record.subject for record in list(self.records) if isinstance(record, Event)]

    def samples(self) -> list[PacketSample]:
        return [record for record in list(self.records) if isinstance(record, PacketSample)]

    def count(self, belongs: Callable[[DropKey], bool]) -> int:
        return sum(drop.count for drop in self.drops() if belongs(drop.key))

    def places(self) -> Counter[Location]:
        """Return how many were recorded where."""
        found: Counter[Location] = Counter()
        for drop in self.drops():
            found[drop.key.location] += drop.count
        return found

    def lost(self) -> int:
        return sum(gap.lost or 0 for cause in (GapCause.KERNEL_QUEUE, GapCause.SOCKET_OVERRUN)
                   for gap in self.gaps(cause))


@contextlib.contextmanager
def recording(**options: Any) -> Iterator[Recording]:
    """Record while the block runs; afterwards `records` is complete."""
    running = Recording(**options)
    try:
        yield running
    finally:
        running.close()


def until(condition: Callable[[], object], what: str | Callable[[], str]) -> None:
    """Wait for a condition, and fail when it does not come; `what` says then what was waited for."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {DEADLINE_S} s for {what if isinstance(what, str) else what()}")
        time.sleep(0.05)


def provoke(count: int, octets: int = 100) -> None:
    """Drop packets: UDP over loopback to a port that nobody has; a firewall's refusal is a drop as well."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            with contextlib.suppress(PermissionError):
                sender.sendto(bytes(octets), ("127.0.0.1", 9))


def is_udp(key: DropKey) -> bool:
    """Say whether this is the key of what `provoke` dropped, on any kernel."""
    return "udp4" in (key.location.symbol or "")
