"""Keeps the history within its bounds, in small steps: packets go first, then fine time resolution, counts last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import NamedTuple

from dropwatchd.history.calendar import DAY_NS, HOUR_NS
from dropwatchd.history.sent import sent_until
from dropwatchd.history.write.expire import begin_of_counts, begin_of_watches, expire, remove_packets
from dropwatchd.history.write.fold import MINUTE_NS, Folded, fold_changes, fold_windows
from dropwatchd.history.write.forget import forget
from dropwatchd.history.write.hours import sum_hours
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.model import NANO, Effect, Gap, GapCause


class Step(NamedTuple):
    """What one step has done: `rows` became fewer, or were looked at; what the ledger has to say of it."""

    worked: bool
    gap: Gap | None = None
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """What is due at a moment, in one transaction; foreign keys must be off in it."""

    connection: Connection
    options: RetentionOptions
    now_ns: int  # as far as the clock is trusted: nothing goes by a later time
    wall_ns: int  # as the clock says: sums that it has made too early are made anew with the next row
    run: int
    boot_id: str

    def step(self, *, pressed: bool, forgets: bool) -> Step:
        """Do the first thing that there is to do: by age, by size where that is too much, sums, what is unused."""
        for step in self._by_age():
            if step.worked:
                return step
        for step in self._by_size() if pressed else ():
            if step.worked:
                return step
        if sum_hours(self.connection, self.wall_ns):
            return Step(worked=True)
        forgotten = forgets and forget(self.connection, self.boot_id, self.now_ns) > 0
        return Step(forgotten, forgotten=forgotten)

    def _by_age(self) -> Iterator[Step]:
        yield Step(expire(self.connection, "packets", self._before(self.options.packet_days), self.run) > 0)
        yield Step(self._expire(self._unsent(self._before(self.options.days))) > 0)
        fine_ns = self._before(self.options.fine_days)
        yield Step(fold_windows(self.connection, MINUTE_NS, fine_ns) is not None)
        yield Step(fold_changes(self.connection, MINUTE_NS, fine_ns) is not None)

    def _before(self, days: int) -> int:
        """Return the hour before which something goes: a row that was folded lies within one."""
        before_ns = self.now_ns - days * DAY_NS
        return before_ns - before_ns % HOUR_NS

    def _sent(self) -> int | None:
        """Return up to when all was sent: None where nobody sends, 0 where nobody knows: a clock was ahead."""
        sent_ns = sent_until(self.connection)
        return sent_ns if sent_ns is None or 0 <= sent_ns <= max(self.now_ns, self.wall_ns) else 0

    def _unsent(self, before_ns: int) -> int:
        """Return what time something goes before that waits to be sent, some days and no longer."""
        sent_ns = self._sent()
        if sent_ns is None or sent_ns >= before_ns:
            return before_ns
        return max(sent_ns - sent_ns % HOUR_NS, self._before(self.options.days + self.options.unsent_days))

    def _expire(self, before_ns: int, why: str = "") -> int:
        """Remove counts; of those that were not sent the ledger says so, and up to when all was: each time anew."""
        sent_ns = self._sent()
        if sent_ns is None or before_ns <= sent_ns:
            return expire(self.connection, "drops", before_ns, self.run, why)
        unsent = f"not uploaded: all before {_utc(sent_ns)} was" if sent_ns else "perhaps not uploaded"
        return (expire(self.connection, "drops", sent_ns - sent_ns % HOUR_NS, self.run, why)
                or expire(self.connection, "drops", before_ns, self.run, f"{why}; {unsent}" if why else unsent))

    def _by_size(self) -> Iterator[Step]:
        why = f"the database reached {self.options.max_mib} MiB"
        removed = remove_packets(self.connection, why)
        yield Step(removed is not None, removed)
        for fold, what, scope in ((fold_windows, "windows", "drops"), (fold_changes, "counter changes", "counters")):
            for width_ns, wide in ((MINUTE_NS, "minutes"), (HOUR_NS, "hours")):
                found = fold(self.connection, width_ns, self.now_ns - MINUTE_NS)
                yield _folded_early(found, scope, f"{what} folded into {wide} early: {why}")
        for width_ns, wide in ((MINUTE_NS, "minutes"), (HOUR_NS, "hours")):
            found = fold_windows(self.connection, width_ns, self.now_ns, whole=False)
            yield _folded_early(found, "drops", f"windows folded into {wide} early: {why}")
        yield Step(self._remove_oldest(why) > 0)

    def _remove_oldest(self, why: str) -> int:
        """Remove the oldest hour of counts, or what is left of one that was begun; not the last minute."""
        begin_ns = begin_of_counts(self.connection)
        if begin_ns is None:
            return 0
        watched_ns = max(begin_ns, begin_of_watches(self.connection) or 0)  # rows may reach into the hour after theirs
        for first_ns in (begin_ns, watched_ns):
            before_ns = min(first_ns - first_ns % HOUR_NS + HOUR_NS, self.now_ns - MINUTE_NS)
            if removed := self._expire(before_ns, why):
                return removed
        return 0


def _utc(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NANO, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _folded_early(found: Folded | None, scope: str, told: str) -> Step:
    """Have the ledger tell of a fold where that has cost something."""
    if found is None:
        return Step(worked=False)
    gap = Gap(found.since_ns, found.until_ns, GapCause.STORAGE_FULL, Effect.DETAIL, None, scope, told)
    return Step(worked=True, gap=gap if found.rows else None)
