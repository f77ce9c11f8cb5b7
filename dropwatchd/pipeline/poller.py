"""The thread that takes snapshots of the counters, each collector on its own, on a steady schedule."""

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event as Flag
from threading import Thread

from dropwatchd.collectors import AbsentError, Collect
from dropwatchd.history.batch import Round
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netns import INITIAL, entered, named
from dropwatchd.model import CounterChange, Effect, Gap, GapCause, Start
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.deltas import Deltas

log = logging.getLogger(__name__)


class Poller(Thread):
    """Runs every collector once per interval and namespace. One that fails costs its own readings, and leaves a gap."""

    def __init__(self, collectors: dict[str, Collect], buffer: Buffer, interval: float,
                 namespaces: Iterable[str] = ()) -> None:
        super().__init__(name="counters", daemon=True)
        self.interval = interval
        self.collectors = collectors
        self.namespaces = tuple(namespaces)
        self._buffer = buffer
        self._host = Host()
        self._deltas = Deltas()
        self._ending, self._woken = Flag(), Flag()
        self._last_ns: dict[str, int] = {}
        self._noted: dict[str, str] = {}
        self._names: dict[int, str] = {}
        self._there: tuple[frozenset[str], int] = (frozenset(), 0)

    def run(self) -> None:
        """Take rounds until stopped, and one more at the end: what moved until then is recorded too."""
        due = time.monotonic()
        while not self._ending.is_set():
            self.take_round()
            due = max(due + self.interval, time.monotonic())
            if self._woken.wait(due - time.monotonic()):
                self._woken.clear()
                due = time.monotonic()
        self.take_round()

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
        self._introduce(self._host.netns, INITIAL)
        self._take_all(self._host)
        there = named() if self.namespaces else {}
        for name, path in there.items():
            if name in self.namespaces or "*" in self.namespaces:
                self._visit(name, path)
        self._there = frozenset(there), time.time_ns()

    def _visit(self, name: str, path: Path) -> None:
        try:
            with entered(path) as inode:
                if inode != self._host.netns:
                    self._introduce(inode, name)
                    self._begin_at_zero(inode, name)
                    self._take_all(Host(netns=inode), f"@{name}")
            self._note(f"@{name}", "", log.info)
        except FileNotFoundError:
            return  # it went away just now
        except OSError as error:
            hint = "; it takes CAP_SYS_ADMIN" if isinstance(error, PermissionError) else ""
            trouble = f"the namespace cannot be entered ({error.strerror}{hint})"
            self._failed(f"@{name}", trouble, time.time_ns(), log.error)

    def _begin_at_zero(self, inode: int, name: str) -> None:
        """Let the counters of a namespace that was not there in the last round begin at zero then."""
        names, then_ns = self._there
        if then_ns and name not in names:
            for collector in self.collectors:
                self._deltas.begin(f"{collector}@{inode}", then_ns)

    def _introduce(self, inode: int, name: str) -> None:
        if self._names.get(inode) != name:
            self._names[inode] = name
            self._buffer.name_namespace(inode, name)

    def _take_all(self, host: Host, place: str = "") -> None:
        begun_ns = time.time_ns()
        for name, collect in list(self.collectors.items()):
            self._take(name, collect, host, place)
        self._buffer.add_visit(host.netns, begun_ns, time.time_ns())

    def _take(self, name: str, collect: Collect, host: Host, place: str) -> None:
        time_ns, cpu_ns = time.time_ns(), time.thread_time_ns()
        changes: Iterable[CounterChange] = ()
        starts: Iterable[Start] = ()
        trouble = ""
        try:
            readings = list(collect(host))
            if place:  # what is not of a namespace is the whole host's, and has been read already
                readings = [reading for reading in readings if reading.key.netns is not None]
            time_ns = time.time_ns()
            changes, starts = self._deltas.advance(f"{name}@{host.netns}", readings, time_ns)
        except AbsentError as error:  # should they come, they will have begun at zero
            self._deltas.begin(f"{name}@{host.netns}", time_ns)
            self._note(name + place, f"no such counters here: {error}", log.debug)
        except PermissionError as error:
            trouble = f"takes more rights ({error.strerror}): run as root, or as a service with evidence.conf"
            self._failed(name + place, trouble, time_ns, log.warning)
        except Exception as error:  # noqa: BLE001 - whatever a collector does, the others go on, and the ledger says so
            trouble = f"{type(error).__name__}: {error}"
            self._failed(name + place, trouble, time_ns, log.error)
        else:
            self._note(name + place, "", log.info)
        self._last_ns[name + place] = time_ns
        self._buffer.add_round(Round(name, time_ns, time.thread_time_ns() - cpu_ns, bool(trouble)), changes, starts)

    def _failed(self, what: str, trouble: str, time_ns: int, tell: Callable[..., None]) -> None:
        self._note(what, trouble, tell)
        self._buffer.add([Gap(self._last_ns.get(what, time_ns), time_ns, GapCause.COLLECTOR_FAILED, Effect.BLIND, None,
                               f"counters:{what}", trouble)], 0)

    def _note(self, name: str, state: str, tell: Callable[..., None]) -> None:
        """Log when a collector's state changes, not in every round."""
        if self._noted.get(name, "") != state:
            self._noted[name] = state
            tell("collector %s: %s", name, state or "works again")
