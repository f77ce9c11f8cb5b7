"""The thread that takes snapshots of the counters, each collector on its own, on a steady schedule."""

import logging
import time
from collections.abc import Callable, Iterable
from threading import Event as Flag
from threading import Thread

from dropwatchd.collectors import AbsentError, Collect
from dropwatchd.counters import Differ
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterChange, Effect, Gap, GapCause, Reading
from dropwatchd.pending import Pending, Round

log = logging.getLogger(__name__)


class Rounds(Thread):
    """Runs every collector once per interval. One that fails costs its own readings only, and leaves a gap."""

    def __init__(self, collectors: dict[str, Collect], pending: Pending, interval: float,
                 host: Host | None = None) -> None:
        super().__init__(name="counters", daemon=True)
        self.interval = interval
        self.collectors = collectors
        self._pending = pending
        self._host = host or Host()
        self._differ = Differ()
        self._ending = Flag()
        self._last_ns: dict[str, int] = {}
        self._trouble: dict[str, str] = {}

    def run(self) -> None:
        """Take rounds until stopped, and one more at the end: what moved until then is recorded too."""
        due = time.monotonic()
        while not self._ending.is_set():
            self.take_round()
            due = max(due + self.interval, time.monotonic())
            self._ending.wait(due - time.monotonic())
        self.take_round()

    def stop(self) -> None:
        """End after the round that is running, if any, and a last one."""
        self._ending.set()

    def take_round(self) -> None:
        for name, collect in list(self.collectors.items()):
            self._take(name, collect)

    def _take(self, name: str, collect: Collect) -> None:
        time_ns, cpu_ns = time.time_ns(), time.thread_time_ns()
        changes: Iterable[CounterChange] = ()
        starts: Iterable[Reading] = ()
        trouble = ""
        try:
            readings = list(collect(self._host))
            time_ns = time.time_ns()
            changes, starts = self._differ.advance(name, readings, time_ns)
        except AbsentError as error:
            self._note(name, f"no such counters here: {error}", log.info)
        except Exception as error:  # noqa: BLE001 - whatever a collector does, the others go on, and the ledger says so
            trouble = f"{type(error).__name__}: {error}"
            self._note(name, trouble, log.error)
        else:
            self._note(name, "", log.info)
        if trouble:
            since_ns = self._last_ns.get(name, time_ns)
            self._pending.add([Gap(since_ns, time_ns, GapCause.COLLECTOR_FAILED, Effect.BLIND, None, f"counters:{name}",
                                   trouble)], 0)
        self._last_ns[name] = time_ns
        self._pending.add_round(Round(name, time_ns, time.thread_time_ns() - cpu_ns, bool(trouble)), changes, starts)

    def _note(self, name: str, state: str, tell: Callable[..., None]) -> None:
        """Log when a collector's state changes, not in every round."""
        if self._trouble.get(name, "") != state:
            self._trouble[name] = state
            tell("collector %s: %s", name, state or "works again")
