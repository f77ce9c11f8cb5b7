"""The thread that writes: at the end of each second with news, and a heartbeat when there are none."""

import logging
import sqlite3
import time
from threading import Thread
from typing import Protocol

from dropwatchd.history.errors import HistoryError
from dropwatchd.history.write.batch import LISTS, Batch
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.kernel import clock
from dropwatchd.model import NANO, Effect, Gap, GapCause, Instant
from dropwatchd.pipeline.buffer import Buffer

log = logging.getLogger(__name__)
_HEARTBEAT = 10.0
_GATHER = 1.0  # after the first news, so that one transaction serves a second
_RETRY = 1.0
_TIDY = 600.0
_SLOW = 5.0    # seconds that a write may take before it is called a stall
# What is of the file or the disk, so that the same rows may be written later; any other error is of the rows.
_OF_STORAGE = (sqlite3.OperationalError, OSError, HistoryError)


class Store(Protocol):
    """What is written to; any error leaves it as it was before the call."""

    def write(self, batch: Batch) -> None: ...

    def tidy(self, options: RetentionOptions, now: Instant) -> bool: ...

    def is_due(self, options: RetentionOptions) -> bool: ...

    def held_up(self) -> str: ...


class Recorder(Thread):
    """Takes what the buffer holds and writes it. While the disk stalls everything stays there, merged and bounded."""

    def __init__(self, history: Store, buffer: Buffer, retention: RetentionOptions) -> None:
        super().__init__(name="writer", daemon=True)
        self._history = history
        self._buffer = buffer
        self.retention = retention
        self._stalled_since_ns = 0
        self._writing_since: float | None = None
        self._told_slow = False
        self._tidy_at = time.monotonic() + _TIDY
        self.wrote_all = False

    def run(self) -> None:
        """Write until the buffer is closed, and then what is left. An error of ours ends the thread."""
        try:
            while self._buffer.wait(_HEARTBEAT):
                self._buffer.gather(_RETRY if self._stalled_since_ns else _GATHER)
                self.write()
                self._tidy()
            self.wrote_all = self.write()
        except Exception:
            log.exception("the writer has failed: nothing more is recorded")
            raise

    def trouble(self) -> str:
        """Return what a person should know of the storage; the loop asks, and so notices a write that hangs."""
        since = self._writing_since
        if since is not None and (taken := time.monotonic() - since) > _SLOW:
            if not self._told_slow:
                self._told_slow = True
                log.error("a write to the history takes %.0f s so far: counts are kept in memory meanwhile", taken)
            return f"a write to the history takes {taken:.0f} s so far"
        if self._stalled_since_ns:
            return f"the history cannot be written since {(time.time_ns() - self._stalled_since_ns) // NANO} s"
        return self._history.held_up()

    def write(self) -> bool:
        """Write what there is; say whether it worked."""
        left = [self._buffer.take()]
        begun, begun_ns = time.monotonic(), time.time_ns()
        self._writing_since = begun
        try:
            while left:
                self._write_last(left)
        except Exception as error:
            for batch in left:
                self._buffer.put_back(batch)
            if not _is_of_storage(error):
                raise
            self._stall(error)
            return False
        finally:
            self._writing_since, self._told_slow = None, False
        self._recovered(begun_ns if time.monotonic() - begun > _SLOW else 0)
        return True

    def _write_last(self, left: list[Batch]) -> None:
        """Write the last batch of a list and take it away.

        One with a row that cannot be stored is parted until that row stands alone: the ledger then has it in its place.
        """
        batch = left[-1]
        try:
            self._history.write(batch)
        except Exception as error:
            if _is_of_storage(error) or _is_refusal(batch):
                raise
            log.error("%d rows cannot be stored (%s)", len(batch), _text(error))
            left[-1:] = reversed(batch.halves()) if len(batch) > 1 else [_set_aside(batch, error)]
        else:
            left.pop()

    def _recovered(self, slow_since_ns: int) -> None:
        since_ns = self._stalled_since_ns or slow_since_ns
        if since_ns:
            log.warning("the history is written again")
            self._buffer.add([self._buffer.stalled(min(since_ns, time.time_ns()), time.time_ns())])
            self._stalled_since_ns = 0

    def _tidy(self) -> None:
        """Between two writes and never for long, bring the history back within its bounds."""
        if self._stalled_since_ns or (time.monotonic() < self._tidy_at and not self._is_due()):
            return
        try:
            more = self._history.tidy(self.retention, clock.now())
        except Exception as error:
            if not _is_of_storage(error):
                raise
            log.error("the history cannot be tidied (%s)", _text(error))
            more = False
        self._tidy_at = time.monotonic() + (0 if more else _TIDY)

    def _is_due(self) -> bool:
        try:
            return self._history.is_due(self.retention)
        except sqlite3.Error:  # the next write tells what it is
            return False

    def _stall(self, error: Exception) -> None:
        if not self._stalled_since_ns:
            self._stalled_since_ns = time.time_ns()
            log.error("the history cannot be written (%s): counts are kept in memory until it can", _text(error))


def _is_of_storage(error: Exception) -> bool:
    return isinstance(error, _OF_STORAGE) or type(error) is sqlite3.DatabaseError


def _is_refusal(batch: Batch) -> bool:
    """Say whether a batch is what stands for a row that was set aside: if that cannot be written, nothing can."""
    return len(batch) == 1 and any(gap.cause is GapCause.ROW_REFUSED for gap in batch.gaps)


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, sqlite3.Error) else f"{type(error).__name__}: {error}"


def _set_aside(batch: Batch, error: Exception) -> Batch:
    """Return what tells of a row that cannot be stored, whatever it holds: its text is not to be trusted either."""
    now_ns = time.time_ns()
    lost = sum(window.drop.count for window in batch.windows)
    what = next((name for name in LISTS if getattr(batch, name)), "nothing")
    effect = Effect.PARTIAL if batch.windows or batch.gaps else Effect.DETAIL
    scope = "drops" if batch.windows or batch.gaps else "packets" if batch.packets or batch.stacks else "counters"
    shown = _text(error).encode("ascii", "backslashreplace").decode()[:200]
    return Batch(mark=batch.mark, gaps=[Gap(now_ns, now_ns, GapCause.ROW_REFUSED, effect,
                                            lost if batch.windows else None, scope, f"{what}: {shown}")])
