"""Writes batches into the history: one transaction each, everything of a batch or nothing."""

import json
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from dropwatchd import __version__
from dropwatchd.history.calendar import Calendar
from dropwatchd.history.statements import (
    ADD_CHECKPOINT,
    ADD_DROPS,
    ADD_STACK,
    CLOSE_CRASHED,
    END_RUN,
    FIND_CHECKPOINT,
    FORGET_CHECKPOINTS,
    INSERT_CHANGES,
    INSERT_COLLECTED,
    INSERT_EVENTS,
    INSERT_FIRST_STACKS,
    INSERT_PACKETS,
    INSERT_STARTS,
    INSERT_WATCHES,
    LAST_RUN,
    LAST_WATCHED,
    MERGE_GAP,
    SEE,
    UNMARK_FOLDED,
    WATCHED_HARDWARE,
    signed,
)
from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.connection import connect, insert_id, scalar, transaction, without_references
from dropwatchd.history.write.dimensions import Dimensions
from dropwatchd.history.write.hours import touch
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.history.write.retention import Retention
from dropwatchd.history.write.space import Space
from dropwatchd.history.write.totals import Totals
from dropwatchd.kernel.clock import STEP_NS
from dropwatchd.kernel.host import Identity
from dropwatchd.model import NANO, Effect, Gap, GapCause, Instant, Mark, Written

_FORGET_NS = 600 * NANO  # between two searches for rows that nothing refers to
_SLACK_NS = NANO  # detail gaps this close together are one row
_COUNTED = "drops were counted meanwhile, but when is not known"
_OpenGaps = dict[tuple[str, ...], tuple[int, int, int]]  # sort of gap -> row, since, until


class _LastRun(NamedTuple):
    id: int
    boot_id: str
    ending: str
    started_ns: int


