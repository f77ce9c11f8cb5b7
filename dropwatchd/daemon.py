"""The loop: whatever the kernel says goes to the buffer, which the writer empties; the whole flow on one screen."""

import logging
import selectors
import time
from collections import deque
from collections.abc import Callable, Sequence

from dropwatchd.kernel.links import LinkWatch
from dropwatchd.model import NANO, Effect, Gap, GapCause, Record
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.recorder import Recorder
from dropwatchd.service import Service
from dropwatchd.sources import Source, UnavailableError

log = logging.getLogger(__name__)
_TICK = 10.0
_MINUTE = 60.0
_WRITER_LATE = 20.0      # seconds without any sign of the writer: no sign of life for the watchdog either
_STEP_NS = NANO // 2     # a clock that moved by more than that against CLOCK_BOOTTIME has been set


class Daemon:
    """Reads sources and links as they become readable, and every ten seconds looks after itself."""

    def __init__(self, sources: list[Source], links: LinkWatch, buffer: Buffer, recorder: Recorder,
                 service: Service) -> None:
        self._sources = sources
        self._failed: dict[str, tuple[Source, int]] = {}
        self._links = links
        self._buffer = buffer
        self._recorder = recorder
        self._service = service
        self._selector = selectors.DefaultSelector()
        self._recent: deque[tuple[float, int]] = deque()
        self._incomplete = 0
        self._complete_ns = time.time_ns()
        self._clock_ns = _clock_offset_ns()
        self._tick_s = min(_TICK, service.watchdog_seconds or _TICK)
        self._next_tick = time.monotonic()
        self.stopping = False

    def run(self, wakeup: Callable[[], None], wakeup_fd: int) -> None:
        """Run until `stopping` is set by what `wakeup` handles."""
        self._selector.register(wakeup_fd, selectors.EVENT_READ, wakeup)
        self._selector.register(self._links.fileno(), selectors.EVENT_READ, self._read_links)
        for source in self._sources:
            self._watch(source)
        while not self.stopping:
            for key, _ in self._selector.select(self._timeout()):
                key.data()
            self._meet_deadlines()

    def stop_sources(self) -> int:
        """Close every source and take what it still held; return the time up to which everything was seen."""
        ended_ns = time.time_ns()
        for source in self._sources:
            try:
                self._take(source.close(), 0)
            except OSError as error:
                log.error("source %s: the last counts cannot be read (%s)", source.name, error)
        self._selector.close()
        return ended_ns

    def _timeout(self) -> float:
        due = [self._next_tick, *(d for s in self._sources if (d := s.deadline()) is not None)]
        return max(0.0, min(due) - time.monotonic())

    def _meet_deadlines(self) -> None:
        now = time.monotonic()
        for source in list(self._sources):
            deadline = source.deadline()
            if deadline is not None and deadline <= now:
                self._read(source)
        if now >= self._next_tick:
            self._tick(now)

    def _watch(self, source: Source) -> None:
        self._selector.register(source.fileno(), selectors.EVENT_READ, lambda: self._read(source))

    def _read(self, source: Source) -> None:
        try:
            records = list(source.read())
        except OSError as error:
            self._fail(source, error)
            return
        self._complete_ns = self._complete_until()
        self._take(records, self._complete_ns)

    def _take(self, records: Sequence[Record], seen_ns: int) -> None:
        self._incomplete += sum(isinstance(r, Gap) and r.effect is not Effect.DETAIL for r in records)
        dropped = self._buffer.add(records, seen_ns)
        if dropped:
            self._recent.append((time.monotonic(), dropped))

    def _complete_until(self) -> int:
        """Return up to when all sources have been read; with none at all there is nothing to wait for."""
        return min((source.complete_until() for source in self._sources), default=time.time_ns())

    def _read_links(self) -> None:
        self._buffer.add(self._links.read(), 0)

    def _fail(self, source: Source, error: OSError) -> None:
        """Put a source that cannot be read aside; the next ticks try to open it again."""
        log.error("source %s failed (%s): no drop is seen until it can be opened again", source.name, error)
        self._selector.unregister(source.fileno())
        self._sources.remove(source)
        self._failed[source.name] = (source, self._complete_ns)
        try:
            self._take(source.close(), 0)
        except OSError:
            log.error("source %s: its last counts are lost", source.name)

    def _retry(self) -> None:
        for source, since_ns in list(self._failed.values()):
            try:
                source.open()
            except UnavailableError as error:
                log.info("source %s is still unavailable: %s", source.name, error)
                self._failed[source.name] = (source, time.time_ns())
            else:
                del self._failed[source.name]
                self._sources.append(source)
                self._watch(source)
                log.warning("source %s works again", source.name)
            self._take([Gap(since_ns, time.time_ns(), GapCause.SOURCE_FAILED, Effect.BLIND, None, source.scope,
                            source.name)], 0)

    def _tick(self, now: float) -> None:
        """Every ten seconds, or as the watchdog wants: heartbeat, signs of life, status, the clock, what failed."""
        self._next_tick = now + self._tick_s
        last_ns, self._complete_ns = self._complete_ns, self._complete_until()
        self._retry()
        records = self._clock_step()
        if not self._sources and not self._failed:
            records.append(Gap(last_ns, self._complete_ns, GapCause.SOURCE_UNAVAILABLE, Effect.BLIND))
        self._buffer.add(records, self._complete_ns)
        if now - self._recorder.alive_at < _WRITER_LATE:
            self._service.alive()
        self._service.status(self._status(now))

    def _clock_step(self) -> list[Record]:
        before_ns, self._clock_ns = self._clock_ns, _clock_offset_ns()
        step_ns = self._clock_ns - before_ns
        if abs(step_ns) < _STEP_NS:
            return []
        now_ns = time.time_ns()
        log.warning("the clock was set by %+.3f s", step_ns / NANO)
        return [Gap(min(now_ns, now_ns - step_ns), max(now_ns, now_ns - step_ns), GapCause.CLOCK_STEP, Effect.DETAIL, 0,
                    "drops", f"{step_ns / NANO:+.3f} s")]

    def _status(self, now: float) -> str:
        while self._recent and self._recent[0][0] < now - _MINUTE:
            self._recent.popleft()
        dropped = sum(count for _, count in self._recent)
        names = " + ".join(source.name for source in self._sources) or "no source of drop events"
        coverage = f"{self._incomplete} gaps in coverage" if self._incomplete else "coverage complete"
        if not self._sources:
            coverage = "drop events are not seen, counters are"
        return f"{names}, {dropped} drops in the last minute, {coverage}"


def _clock_offset_ns() -> int:
    """Return wall-clock time minus time since boot, suspension included: constant unless somebody sets the clock."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
