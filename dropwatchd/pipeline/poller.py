"""The thread that takes snapshots of the counters, each collector on its own, on a steady schedule."""

import logging
import time
from collections.abc import Callable, Collection, Iterable
from errno import EINVAL, ENOENT
from threading import Event as Flag
from threading import Thread

from dropwatchd.collectors import AbsentError, Collect, let_go
from dropwatchd.history.read.patterns import is_called
from dropwatchd.history.write.batch import Collected
from dropwatchd.kernel import clock
from dropwatchd.kernel.addresses import BEHIND_S, oldest_address
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import LinkWatch
from dropwatchd.kernel.netns import entered
from dropwatchd.kernel.netns_names import Name, NetnsNames
from dropwatchd.model import NANO, SWITCHED_OFF, Effect, Gap, GapCause, Instant, Namespace, Watch, Watching
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.deltas import Deltas
from dropwatchd.pipeline.links import Links
from dropwatchd.pipeline.watches import Watches

log = logging.getLogger(__name__)
_ABSENT = "no such counters here"


class Poller(Thread):
    """Runs every collector once per interval and namespace. One that fails costs its own readings, and leaves a gap."""

    def __init__(self, collectors: dict[str, Collect], buffer: Buffer, names: NetnsNames, links: Links | None = None,
                 *, interval: float = 10.0, namespaces: Iterable[str] = ()) -> None:
        super().__init__(name="counters", daemon=True)
        self.interval = interval
        self.collectors = collectors
        self.namespaces = tuple(namespaces)
        self._buffer = buffer
        self._names = names
        self._links = links
        self._own = names.at_start
        self._deltas = Deltas()
        self._watches = Watches()
        self._ending, self._woken = Flag(), Flag()
        self._last_ns: dict[str, int] = {}
        self._noted: dict[str, str] = {}
        self._there: frozenset[int] = frozenset()
        self._last_round: tuple[Instant, float] | None = None  # its end, with the time.monotonic()
        self._read: set[Watching] = set()
        self.fault: BaseException | None = None

    def run(self) -> None:
        """Take rounds until stopped, and one more at the end; an error of ours ends the thread, and is kept."""
        try:
            self._run()
        except BaseException as error:  # whoever looks after the threads ends the process
            self.fault = error
            raise

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ending.is_set():
            self.take_round()
            due = max(due + self.interval, time.monotonic())
            if self._woken.wait(due - time.monotonic()):
                self._woken.clear()
                due = time.monotonic()
        self.take_round()
        self._buffer.add((), self._watches.end_all("stopped"))

    def change(self, collectors: dict[str, Collect], interval: float, namespaces: Iterable[str]) -> None:
        """Read these from now on, beginning at once."""
        self.collectors, self.interval, self.namespaces = collectors, interval, tuple(namespaces)
        self._woken.set()

    def stop(self) -> None:
        """End after the round that is running, if any, and a last one."""
        self._ending.set()
        self._woken.set()

    def take_round(self) -> None:
        """Read every collector here, and in the namespaces that the configuration names."""
        self._buffer.add([self._own])
        self._take_all(Host(netns=self._own.number))
        wanted = [name for name in (self._names.present() if self.namespaces else ())
                  if any(is_called(pattern, [name.namespace.name or ""]) for pattern in self.namespaces)]
        visited = [self._visit(name) for name in wanted]  # a name may have gone to another namespace just now
        self._forget(frozenset(filter(None, (*visited, *(name.namespace.number for name in wanted)))))
        self._forget_places({name.namespace.name for name in wanted})

    def _visit(self, name: Name) -> int | None:
        """Read in a namespace, and return its number."""
        place = f"@{name.namespace.name}"
        try:
            with entered(name.path) as found:
                namespace = found._replace(name=name.namespace.name, kind=name.namespace.kind)
                if namespace.number != self._own.number:
                    self._buffer.add([namespace])
                    self._begin_at_zero(namespace)
                    self._watch_links(namespace)
                    self._take_all(Host(netns=namespace.number), place)
            self._note(place, "", log.info)
        except OSError as error:
            if error.errno in {ENOENT, EINVAL}:  # it went away just now: unmounted first, then deleted
                return None
            hint = "; it takes CAP_SYS_ADMIN" if isinstance(error, PermissionError) else ""
            self._failed(place, f"the namespace cannot be entered ({error.strerror}{hint})", time.time_ns(), log.error)
            return None
        return namespace.number

    def _begin_at_zero(self, namespace: Namespace) -> None:
        """Let the counters of a namespace that was made since the last round begin at zero then.

        One that only got its name since has counted before: what it has counted at the first reading is its start.
        """
        if not self._last_round or namespace.number in self._there:
            return
        then, then_s = self._last_round
        oldest_s = oldest_address()
        if oldest_s is not None and oldest_s >= then_s - BEHIND_S:
            behind_ns = int(BEHIND_S * NANO)
            for collector in self.collectors:
                self._deltas.begin(f"{collector}@{namespace.number}",
                                   Instant(then.wall_ns - behind_ns, then.boot_ns - behind_ns))

    def _watch_links(self, namespace: Namespace) -> None:
        if self._links is not None and namespace.number not in self._links:
            self._links.add(LinkWatch(namespace.number))

    def _forget(self, numbers: frozenset[int]) -> None:
        """Let go of what is read no longer: of namespaces that have gone, of collectors that were switched off."""
        read = {Watching("counters", collector, number)
                for collector in self.collectors for number in (self._own.number, *numbers)}
        there = {self._own.number, *(name.namespace.number for name in self._names.present())}
        for watching in self._read - read:
            self._deltas.forget(f"{watching.name}@{watching.netns}")
            why = SWITCHED_OFF if watching.netns in there else "the namespace has gone"
            self._buffer.add((), self._watches.end(watching, why))
        for name in {watching.name for watching in self._read} - {watching.name for watching in read}:
            let_go(name)
        if self._links is not None:
            self._links.keep({self._own.number, *numbers})
        self._read, self._there, self._last_round = read, numbers, (clock.now(), time.monotonic())

    def _forget_places(self, names: Collection[str | None]) -> None:
        for told in (self._noted, self._last_ns):
            for what in [what for what in told if "@" in what and what.partition("@")[2] not in names]:
                del told[what]

    def _take_all(self, host: Host, place: str = "") -> None:
        for name, collect in list(self.collectors.items()):
            self._take(name, collect, host, place)

    def _take(self, name: str, collect: Collect, host: Host, place: str) -> None:
        begun, cpu_ns = clock.now(), time.thread_time_ns()
        watching = Watching("counters", name, host.netns)
        try:
            readings = list(collect(host))
            if place:  # what is not of a namespace is the whole host's, and has been read already
                readings = [reading for reading in readings if reading.key.netns is not None]
            now = clock.now()
            changes, starts = self._deltas.advance(f"{name}@{host.netns}", readings, now)
        except AbsentError as error:  # should they come, they will have begun at zero
            self._deltas.begin(f"{name}@{host.netns}", begun)
            self._note(name + place, f"{_ABSENT}: {error}", log.debug)
            self._buffer.add_round(name, Collected(1, 0, time.thread_time_ns() - cpu_ns),
                                   watches=self._watches.end(watching, "no such counters"))
        except PermissionError as error:
            trouble = f"takes more rights ({error.strerror}): run as root, or as a service with evidence.conf"
            self._end(watching, place, trouble, cpu_ns, log.warning)
        except Exception as error:  # noqa: BLE001 - whatever a collector does, the others go on, and the ledger says so
            self._end(watching, place, f"{type(error).__name__}: {error}", cpu_ns, log.error)
        else:
            self._note(name + place, "", log.info)
            self._last_ns[name + place] = now.wall_ns
            self._buffer.add_round(name, Collected(1, 0, time.thread_time_ns() - cpu_ns), changes, starts,
                                   self._extended(watching, now))

    def _extended(self, watching: Watching, now: Instant) -> list[Watch]:
        return list(self._watches.extend(watching, now))

    def _end(self, watching: Watching, place: str, trouble: str, cpu_ns: int, tell: Callable[..., None]) -> None:
        """Say that a collector has failed: from its last reading on it has seen nothing."""
        self._failed(watching.name + place, trouble, time.time_ns(), tell)
        self._buffer.add_round(watching.name, Collected(1, 1, time.thread_time_ns() - cpu_ns),
                               watches=self._watches.end(watching, "failed"))

    def _failed(self, what: str, trouble: str, time_ns: int, tell: Callable[..., None]) -> None:
        self._note(what, trouble, tell)
        since_ns = min(self._last_ns.get(what, time_ns), time_ns)
        self._last_ns[what] = time_ns
        self._buffer.add([Gap(since_ns, time_ns, GapCause.COLLECTOR_FAILED, Effect.BLIND, None, f"counters:{what}",
                              trouble)])

    def _note(self, name: str, state: str, tell: Callable[..., None]) -> None:
        """Log when a collector's state changes, not in every round."""
        before = self._noted.get(name, "")
        if before != state:
            self._noted[name] = state
            now = "has counters now" if before.startswith(_ABSENT) else "works again"
            tell("collector %s: %s", name, state or now)