class Writer:
    """One run in the history. Any error leaves the history and this object as they were before the call."""

    def __init__(self, database: Path, identity: Identity) -> None:
        self._connection = connect(database)
        self._identity = identity
        self._dimensions = Dimensions(self._connection, identity.boot_id)
        self._totals = Totals(identity.machine_id)
        self._open_gaps: _OpenGaps = {}
        self._run = 0
        self._space = Space(self._connection, database)
        self._forgets_at_ns = 0
        self._started: Instant
        self._watches_from: Instant
        self._calendar: Calendar

    def written(self, token: int) -> Written | None:
        """Return what is here of a source that goes on without us; it may be asked before the start."""
        row = self._connection.execute(FIND_CHECKPOINT, (token,)).fetchone()
        return Written(row[0], Instant(row[1], row[2])) if row else None

    def start(self, started: Instant, lost: Gap | None = None, resumed: Instant | None = None) -> list[Gap]:
        """Begin the run; close one that crashed; return the gaps since the last one, which are written as well.

        `lost` is what the ledger says where this run goes on for one whose file was lost: then nobody was down.
        Where a source was `resumed`, watches may begin then already. The gaps are not written: what they mean depends
        on what that source has counted, and must not be here before that is.
        """
        self._started, self._watches_from = started, resumed or started
        with transaction(self._connection, durable=True) as connection:
            connection.execute(CLOSE_CRASHED, ("its file was lost" if lost else "crashed",))
            gaps = self._gaps_before(started, counted=bool(resumed))
            if lost:
                *steps, before = gaps or [lost]
                gaps = [*steps, replace(lost, since_ns=min(lost.since_ns, before.since_ns))]
            newest_ns = scalar(connection, "SELECT max(until_ns) FROM watches")
            self._calendar = Calendar(started, min(newest_ns or started.wall_ns, started.wall_ns))
            self._run = insert_id(connection, "runs", {
                "machine_id": self._identity.machine_id, "boot_id": self._identity.boot_id,
                "hostname": self._identity.hostname, "kernel": self._identity.kernel,
                "version": __version__, "started_ns": started.wall_ns})
            connection.execute(UNMARK_FOLDED, (started.wall_ns,))
            for gap in gaps if not resumed else ():
                self._write_gap(gap, {})
        return gaps

    def write(self, batch: Batch) -> None:
        """Write a batch, which no power cut undoes any more; its watches vouch for it and for all before."""
        open_gaps = dict(self._open_gaps)
        try:
            with transaction(self._connection, durable=True):
                self._dimensions.begin()
                self._write(batch, open_gaps)
        except BaseException:
            self._dimensions.forget()
            self._totals.forget()
            raise
        self._open_gaps = open_gaps

    def _write(self, batch: Batch, open_gaps: _OpenGaps) -> None:
        dimensions = self._dimensions
        dimensions.name(batch.namespaces)
        dimensions.describe(batch.devices)
        self._connection.executemany(INSERT_EVENTS, [  # they know since when a namespace has its name
            (self._run, event.time_ns, event.kind, event.subject, event.detail,
             dimensions.namespace_number(event.netns, event.time_ns), event.ifindex) for event in batch.events])
        for namespace in batch.namespaces.values():  # that it was there is on record though nothing happens in it
            dimensions.namespace(namespace, self._started.wall_ns)
        self._write_drops(batch)
        self._write_stacks(batch)
        self._totals.add(self._connection, (window.drop for window in batch.windows))
        self._write_counters(batch)
        for gap in batch.gaps:
            self._write_gap(gap, open_gaps)
        self._write_watches(batch)
        if batch.mark:
            self._write_mark(batch.mark)

    def tidy(self, options: RetentionOptions, now: Instant) -> bool:
        """Take one short step towards the bounds of the history; say whether there is more to do at once."""
        open_gaps, now_ns = dict(self._open_gaps), self._calendar.trusted_ns(now)
        pressed, forgets = self._space.is_pressed(options), now.boot_ns >= self._forgets_at_ns
        with without_references(self._connection), transaction(self._connection) as connection:
            step = Retention(connection, options, now_ns, now.wall_ns, self._run, self._identity.boot_id).step(
                pressed=pressed, forgets=forgets)
            if step.gap:
                self._write_gap(step.gap, open_gaps)
        self._open_gaps = open_gaps
        if step.forgotten:
            self._dimensions.forget()
        elif forgets and not step.worked:
            self._forgets_at_ns = now.boot_ns + _FORGET_NS
        return self._space.tidy(options) or step.worked

    def is_due(self, options: RetentionOptions) -> bool:
        """Say whether the history is too large and has to be tidied at once."""
        return self._space.is_due(options)

    def database_bytes(self) -> int:
        """Return the size of the database, which falls in a step of `tidy` alone."""
        return self._space.database_bytes()

    def held_up(self) -> str:
        """Say what keeps the history from shrinking, if anything does; any thread may ask."""
        return self._space.held_up()

    def finish(self, ended: Instant, ending: str) -> None:
        """End the run cleanly: the write-ahead log is folded into the database, which any reader can open then."""
        with transaction(self._connection) as connection:
            connection.execute(END_RUN, (ended.wall_ns, ending, self._run))
        self.close()

    def close(self) -> None:
        """Let go of the database as it is."""
        self._connection.close()

    def _write_drops(self, batch: Batch) -> None:
        rows, place_of = [], self._dimensions.place
        for window in batch.windows:
            drop = window.drop
            place = place_of(drop.key, drop.first_ns, drop.last_ns)
            rows.append((window.start_ns, window.width_ns, self._run, *place, drop.count, drop.octets, drop.first_ns,
                         drop.last_ns))
        rows.sort(key=itemgetter(0, 1, 3, 4, 5))  # in the order of the table, whose pages are full then
        self._connection.executemany(ADD_DROPS, rows)
        touch(self._connection, "drops", rows)
        packets = [(self._run, *place_of(p.key, p.time_ns, p.time_ns), p.time_ns, p.length, p.weight, p.link_header,
                    p.data, json.dumps(dict(p.details)) if p.details else None) for p in batch.packets]
        self._connection.executemany(INSERT_PACKETS, packets)
        seen: dict[int, int] = {}
        for interface, last_ns in chain(((row[5], row[9]) for row in rows), ((row[3], row[4]) for row in packets)):
            seen[interface] = max(last_ns, seen.get(interface, 0))
        self._connection.executemany(SEE["interfaces"], [(last_ns, row) for row, last_ns in seen.items()])

    def _write_stacks(self, batch: Batch) -> None:
        rows = [(self._run, self._dimensions.location(stack.location, stack.time_ns), stack.reason or "",
                 "\n".join(frame.printed() for frame in stack.frames)) for stack in batch.stacks]
        self._connection.executemany(ADD_STACK, [(frames,) for *_place, frames in rows])
        self._connection.executemany(INSERT_FIRST_STACKS, rows)

    def _write_counters(self, batch: Batch) -> None:
        gauges = {reading.key: not reading.bits for _, reading in batch.starts}
        gauges |= {change.key: change.gauge for change in batch.changes}
        times = {reading.key: time_ns for time_ns, reading in batch.starts}
        times |= {change.key: change.until_ns for change in batch.changes}
        counter = self._dimensions.counters(gauges, times)
        self._connection.executemany(INSERT_STARTS, [
            (self._run, counter[reading.key], time_ns, signed(reading.value)) for time_ns, reading in batch.starts])
        changes = sorted((change.until_ns, self._run, counter[change.key], change.since_ns, signed(change.delta))
                         for change in batch.changes)
        self._connection.executemany(INSERT_CHANGES, changes)
        touch(self._connection, "counter_changes", changes)
        self._connection.executemany(INSERT_COLLECTED, [
            (self._run, name, *how) for name, how in batch.collected.items()])

    def _write_watches(self, batch: Batch) -> None:
        """Write what was watched since this run began, or was resumed: what was seen before is not in this history."""
        self._connection.executemany(INSERT_WATCHES, [
            (self._run, watch.watching.what, watch.watching.name,
             self._dimensions.namespace_number(watch.watching.netns, watch.since.wall_ns),
             since.wall_ns, watch.until.wall_ns, since.boot_ns, watch.until.boot_ns, json.dumps(watch.limits),
             watch.ending)
            for watch in batch.watches
            if watch.until.boot_ns >= self._watches_from.boot_ns
            for since in (max(watch.since, self._watches_from, key=lambda moment: moment.boot_ns),)])

    def _write_mark(self, mark: Mark) -> None:
        """Write, last of all, how often what a source has told was written, when it knows what that is."""
        self._connection.execute(FORGET_CHECKPOINTS, (mark.token,))
        number = scalar(self._connection, ADD_CHECKPOINT, (mark.token, self._run))
        with suppress(OSError):  # then nobody goes on from here
            mark.prepare(number)

    def _write_gap(self, gap: Gap, open_gaps: _OpenGaps) -> None:
        """Write a gap; one that goes on where the last of its sort ended makes that row longer, and never shorter."""
        sort = (gap.cause, gap.effect, gap.scope, gap.detail, str(gap.lost is None))
        row, since_ns, until_ns = open_gaps.get(sort, (0, 0, 0))
        slack_ns = _SLACK_NS if gap.effect is Effect.DETAIL else 0
        merged = (gap.until_ns, gap.lost, row, since_ns, *sort[:4])
        if (row and since_ns <= gap.since_ns <= until_ns + slack_ns
                and self._connection.execute(MERGE_GAP, merged).rowcount):
            open_gaps[sort] = (row, since_ns, max(until_ns, gap.until_ns))
        else:  # or that row has expired
            row = insert_id(self._connection, "gaps", {
                "run_id": self._run, "since_ns": gap.since_ns, "until_ns": gap.until_ns, "cause": gap.cause,
                "effect": gap.effect, "scope": gap.scope, "lost": gap.lost, "detail": gap.detail})
            open_gaps[sort] = (row, gap.since_ns, gap.until_ns)

    def _gaps_before(self, started: Instant, *, counted: bool) -> list[Gap]:
        """Return what nobody saw between the last run and this one: by the clock that nobody can set, within one boot.

        Where drops of software were `counted` meanwhile, when they happened is all that is not known of them. Where the
        wall clock was set forward meanwhile the time before that never was; where it was set back, or another boot was
        ahead of it, the time up to there comes once more.
        """
        found = self._connection.execute(
            LAST_RUN, (self._identity.machine_id, GapCause.DAEMON_DOWN, GapCause.FILE_LOST)).fetchone()
        if not found:
            return []
        last = _LastRun(*found)
        row = self._connection.execute(LAST_WATCHED, (last.id,)).fetchone()
        until_ns, until_boot_ns = row or (last.started_ns, None)
        same_boot = last.boot_id == self._identity.boot_id
        detail = last.ending if same_boot else f"{last.ending}, and the host was started anew"
        down_ns = started.wall_ns - until_ns
        if same_boot and until_boot_ns is not None:
            down_ns = started.boot_ns - until_boot_ns
        since_ns = started.wall_ns - max(down_ns, 0)
        if abs(since_ns - until_ns) < STEP_NS:  # both clocks cannot be read at once
            since_ns = min(until_ns, started.wall_ns)
        gaps = [Gap(since_ns, started.wall_ns, GapCause.DAEMON_DOWN, Effect.BLIND, None, "drops", detail)]
        if counted:
            hardware = scalar(self._connection, WATCHED_HARDWARE, (last.id,))
            gaps = [replace(gaps[0], effect=Effect.DETAIL, lost=0, scope="software", detail=f"{detail}; {_COUNTED}"),
                    *(replace(gap, scope="hardware") for gap in gaps if hardware)]
        step_ns = since_ns - until_ns
        if step_ns <= -STEP_NS or (same_boot and step_ns > 0):
            first_ns, last_ns = sorted((until_ns, since_ns))
            told = f"{step_ns / NANO:+.3f} s{'' if same_boot else ' at least'}"
            gaps.insert(0, Gap(first_ns, last_ns, GapCause.CLOCK_STEP, Effect.DETAIL, 0, "drops", told))
        return gaps
