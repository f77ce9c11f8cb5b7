"""The loop: whatever the kernel says goes to the buffer, which the writer empties; the whole flow on one screen."""

import logging
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import Thread

from dropwatchd.kernel import clock
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import NANO, Effect, Event, Gap, GapCause, Instant, Mark, Record, Watch, Watching
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.links import Links
from dropwatchd.pipeline.watches import Watches
from dropwatchd.service import Service
from dropwatchd.sources import ORIGINS, Source, UnavailableError

log = logging.getLogger(__name__)
_TICK = 10.0
_MINUTE = 60.0
_DAEMON = Watching("daemon")


class ThreadDiedError(Exception):
    """A thread of ours has ended: nothing is recorded as it should be, and the service manager must know."""


class Daemon:
    """Reads sources and links as they become readable, and every ten seconds looks after itself."""

    def __init__(self, sources: list[Source], names: NetnsNames, links: Links, buffer: Buffer, service: Service,
                 *, opened: Instant, before: Sequence[Gap] = ()) -> None:
        """Take sources that were all open at a moment: they watch from then on, or since they were resumed.

        `before` is what nobody saw before that moment, and is not written yet: it goes with what these have counted.
        """
        self._sources = sources
        self._failed: dict[str, tuple[Source, Instant]] = {}
        self._names = names
        self._links = links
        self._buffer = buffer
        self._service = service
        self._selector = selectors.DefaultSelector()
        self._watches = Watches()
        self._recent: deque[tuple[float, int]] = deque()
        self._incomplete = 0
        self._named_by = opened  # the clock by which names hold
        self._tick_s = min(_TICK, service.watchdog_seconds or _TICK)
        self._next_tick = time.monotonic()
        self.threads: list[Thread] = []
        self.storage: Callable[[], str] = str
        self.stopping = False
        resumed = [record for source in sources if source.resumed for record in source.resumed.records]
        self._buffer.add([*(name.namespace for name in names.present()), *before, *resumed], self._begun(opened),
                         self._mark())

    def run(self, wakeup: Callable[[], None], wakeup_fd: int) -> None:
        """Run until `stopping` is set by what `wakeup` handles. Raises ThreadDiedError."""
        self._selector.register(wakeup_fd, selectors.EVENT_READ, wakeup)
        self._selector.register(self._links, selectors.EVENT_READ, self._read_links)
        self._selector.register(self._names, selectors.EVENT_READ, self._read_names)
        self._read_links()
        for source in self._sources:
            self._watch(source)
        while not self.stopping:
            for key, _ in self._selector.select(self._timeout()):
                key.data()
            self._meet_deadlines()

    def _begun(self, opened: Instant) -> Iterator[Watch]:
        """Watch from a moment on. What was resumed has been watched before, up to when its counts were read."""
        yield from self._watches.extend(_DAEMON, opened)
        for source in self._sources:
            until = opened
            for watching in _watching(source):
                if source.resumed:
                    until = _moment(source.complete_until(), opened)
                    self._watches.resume(watching, source.resumed.since, source.limits)
                yield from self._watches.extend(watching, until, source.limits)
        yield from self._packets_watched(opened)

    def stop_sources(self) -> Instant:
        """Leave every source and take what it still held; return the moment up to which everything was seen."""
        ended = clock.now()
        for source in self._sources:
            try:
                self._take(source.leave(), None, ended)
            except OSError as error:
                log.error("source %s: the last counts cannot be read (%s)", source.name, error)
        self._buffer.add((), [*self._extended(ended), *self._watches.end_all("stopped")], self._mark())
        self._selector.close()
        return ended

    def _timeout(self) -> float:
        deadlines = (self._names.deadline(), *(source.deadline() for source in self._sources))
        return max(0.0, min([self._next_tick, *(due for due in deadlines if due is not None)]) - time.monotonic())

    def _meet_deadlines(self) -> None:
        now = time.monotonic()
        for source in list(self._sources):
            deadline = source.deadline()
            if deadline is not None and deadline <= now:
                self._read(source)
        if (again := self._names.deadline()) is not None and again <= now:
            self._read_names()
        if now >= self._next_tick:
            self._tick(now)

    def _watch(self, source: Source) -> None:
        self._selector.register(source.fileno(), selectors.EVENT_READ, lambda: self._read(source))

    def _read(self, source: Source) -> None:
        self._follow_clock()
        if self._names.has_news():  # what is read next is named by it
            self._read_names()
        try:
            records = list(source.read())
        except OSError as error:
            self._fail(source, error)
            return
        self._take(records, source)

    def _take(self, records: Sequence[Record], source: Source | None, until: Instant | None = None) -> None:
        """Put what was read into the buffer, with the moment up to which it is complete, and the holes before that."""
        gaps = [record for record in records if isinstance(record, Gap)]
        self._incomplete += sum(gap.effect is not Effect.DETAIL for gap in gaps)
        until = until or self._complete_until()
        steps = self._clock_step(until)
        watches = list(self._extended(until))  # what lies between two gaps was watched
        if source:
            watches += [*self._interrupted(source, gaps), *self._extended(until)]
        dropped = self._buffer.add([*records, *steps], watches, self._mark())
        if dropped:
            self._recent.append((time.monotonic(), dropped))

    def _interrupted(self, source: Source, gaps: Sequence[Gap]) -> Iterator[Watch]:
        blind = [gap for gap in gaps if gap.effect is Effect.BLIND]
        for watching in _watching(source) if blind else ():
            own = [gap for gap in blind if gap.scope in {watching.what, "drops"}]
            yield from self._watches.interrupt(own, watching)

    def _extended(self, until: Instant) -> Iterator[Watch]:
        """Watch on, all up to one moment; the clock may have been set since the last."""
        yield from self._watches.extend(_DAEMON, until)
        for source in self._sources:
            for watching in _watching(source):
                yield from self._watches.extend(watching, until, source.limits)
        yield from self._packets_watched(until)

    def _packets_watched(self, until: Instant) -> Iterator[Watch]:
        if any(source.samples for source in self._sources):
            yield from self._watches.extend(Watching("packets"), until)

    def _mark(self) -> Mark | None:
        """Return what has been told so far of the source that goes on without us, where there is one."""
        return next(filter(None, (source.mark() for source in self._sources)), None)

    def _complete_until(self) -> Instant:
        """Return up to when all sources have been read, now where there are none; never what is yet to come."""
        now = clock.now()
        wall_ns = min((source.complete_until() for source in self._sources), default=now.wall_ns)
        if wall_ns >= now.wall_ns + clock.STEP_NS:  # the clock was set back since that source was read
            return self._watches.until(_DAEMON) or now
        return _moment(wall_ns, now)

    def _read_links(self) -> None:
        self._buffer.add(self._links.read())

    def _follow_clock(self) -> None:
        """Have names hold by the clock as it is set now: what is read next happened by that one."""
        now = clock.now()
        if step_ns := clock.step_ns(self._named_by, now):
            self._names.clock_set(step_ns)
        self._named_by = now

    def _read_names(self) -> None:
        self._follow_clock()
        records = self._names.look()
        gone = {record.netns for record in records if isinstance(record, Event) and record.kind == "netns removed"}
        if gone:  # unless it has another name
            gone -= {name.namespace.number for name in self._names.present()}
        for netns in filter(None, gone):
            self._links.forget(netns)
        self._buffer.add(records)

    def _fail(self, source: Source, error: OSError) -> None:
        """Put a source that cannot be read aside; the next ticks try to open it again."""
        log.error("source %s failed (%s): no drop is seen until it can be opened again", source.name, error)
        self._selector.unregister(source.fileno())
        self._sources.remove(source)
        ends = {watching: self._watches.until(watching) for watching in _watching(source)}
        self._failed[source.name] = (source, min(filter(None, ends.values()), default=clock.now()))
        self._buffer.add((), [watch for watching in ends for watch in self._watches.end(watching, "failed")])
        try:
            self._take(source.close(), None)
        except OSError:
            log.error("source %s: its last counts are lost", source.name)
        self._buffer.add((), (), source.mark())

    def _retry(self) -> None:
        for source, since in list(self._failed.values()):
            try:
                source.open()
            except UnavailableError as error:
                log.info("source %s is still unavailable: %s", source.name, error)
                until = clock.now()
                self._failed[source.name] = (source, until)
            else:
                until = self._resume(source)
            self._take([Gap(min(since.wall_ns, until.wall_ns), until.wall_ns, GapCause.SOURCE_FAILED, Effect.BLIND,
                            None, source.scope, source.name)], None)

    def _resume(self, source: Source) -> Instant:
        """Read a source again; return since when. What others are complete up to may be earlier."""
        del self._failed[source.name]
        self._sources.append(source)
        self._watch(source)
        log.warning("source %s works again", source.name)
        now = clock.now()
        self._buffer.add((), [watch for watching in _watching(source)
                              for watch in self._watches.extend(watching, now, source.limits)])
        return now

    def _tick(self, now: float) -> None:
        """Every ten seconds, or as the watchdog wants: heartbeat, signs of life, status, the clock, what failed."""
        self._next_tick = now + self._tick_s
        self._check_threads()
        self._retry()
        self._read_names()
        self._read_links()
        self._take((), None)
        self._service.alive()
        self._service.status(self._status(now))

    def _check_threads(self) -> None:
        for thread in self.threads:
            if not thread.is_alive():
                raise ThreadDiedError(f"the thread {thread.name} has died; its error is in the log above")

    def _clock_step(self, until: Instant) -> list[Record]:
        """Tell that the clock was set: forward, over a time that never was; back, over one that comes twice."""
        before = self._watches.until(_DAEMON) or until
        step_ns = clock.step_ns(before, until) if until.boot_ns >= before.boot_ns else 0
        if not step_ns:
            return []
        log.warning("the clock was set by %+.3f s", step_ns / NANO)
        since_ns, until_ns = sorted((before.wall_ns, before.wall_ns + step_ns))
        told = f"{step_ns / NANO:+.3f} s"
        return [Gap(since_ns, until_ns, GapCause.CLOCK_STEP, Effect.DETAIL, 0, "drops", told),
                Event(until.wall_ns, "clock set", "", told)]

    def _status(self, now: float) -> str:
        while self._recent and self._recent[0][0] < now - _MINUTE:
            self._recent.popleft()
        dropped = sum(count for _, count in self._recent)
        names = " + ".join(source.name for source in self._sources) or "no source of drop events"
        coverage = f"{self._incomplete} gaps in coverage" if self._incomplete else "coverage complete"
        if not self._sources:
            coverage = "drop events are not seen, counters are"
        return ", ".join(filter(None, [names, f"{dropped} drops in the last minute", coverage, self.storage()]))


def _moment(wall_ns: int, now: Instant) -> Instant:
    """Return the moment of a time that is not later than now."""
    return Instant(wall_ns, now.boot_ns - (now.wall_ns - wall_ns)) if wall_ns < now.wall_ns else now


def _watching(source: Source) -> list[Watching]:
    """Return what a source watches: "drops" are those of software and of hardware."""
    return [Watching(what, source.name) for what in ORIGINS[source.scope]]
