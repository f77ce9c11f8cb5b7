"""Writes batches into the history: one transaction each, everything of a batch or nothing."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select, update

from dropwatchd import __version__
from dropwatchd.history import schema as s
from dropwatchd.history import totals
from dropwatchd.history.batch import Batch
from dropwatchd.history.calendar import Calendar
from dropwatchd.history.dimensions import Dimensions, insert_id
from dropwatchd.history.hours import touch
from dropwatchd.history.open import durable, engine, without_references
from dropwatchd.history.options import RetentionOptions
from dropwatchd.history.retention import Retention
from dropwatchd.history.space import Space
from dropwatchd.history.statements import (
    ADD_CHECKPOINT,
    ADD_DROPS,
    ADD_STACK,
    CLOSE_CRASHED,
    FIND_CHECKPOINT,
    FORGET_CHECKPOINTS,
    INSERT_CHANGES,
    INSERT_COLLECTED,
    INSERT_EVENTS,
    INSERT_FIRST_STACKS,
    INSERT_PACKETS,
    INSERT_STARTS,
    INSERT_WATCHES,
    MERGE_GAP,
    SEE,
    UNMARK_FOLDED,
    signed,
)
from dropwatchd.kernel.clock import STEP_NS
from dropwatchd.kernel.host import Identity
from dropwatchd.model import NANO, DropKey, Effect, Gap, GapCause, Instant, Mark, Written

_FORGET_NS = 600 * NANO  # between two searches for rows that nothing refers to
_SLACK_NS = NANO  # detail gaps this close together are one row
_COUNTED = "drops were counted meanwhile, but when is not known"
_OpenGaps = dict[tuple[str, ...], tuple[int, int, int]]  # sort of gap -> row, since, until


class Writer:
    """One run in the history. Any error leaves the history and this object as they were before the call."""

    def __init__(self, database: Path, identity: Identity) -> None:
        self._engine = engine(database)
        self._identity = identity
        self._dimensions = Dimensions(identity.boot_id)
        self._open_gaps: _OpenGaps = {}
        self._totals: totals.Rows | None = None
        self._run = 0
        self._space = Space(self._engine, database)
        self._forgets_at_ns = 0
        self._started: Instant
        self._watches_from: Instant
        self._calendar: Calendar

    def written(self, token: int) -> Written | None:
        """Return what is here of a source that goes on without us; it may be asked before the start."""
        with self._engine.connect() as connection:
            row = connection.exec_driver_sql(FIND_CHECKPOINT, (token,)).first()
        return Written(row[0], Instant(row[1], row[2])) if row else None

    def start(self, started: Instant, lost: Gap | None = None, resumed: Instant | None = None) -> list[Gap]:
        """Begin the run; close one that crashed; return the gaps since the last one, which are written as well.

        `lost` is what the ledger says where this run goes on for one whose file was lost: then nobody was down.
        Where a source was `resumed`, watches may begin then already. The gaps are not written: what they mean depends
        on what that source has counted, and must not be here before that is.
        """
        self._started, self._watches_from = started, resumed or started
        with durable(self._engine).begin() as connection:
            connection.exec_driver_sql(CLOSE_CRASHED, ("its file was lost" if lost else "crashed",))
            last = _last_run(connection, self._identity.machine_id)
            gaps = _gaps_before(connection, last, self._identity.boot_id, started, bool(resumed)) if last else []
            if lost:
                *steps, before = gaps or [lost]
                gaps = [*steps, replace(lost, since_ns=min(lost.since_ns, before.since_ns))]
            newest_ns = connection.execute(select(func.max(s.watches.c.until_ns))).scalar()
            self._calendar = Calendar(started, min(newest_ns or started.wall_ns, started.wall_ns))
            self._run = insert_id(connection, s.runs, {
                "machine_id": self._identity.machine_id, "boot_id": self._identity.boot_id,
                "hostname": self._identity.hostname, "kernel": self._identity.kernel,
                "version": __version__, "started_ns": started.wall_ns})
            connection.exec_driver_sql(UNMARK_FOLDED, (started.wall_ns,))
            for gap in gaps if not resumed else ():
                self._write_gap(connection, gap, {})
        return gaps

    def write(self, batch: Batch) -> None:
        """Write a batch, which no power cut undoes any more; its watches vouch for it and for all before."""
        dimensions, open_gaps = self._dimensions.copy(), dict(self._open_gaps)
        with durable(self._engine).begin() as connection:
            dimensions.begin(connection)
            dimensions.name(batch.namespaces)
            dimensions.describe(batch.devices)
            _many(connection, INSERT_EVENTS, [  # they know since when a namespace has its name
                (self._run, event.time_ns, event.kind, event.subject, event.detail,
                 dimensions.namespace_number(event.netns, event.time_ns), event.ifindex) for event in batch.events])
            for namespace in batch.namespaces.values():  # that it was there is on record though nothing happens in it
                dimensions.namespace(namespace, self._started.wall_ns)
            self._write_drops(connection, batch, dimensions)
            self._write_stacks(connection, batch, dimensions)
            summed = totals.add(connection, self._identity.machine_id, (w.drop for w in batch.windows), self._totals)
            self._write_counters(connection, batch, dimensions)
            for gap in batch.gaps:
                self._write_gap(connection, gap, open_gaps)
            self._write_watches(connection, batch, dimensions)
            if batch.mark:
                self._write_mark(connection, batch.mark)
        self._dimensions, self._open_gaps, self._totals = dimensions, open_gaps, summed

    def tidy(self, options: RetentionOptions, now: Instant) -> bool:
        """Take one short step towards the bounds of the history; say whether there is more to do at once."""
        open_gaps, now_ns = dict(self._open_gaps), self._calendar.trusted_ns(now)
        pressed, forgets = self._space.is_pressed(options), now.boot_ns >= self._forgets_at_ns
        with without_references(self._engine), self._engine.begin() as connection:
            step = Retention(connection, options, now_ns, now.wall_ns, self._run, self._identity.boot_id).step(
                pressed=pressed, forgets=forgets)
            if step.gap:
                self._write_gap(connection, step.gap, open_gaps)
        self._open_gaps = open_gaps
        if step.forgotten:
            self._dimensions.forget()
        elif forgets and not step.worked:
            self._forgets_at_ns = now.boot_ns + _FORGET_NS
        return self._space.tidy(options) or step.worked

    def is_due(self, options: RetentionOptions) -> bool:
        """Say whether the history is too large and has to be tidied at once."""
        return self._space.is_due(options)

    def held_up(self) -> str:
        """Say what keeps the history from shrinking, if anything does; any thread may ask."""
        return self._space.held_up()

    def finish(self, ended: Instant, ending: str) -> None:
        """End the run cleanly: the write-ahead log is folded into the database, which any reader can open then."""
        with self._engine.begin() as connection:
            connection.execute(update(s.runs).where(s.runs.c.id == self._run)
                               .values(ended_ns=ended.wall_ns, ending=ending))
        self.close()

    def close(self) -> None:
        """Let go of the database as it is."""
        self._engine.dispose()

    def _write_drops(self, connection: Connection, batch: Batch, dimensions: Dimensions) -> None:
        def ids(key: DropKey, first_ns: int, last_ns: int) -> tuple[int, int, int, int]:
            return (self._run, dimensions.location(key.location, last_ns), dimensions.kind(key.kind, last_ns),
                    dimensions.interface(key.interface, first_ns))

        rows = [(w.start_ns, w.width_ns, *ids(w.drop.key, w.drop.first_ns, w.drop.last_ns), w.drop.count, w.drop.octets,
                 w.drop.first_ns, w.drop.last_ns) for w in batch.windows]
        rows.sort(key=itemgetter(0, 1, 2, 3, 4, 5))
        _many(connection, ADD_DROPS, rows)
        touch(connection, "drops", rows)
        packets = [(*ids(p.key, p.time_ns, p.time_ns), p.time_ns, p.length, p.weight, p.link_header, p.data,
                    json.dumps(dict(p.details)) if p.details else None) for p in batch.packets]
        _many(connection, INSERT_PACKETS, packets)
        seen: dict[int, int] = {}
        for interface, last_ns in chain(((row[5], row[9]) for row in rows), ((row[3], row[4]) for row in packets)):
            seen[interface] = max(last_ns, seen.get(interface, 0))
        _many(connection, SEE["interfaces"], [(last_ns, interface) for interface, last_ns in seen.items()])

    def _write_stacks(self, connection: Connection, batch: Batch, dimensions: Dimensions) -> None:
        rows = [(self._run, dimensions.location(stack.location, stack.time_ns), stack.reason or "",
                 "\n".join(frame.printed() for frame in stack.frames)) for stack in batch.stacks]
        _many(connection, ADD_STACK, [(frames,) for *_place, frames in rows])
        _many(connection, INSERT_FIRST_STACKS, rows)

    def _write_counters(self, connection: Connection, batch: Batch, dimensions: Dimensions) -> None:
        gauges = {reading.key: not reading.bits for _, reading in batch.starts}
        gauges |= {change.key: change.gauge for change in batch.changes}
        times = {reading.key: time_ns for time_ns, reading in batch.starts}
        times |= {change.key: change.until_ns for change in batch.changes}
        counter = dimensions.counters(gauges, times)
        _many(connection, INSERT_STARTS, [
            (self._run, counter[reading.key], time_ns, signed(reading.value)) for time_ns, reading in batch.starts])
        changes = sorted((change.until_ns, self._run, counter[change.key], change.since_ns, signed(change.delta))
                         for change in batch.changes)
        _many(connection, INSERT_CHANGES, changes)
        touch(connection, "counter_changes", changes)
        _many(connection, INSERT_COLLECTED, [(self._run, name, *how) for name, how in batch.collected.items()])

    def _write_watches(self, connection: Connection, batch: Batch, dimensions: Dimensions) -> None:
        """Write what was watched since this run began, or was resumed: what was seen before is not in this history."""
        _many(connection, INSERT_WATCHES, [
            (self._run, watch.watching.what, watch.watching.name,
             dimensions.namespace_number(watch.watching.netns, watch.since.wall_ns),
             since.wall_ns, watch.until.wall_ns, since.boot_ns, watch.until.boot_ns, json.dumps(watch.limits),
             watch.ending)
            for watch in batch.watches
            if watch.until.boot_ns >= self._watches_from.boot_ns
            for since in (max(watch.since, self._watches_from, key=lambda moment: moment.boot_ns),)])

    def _write_mark(self, connection: Connection, mark: Mark) -> None:
        """Write, last of all, how often what a source has told was written, when it knows what that is."""
        connection.exec_driver_sql(FORGET_CHECKPOINTS, (mark.token,))
        number = connection.exec_driver_sql(ADD_CHECKPOINT, (mark.token, self._run)).scalar_one()
        with suppress(OSError):  # then nobody goes on from here
            mark.prepare(number)

    def _write_gap(self, connection: Connection, gap: Gap, open_gaps: _OpenGaps) -> None:
        """Write a gap; one that goes on where the last of its sort ended makes that row longer, and never shorter."""
        sort = (gap.cause, gap.effect, gap.scope, gap.detail, str(gap.lost is None))
        row, since_ns, until_ns = open_gaps.get(sort, (0, 0, 0))
        slack_ns = _SLACK_NS if gap.effect is Effect.DETAIL else 0
        merged = (gap.until_ns, gap.lost, row, since_ns, *sort[:4])
        if (row and since_ns <= gap.since_ns <= until_ns + slack_ns
                and connection.exec_driver_sql(MERGE_GAP, merged).rowcount):
            open_gaps[sort] = (row, since_ns, max(until_ns, gap.until_ns))
        else:  # or that row has expired
            row = insert_id(connection, s.gaps, {
                "run_id": self._run, "since_ns": gap.since_ns, "until_ns": gap.until_ns, "cause": gap.cause,
                "effect": gap.effect, "scope": gap.scope, "lost": gap.lost, "detail": gap.detail})
            open_gaps[sort] = (row, gap.since_ns, gap.until_ns)


def _last_run(connection: Connection, machine_id: str) -> Mapping[str, Any] | None:
    """Return a machine's last run that has left anything: what it saw, or what nobody had seen before it."""
    before = s.gaps.c.cause.in_((GapCause.DAEMON_DOWN, GapCause.FILE_LOST))
    told = or_(exists().where(s.watches.c.run_id == s.runs.c.id),
               exists().where((s.gaps.c.run_id == s.runs.c.id) & before))
    row = connection.execute(select(s.runs).where(s.runs.c.machine_id == machine_id)
                             .order_by(told.desc(), s.runs.c.id.desc()).limit(1)).mappings().first()
    return dict(row) if row else None


