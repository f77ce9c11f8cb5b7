"""The history of one daemon: a writer, and the file below it; when that is lost, a new one begins at its path."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from dropwatchd.history.damage import quick_check
from dropwatchd.history.errors import HistoryError, is_damage
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.lock import Lock
from dropwatchd.history.write.open import SetAside, begin_anew, prepare, revision
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.writer import Writer
from dropwatchd.kernel import clock
from dropwatchd.kernel.host import Identity
from dropwatchd.model import NANO, Effect, Gap, GapCause, Instant, Written

log = logging.getLogger(__name__)
_GLANCE_NS = 600 * NANO
_GLANCE_S = 0.05


class History:
    """What the writing thread writes to. Raises errors of SQLite, HistoryError and OSError, and can go on then."""

    def __init__(self, lock: Lock, identity: Identity, check: Callable[[], None] = lambda: None) -> None:
        """Make the locked path a history that can be written, a damaged one set aside. Raises HistoryError."""
        self._lock = lock
        self._identity = identity
        self._aside = prepare(lock, check)
        self._writer = Writer(lock.database, identity)
        self._began: Instant
        self._lost: str | None = None
        self._glances_at_ns = 0

    def written(self, token: int) -> Written | None:
        """Return what is here of a source that goes on without us; it may be asked before the start."""
        return self._writer.written(token)

    def start(self, began: Instant, resumed: Instant | None = None) -> list[Gap]:
        """Begin the run, and return what nobody saw before it, which is written as well.

        That is for the caller to write where a source was `resumed`, with what it has counted: see Writer.start.
        """
        self._began = began
        aside = self._aside
        return self._begin(began, aside and _lost(aside.seen_ns, began, "it was damaged", aside), resumed)

    def _begin(self, began: Instant, lost: Gap | None, resumed: Instant | None = None) -> list[Gap]:
        """Begin a run; what turns out to be damaged only now is set aside as well."""
        gaps = self._begun(began, lost, resumed)
        self._size_may_fall()
        return gaps

    def _begun(self, began: Instant, lost: Gap | None, resumed: Instant | None) -> list[Gap]:
        try:
            return self._writer.start(began, lost, resumed)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if not is_damage(error):
                raise
            self._writer.close()
            aside = begin_anew(self._lock, str(error))
            self._writer = Writer(self._lock.database, self._identity)
            since_ns = min(aside.seen_ns, lost.since_ns if lost else began.wall_ns)
            gap = _lost(since_ns, began, lost.detail if lost else "it was damaged", aside)
            return self._writer.start(began, gap, resumed)

    def write(self, batch: Batch) -> None:
        """Write a batch whole, or nothing of it."""
        self._look()
        try:
            self._writer.write(batch)
        except sqlite3.Error as error:
            if is_damage(error):
                self._lost = str(error)
            raise

    def tidy(self, options: RetentionOptions, now: Instant) -> bool:
        """Take one short step towards the bounds of the history; say whether there is more to do at once."""
        if now.boot_ns >= self._glances_at_ns:
            self._glances_at_ns = now.boot_ns + _GLANCE_NS
            self._lost = self._lost or _damage(self._lock.database)
        if self._lost:  # the next write begins a new one
            return False
        more = self._writer.tidy(options, now)
        self._size_may_fall()
        return more

    def is_due(self, options: RetentionOptions) -> bool:
        """Say whether it is too large and has to be tidied at once."""
        return self._writer.is_due(options)

    def held_up(self) -> str:
        """Say what keeps it from shrinking, if anything does; any thread may ask."""
        return self._writer.held_up()

    def finish(self, ended: Instant, ending: str) -> None:
        """End the run cleanly. Raises HistoryError where that cannot be written: what was seen has been before."""
        try:
            self._look()
            self._writer.finish(ended, ending)
        except sqlite3.Error as error:
            raise HistoryError(f"that it ended could not be written to {self._lock.database} ({error}); "
                               "the next start tells of the gap") from error

    def close(self) -> None:
        self._writer.close()

    def _look(self) -> None:
        """See whether the file is still what it was, and begin a new one where it is not."""
        why = self._lost or (self._lock.file.check() if self._lock.file else "it was never there")
        if not why:
            return
        if not self._lost:
            log.error("the history %s is lost: %s; a new one begins", self._lock.database, why)
        self._lost = why
        self._writer.close()
        whole = self._is_whole()
        self._lock.take()
        aside, since_ns, now = prepare(self._lock), self._began.wall_ns, clock.now()
        if whole and not aside:  # what was beside it has been moved over: nothing is missing in it
            since_ns = now.wall_ns
        self._writer = Writer(self._lock.database, self._identity)
        self._begin(now, _lost(since_ns, now, why, aside))
        self._began, self._lost = now, None

    def _size_may_fall(self) -> None:
        if self._lock.file:
            self._lock.file.gave_back(self._writer.database_bytes())

    def _is_whole(self) -> bool:
        """Say whether the file is the one that was written, and a history still."""
        try:
            return (self._lock.file is not None and self._lock.file.is_at_path()
                    and revision(self._lock.database) is not None)
        except HistoryError:
            return False


def _lost(since_ns: int, until: Instant, why: str, aside: SetAside | None) -> Gap:
    """Return what is not in a new history: what the one before may have had."""
    detail = f"{why}, and is kept as {aside.path.name}" if aside else why
    return Gap(min(since_ns, until.wall_ns), until.wall_ns, GapCause.FILE_LOST, Effect.BLIND, None, "drops", detail)


def _damage(database: Path) -> str | None:
    """Look as a reader does, a short time: our own connection holds in memory what others find damaged in the file."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
            return quick_check(connection, _GLANCE_S)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error) if is_damage(error) else None
