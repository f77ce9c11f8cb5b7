"""One life of the daemon, put together: lock, schema, sources, threads, and their end in the opposite order."""

import logging
import os
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from shutil import which

from dropwatchd.collectors import collectors
from dropwatchd.config import Config, ConfigError
from dropwatchd.daemon import Daemon
from dropwatchd.fdstore import FdStore
from dropwatchd.history.errors import HistoryError
from dropwatchd.history.paths import database_to_read, default_database
from dropwatchd.history.write.history import History
from dropwatchd.history.write.lock import Lock
from dropwatchd.kernel import clock
from dropwatchd.kernel.host import identity
from dropwatchd.kernel.links import LinkWatch
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import NANO, Effect, Event
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.links import Links
from dropwatchd.pipeline.poller import Poller
from dropwatchd.pipeline.recorder import Recorder
from dropwatchd.service import Service
from dropwatchd.signals import Signals
from dropwatchd.sources import Source
from dropwatchd.sources.bpf.keeper import Keeper
from dropwatchd.sources.choose import open_sources

log = logging.getLogger(__name__)
_LAST_ROUND = 1.0   # seconds that collectors have to end
_LAST_WRITE = 15.0  # and the writer, which needs few of them unless the disk stalls: counts are worth the wait


class Session:
    """Opens everything in the order in which it must be undone; `run` returns when it is time to stop."""

    def __init__(self, config: Config, stack: ExitStack, check: Callable[[], None]) -> None:
        """Raise what `check` does where it is safe to stop; what was opened is closed by the stack."""
        check()
        self._store = FdStore()
        self._config = config
        self._lock = stack.enter_context(Lock(Path(config.database) if config.database else default_database()))
        self.database = self._lock.database
        self._history = History(self._lock, identity(), check)
        stack.callback(self._history.close)
        self._service = Service()
        self._buffer = Buffer(int(config.window_seconds * NANO))
        self._names = NetnsNames()
        stack.callback(self._names.close)
        self._sources = self._open_sources(stack)
        opened = clock.now()  # from now on drops are seen
        self._store.settle()
        check()
        resumed = next(filter(None, (source.resumed for source in self._sources)), None)
        before = self._history.start(opened, resumed.since if resumed else None)
        for gap in before:
            what = "away" if gap.effect is Effect.DETAIL else "not recording"
            log.info("%s for %.1f s before this (%s)", what, (gap.until_ns - gap.since_ns) / NANO, gap.detail)
        links = Links()
        stack.callback(links.close)
        links.add(LinkWatch(self._names.at_start.number))
        self._poller = Poller(collectors(config.counters.unread), self._buffer, self._names, links,
                              interval=config.counters.interval_seconds, namespaces=config.counters.namespaces)
        self._recorder = Recorder(self._history, self._buffer, config.history)
        self._buffer.add([self._names.at_start])
        self._daemon = Daemon(self._sources, self._names, links, self._buffer, self._service, opened=opened,
                              before=before if resumed else ())
        self._daemon.threads, self._daemon.storage = [self._poller, self._recorder], self._recorder.trouble

    def _open_sources(self, stack: ExitStack) -> list[Source]:
        opened = []
        keeper = Keeper(self._store, str(self.database), self._history.written) if self._store.listens else None
        for found in open_sources(self._config, self._names, self.database.parent, keeper):
            if isinstance(found, tuple):
                log.warning("drop events: %s cannot run here: %s", found[0], found[1])
                self._buffer.add([Event(time.time_ns(), "source refused", found[0], str(found[1]))])
            else:
                stack.callback(found.leave)
                opened.append(found)
        return opened

    def announce(self) -> None:
        """Say where things are recorded and how they are read."""
        log.info("recording into %s", self.database)
        log.info("drop events: %s", self._seeing() or "not seen, for the reason above; counters are recorded")
        log.info("counters: %s, every %g s", ", ".join(self._poller.collectors), self._poller.interval)
        log.info("read it with: %s", " ".join(self._reading()))

    def _seeing(self) -> str:
        """Return the sources, and what they see where that is not software drops alone."""
        seen = {"software": "", "hardware": " (hardware)", "drops": " (software, hardware)"}
        return " + ".join(source.name + seen[source.scope] for source in self._sources)

    def _reading(self) -> list[str]:
        """Return the command that reads what is recorded here, as a shell takes it."""
        beside = Path(sys.argv[0]).with_name("dwreport")
        program = "dwreport" if which("dwreport") or not beside.exists() else os.path.relpath(beside)
        place = [] if self.database == database_to_read() else ["--database", str(self.database)]
        return [shlex.quote(word) for word in (program, "--since", "10m", *place)]

    def run(self, signals: Signals, configuration: Callable[[], Config]) -> None:
        """Record until a signal says stop, then write what is left."""
        def signalled() -> None:
            signals.drain()
            self._daemon.stopping = signals.stop
            if signals.reload and not signals.stop:
                signals.reload = False
                self._reload(configuration)

        self._recorder.start()
        self._poller.start()
        self._service.ready()
        self._daemon.stopping = signals.stop
        try:
            self._daemon.run(signalled, signals.fileno())
        finally:
            self._stop()

    def _stop(self) -> None:
        """Write what is left. Raises HistoryError where that is not possible."""
        self._service.stopping()
        log.info("stopping")
        ended = self._daemon.stop_sources()
        self._poller.stop()
        self._poller.join(_LAST_ROUND)
        self._buffer.close()
        self._recorder.join(_LAST_WRITE)
        if self._recorder.is_alive() or not self._recorder.wrote_all:
            raise HistoryError(f"the last seconds could not be written to {self.database}; "
                               "the next start tells of the gap")
        self._history.finish(ended, "stopped")

    def _reload(self, configuration: Callable[[], Config]) -> None:
        """Read the configuration again: counters and retention follow at once, the rest with the next start."""
        self._service.reloading()
        try:
            new = configuration()
        except ConfigError as error:
            log.error("keeping the configuration as it was: %s", error)
        else:
            self._poller.change(collectors(new.counters.unread), new.counters.interval_seconds,
                                new.counters.namespaces)
            self._recorder.retention = new.history
            later = [key for key in ("source", "database", "window_seconds", "bpf", "net_dm")
                     if getattr(new, key) != getattr(self._config, key)]
            log.info("configuration read again%s", f"; {', '.join(later)}: from the next start on" if later else "")
            self._buffer.add([Event(time.time_ns(), "reload", "configuration", ", ".join(later))])
        self._service.ready()