def _gaps_before(connection: Connection, last: Mapping[str, Any], boot_id: str, started: Instant,
                 counted: bool) -> list[Gap]:  # noqa: FBT001 - one caller
    """Return what nobody saw between the last run and this one: by the clock that nobody can set, within one boot.

    Where drops of software were `counted` meanwhile, when they happened is all that is not known of them. Where the
    wall clock was set forward meanwhile the time before that never was; where it was set back, or another boot was
    ahead of it, the time up to there comes once more.
    """
    row = connection.execute(
        select(s.watches.c.until_ns, s.watches.c.until_boot_ns).where(s.watches.c.run_id == last["id"])
        .order_by(s.watches.c.what == "counters",  # drops are written at other moments
                  s.watches.c.until_boot_ns.desc(), s.watches.c.until_ns.desc()).limit(1)).first()
    until_ns, until_boot_ns = row or (last["started_ns"], None)
    same_boot = last["boot_id"] == boot_id
    detail = last["ending"] if same_boot else f"{last['ending']}, and the host was started anew"
    down_ns = started.wall_ns - until_ns
    if same_boot and until_boot_ns is not None:
        down_ns = started.boot_ns - until_boot_ns
    since_ns = started.wall_ns - max(down_ns, 0)
    if abs(since_ns - until_ns) < STEP_NS:  # both clocks cannot be read at once
        since_ns = min(until_ns, started.wall_ns)
    gaps = [Gap(since_ns, started.wall_ns, GapCause.DAEMON_DOWN, Effect.BLIND, None, "drops", detail)]
    if counted:
        gaps = [replace(gaps[0], effect=Effect.DETAIL, lost=0, scope="software", detail=f"{detail}; {_COUNTED}"),
                *(replace(gap, scope="hardware") for gap in gaps if _watched_hardware(connection, last["id"]))]
    step_ns = since_ns - until_ns
    if step_ns <= -STEP_NS or (same_boot and step_ns > 0):
        first_ns, last_ns = sorted((until_ns, since_ns))
        told = f"{step_ns / NANO:+.3f} s{'' if same_boot else ' at least'}"
        gaps.insert(0, Gap(first_ns, last_ns, GapCause.CLOCK_STEP, Effect.DETAIL, 0, "drops", told))
    return gaps


def _watched_hardware(connection: Connection, run: int) -> bool:
    return bool(connection.execute(select(exists().where(
        (s.watches.c.run_id == run) & (s.watches.c.what == "hardware")))).scalar())


def _many(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    rows = list(rows)
    if rows:
        connection.exec_driver_sql(statement, rows)
