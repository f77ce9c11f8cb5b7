"""The life of a host whose daemon records: drops and counters second by second, all that was told added up beside."""

import hashlib
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.connection import connect, transaction
from dropwatchd.history.write.fold import fold_changes, fold_windows
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel.host import Identity
from dropwatchd.model import (
    NANO,
    CounterChange,
    CounterKey,
    Drop,
    DropKey,
    Instant,
    Interface,
    Kind,
    Location,
    Namespace,
    PacketSample,
    Reading,
    Watch,
    Watching,
    Window,
)

START = 1_763_805_600  # 2025-11-22 10:00:00 UTC
KEY = DropKey(Location("udp_queue_rcv_one_skb", 0x12), Kind("SOCKET_RCVBUFF", 0x0800),
              Interface(1, 2, "eth0", "init", 9, "initial"))
KEYS = [KEY, KEY._replace(kind=Kind("NO_SOCKET", 0x0800), location=Location("__udp4_lib_rcv", 0x4BC)),
        KEY._replace(interface=Interface(77, 1, "lo", None, 4026532008))]
COUNTERS = [CounterKey("snmp", "UdpRcvbufErrors", 1), CounterKey("snmp", "UdpNoPorts", 1),
            CounterKey("link", "rx_dropped", 1, 2, "eth0")]
GAUGE = CounterKey("device", "mtu", 1, 2, "eth0")
_SPACES = {1: Namespace(1, 9, "init", "initial", 1), 77: Namespace(77, 4026532008, None, None, 77)}
_WATCHED = [("daemon", "", None), ("software", "bpf", None), ("packets", "bpf", None), ("counters", "snmp", 1),
            ("counters", "link", 1), ("counters", "device", 1)]


class Life:
    """A host with one history; `dropped` and `moved` are what it was told so far, by what reports name."""

    def __init__(self, path: Path, name: str, start: int = START, machine_id: str | None = None,
                 boots: int = 0) -> None:
        self.path, self.name = path, name
        self.machine_id = machine_id or hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        self.dropped: Counter[tuple[str | None, str | None, str | None]] = Counter()
        self.moved: Counter[str] = Counter()
        self.now, self.boots = float(start), boots
        self._skew = 0
        self.boot()

    def boot(self) -> None:
        """Start the daemon in a new boot."""
        self.boots += 1
        self._writer = Writer(self.path, Identity(self.name, self.machine_id, f"boot-{self.boots}", "6.18.0"))
        self._begin()

    def restart(self, seconds: float = 2) -> None:
        """Stop the daemon, and start it again in the same boot."""
        self.stop()
        self.now += seconds
        self._writer = Writer(self.path, Identity(self.name, self.machine_id, f"boot-{self.boots}", "6.18.0"))
        self._begin()

    def rename(self, name: str) -> None:
        """Give the host another name, which the daemon finds when it is started again."""
        self.name = name
        self.restart()

    def crash(self, seconds: float = 2) -> None:
        """Kill it, and start it again."""
        self._writer.close()
        self.now += seconds
        self._writer = Writer(self.path, Identity(self.name, self.machine_id, f"boot-{self.boots}", "6.18.0"))
        self._begin()

    def _begin(self) -> None:
        self._writer.start(self._at(self.now))
        self.since, self._read = self.now, self.now
        self._write(Batch(namespaces=_SPACES, starts=[
            (self._at(self.now).wall_ns, Reading(key, 1500 if key == GAUGE else 0, bits=0 if key == GAUGE else 64))
            for key in (*COUNTERS, GAUGE)]))

    def set_clock(self, seconds: int) -> None:
        """Set the wall clock; watches end and join on by the new one."""
        self._write(Batch(), ending="clock step")
        self._skew += seconds
        self.since = self.now = self.now + 0.5
        self._write(Batch())

    def go_on(self, seconds: float, drops: dict[DropKey, int] | None = None, moves: dict[CounterKey, int] | None = None,
              octets: int | None = 100) -> None:
        """Let time pass, in which so much was dropped and so many counters moved; all of it is written at its end."""
        last, self.now = self.now, self.now + seconds
        windows, samples = [], []
        for key, many in (drops or {}).items():
            first_ns = self._at(last + 0.25).wall_ns
            last_ns = max(first_ns, min(self._at(self.now).wall_ns - 1, first_ns + NANO // 2)) if many > 1 else first_ns
            windows.append(Window(first_ns // NANO * NANO, NANO, Drop(key, many, octets and octets * many, first_ns,
                                                                     last_ns)))
            samples.append(PacketSample(key, first_ns, 64, b"\x45" + bytes(27), many, link_header=False))
            self.dropped[key.kind.reason, key.location.symbol, key.interface.name] += many
        changes = [CounterChange(key, self._at(self._read).wall_ns, self._at(self.now).wall_ns, delta, 0,
                                 gauge=key == GAUGE) for key, delta in (moves or {}).items()]
        for counter, delta in (moves or {}).items():
            self.moved[counter.name] += delta
        self._read = self.now
        self._write(Batch(windows=windows, packets=samples, changes=changes, namespaces=_SPACES))

    def random(self, chance: Random, seconds: float = 10) -> None:
        """Let anything happen."""
        self.go_on(seconds, {key: chance.randint(1, 9) for key in KEYS if chance.random() < 0.5},
                   {key: chance.randint(1, 9) for key in COUNTERS if chance.random() < 0.5}
                   | ({GAUGE: chance.choice([-100, 100])} if chance.random() < 0.1 else {}),
                   chance.choice([None, 100]))

    def _write(self, batch: Batch, ending: str = "") -> None:
        batch.watches = [Watch(Watching(*what), self._at(self.since), self._at(self.now), (), ending)
                         for what in _WATCHED]
        self._writer.write(batch)

    def watch(self, what: tuple[str, str, int | None], since: float) -> None:
        """Say that something else was watched, from a time on up to now."""
        self._writer.write(Batch(namespaces=_SPACES,
                                 watches=[Watch(Watching(*what), self._at(since), self._at(self.now), (), "")]))

    def fold(self, width_ns: int) -> None:
        """Fold all that there is, as the history does when it is too large."""
        with closing(connect(self.path)) as made, transaction(made) as connection:
            connection.execute("PRAGMA defer_foreign_keys = ON")
            for _ in range(2):
                fold_windows(connection, width_ns, self._at(self.now).wall_ns, whole=False)
                fold_windows(connection, width_ns, self._at(self.now).wall_ns)
                fold_changes(connection, width_ns, self._at(self.now).wall_ns)

    def expire(self, days: int = 1) -> None:
        """Remove what is older than so many days, as often as there is something to remove."""
        options = RetentionOptions(days=days, fine_days=days, packet_days=days)
        while self._writer.tidy(options, self._at(self.now)):
            pass

    def stop(self) -> None:
        """Stop the daemon."""
        self._write(Batch(), ending="stopped")
        self._writer.finish(self._at(self.now), "stopped")

    def close(self) -> None:
        with suppress(Exception):
            self._writer.close()

    def _at(self, second: float) -> Instant:
        return Instant(int((second + self._skew) * NANO), int((second - START + 1000) * NANO))
