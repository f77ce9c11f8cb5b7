"""Writes batches into the history: one transaction each, everything of a batch or nothing."""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from dropwatchd import __version__
from dropwatchd.history import schema as s
from dropwatchd.history.batch import Batch, Round
from dropwatchd.history.open import engine
from dropwatchd.history.options import RetentionOptions
from dropwatchd.history.retention import add_drops, expire, relieve
from dropwatchd.kernel.host import Identity
from dropwatchd.model import NANO, CounterKey, DropKey, Effect, Gap, GapCause, Interface, Kind, Location

_KNOWN_LIMIT = 20_000        # dimension rows remembered; beyond that they are looked up again
_SLACK_NS = NANO             # detail gaps this close together are one row
_SIGNED = 1 << 63


class Writer:
    """One run in the history. Any sqlalchemy error leaves the history and this object as they were before the call."""

    def __init__(self, database: Path, identity: Identity, source: str) -> None:
        self._engine = engine(database)
        self._identity = identity
        self._source = source
        self._known: dict[Hashable, int] = {}  # of (table, key), and of counters
        self._open_gaps: dict[tuple[str, ...], tuple[int, int]] = {}
        self._run = 0

    def start(self, started_ns: int) -> Gap | None:
        """Begin the run; close one that crashed; return the gap since the last one, which is written as well."""
        with self._engine.begin() as connection:
            last = connection.execute(
                select(s.runs).where(s.runs.c.machine_id == self._identity.machine_id)
                .order_by(s.runs.c.started_ns.desc(), s.runs.c.id.desc()).limit(1)).mappings().first()
            connection.execute(
                update(s.runs).where(s.runs.c.ended_ns.is_(None))
                .values(ended_ns=s.runs.c.last_seen_ns, ending="crashed"))
            self._run = _insert_id(connection, s.runs, {
                "machine_id": self._identity.machine_id, "boot_id": self._identity.boot_id,
                "hostname": self._identity.hostname, "kernel": self._identity.kernel,
                "version": __version__, "source": self._source,
                "started_ns": started_ns, "last_seen_ns": started_ns})
            gap = _gap_before(dict(last) if last else None, self._identity.boot_id, started_ns)
            if gap:
                self._write_gap(connection, gap, {})
        return gap

    def write(self, batch: Batch) -> None:
        """Write a batch, and vouch for everything up to its `seen_ns`."""
        known, open_gaps = dict(self._known) if len(self._known) < _KNOWN_LIMIT else {}, dict(self._open_gaps)
        with self._engine.begin() as connection:
            for inode, name in batch.namespaces.items():
                self._interface_id(connection, Interface(inode, netns_name=name), batch.seen_ns)
            self._write_drops(connection, batch, known)
            self._write_counters(connection, batch, known)
            for gap in batch.gaps:
                self._write_gap(connection, gap, open_gaps)
            _insert_all(connection, s.events, ({
                "run_id": self._run, "time_ns": event.time_ns, "kind": event.kind, "subject": event.subject,
                "detail": event.detail, "netns": event.netns, "ifindex": event.ifindex} for event in batch.events))
            connection.execute(update(s.runs).where(s.runs.c.id == self._run)
                               .values(last_seen_ns=func.max(s.runs.c.last_seen_ns, batch.seen_ns)))
        self._known, self._open_gaps = known, open_gaps

    def tidy(self, options: RetentionOptions, now_ns: int) -> bool:
        """Take one short step towards the bounds of the history; say whether there is more to do at once."""
        open_gaps = dict(self._open_gaps)
        with self._engine.begin() as connection:
            more = expire(connection, options, now_ns)
            for gap in relieve(connection, options, now_ns):
                self._write_gap(connection, gap, open_gaps)
                more = True
        self._open_gaps = open_gaps
        return more

    def finish(self, ended_ns: int, ending: str) -> None:
        """End the run cleanly: the write-ahead log is folded into the database, which any reader can open then."""
        with self._engine.begin() as connection:
            connection.execute(update(s.runs).where(s.runs.c.id == self._run)
                               .values(ended_ns=ended_ns, last_seen_ns=ended_ns, ending=ending))
        self.close()

    def close(self) -> None:
        """Let go of the database as it is."""
        self._engine.dispose()

    def _write_drops(self, connection: Connection, batch: Batch, known: dict[Hashable, int]) -> None:
        def ids(key: DropKey, time_ns: int) -> dict[str, int]:
            return {
                "run_id": self._run,
                "location_id": _once(known, ("location", key.location), lambda: _location_id(connection, key.location)),
                "kind_id": _once(known, ("kind", key.kind), lambda: _kind_id(connection, key.kind)),
                "interface_id": _once(known, ("interface", key.interface),
                                      lambda: self._interface_id(connection, key.interface, time_ns)),
            }

        rows = [{**ids(w.drop.key, w.start_ns), "window_start_ns": w.start_ns, "window_width_ns": w.width_ns,
                 "count": w.drop.count, "bytes": w.drop.octets, "first_ns": w.drop.first_ns, "last_ns": w.drop.last_ns}
                for w in batch.windows]
        if rows:
            add_drops(connection, rows)
            seen = {row["interface_id"]: row["last_ns"] for row in rows}
            connection.execute(
                update(s.interfaces).where(s.interfaces.c.id == bindparam("row"))
                .values(valid_until_ns=func.max(s.interfaces.c.valid_until_ns, bindparam("seen"))),
                [{"row": row, "seen": last_ns} for row, last_ns in seen.items()])
        _insert_all(connection, s.packets, ({
            **ids(p.key, p.time_ns), "time_ns": p.time_ns, "length": p.length, "weight": p.weight,
            "link_header": p.link_header, "data": p.data, "details": json.dumps(dict(p.details)) if p.details else None,
        } for p in batch.packets))

    def _write_counters(self, connection: Connection, batch: Batch, known: dict[Hashable, int]) -> None:
        gauges = {reading.key: not reading.bits for _, reading in batch.starts}
        gauges |= {change.key: change.gauge for change in batch.changes}
        _know_counters(connection, known, gauges)
        _insert_all(connection, s.counter_starts, ({
            "run_id": self._run, "counter_id": known[reading.key], "time_ns": time_ns,
            "value": _signed(reading.value)} for time_ns, reading in batch.starts), ignore=True)
        _insert_all(connection, s.counter_changes, ({
            "run_id": self._run, "counter_id": known[change.key],
            "since_ns": change.since_ns, "until_ns": change.until_ns, "delta": _signed(change.delta)}
            for change in batch.changes))
        self._write_rounds(connection, batch)

    def _write_rounds(self, connection: Connection, batch: Batch) -> None:
        visits = insert(s.namespace_runs)
        if batch.visits:
            connection.execute(visits.on_conflict_do_update(set_={"last_ns": visits.excluded.last_ns}), [
                {"run_id": self._run, "netns": netns, "first_ns": first_ns, "last_ns": last_ns}
                for netns, (first_ns, last_ns) in batch.visits.items()])
        new = insert(s.collector_runs)
        rows = _sum_rounds(self._run, batch.rounds)
        if rows:
            connection.execute(new.on_conflict_do_update(set_={
                "last_ns": new.excluded.last_ns,
                **{name: s.collector_runs.c[name] + new.excluded[name] for name in ("rounds", "failures", "busy_ns")},
            }), rows)

    def _write_gap(self, connection: Connection, gap: Gap, open_gaps: dict[tuple[str, ...], tuple[int, int]]) -> None:
        """Write a gap; one that goes on where the last of its sort ended makes that row longer."""
        sort = (gap.cause, gap.effect, gap.scope, gap.detail, str(gap.lost is None))
        row, until_ns = open_gaps.get(sort, (0, 0))
        slack_ns = _SLACK_NS if gap.effect is Effect.DETAIL else 0
        if row and gap.since_ns <= until_ns + slack_ns:
            connection.execute(update(s.gaps).where(s.gaps.c.id == row)
                               .values(until_ns=gap.until_ns, lost=s.gaps.c.lost + gap.lost))
        else:
            row = _insert_id(connection, s.gaps, {
                "run_id": self._run, "since_ns": gap.since_ns, "until_ns": gap.until_ns, "cause": gap.cause,
                "effect": gap.effect, "scope": gap.scope, "lost": gap.lost, "detail": gap.detail})
        open_gaps[sort] = (row, gap.until_ns)

    def _interface_id(self, connection: Connection, interface: Interface, time_ns: int) -> int:
        return _find_or_insert(
            connection, s.interfaces,
            {"boot_id": self._identity.boot_id, "netns": interface.netns, "netns_name": interface.netns_name,
             "ifindex": interface.ifindex, "name": interface.name},
            {"valid_from_ns": time_ns, "valid_until_ns": time_ns})


def _gap_before(last: Mapping[str, Any] | None, boot_id: str, started_ns: int) -> Gap | None:
    """Return what nobody saw between the last run and this one."""
    if last is None:
        return None
    since_ns = last["ended_ns"] or last["last_seen_ns"]
    ended = last["ending"] or "crashed"
    detail = f"{ended}, and the host was started anew" if last["boot_id"] != boot_id else ended
    since_ns = min(since_ns, started_ns)  # where the clock was set back no span can be given
    return Gap(since_ns, started_ns, GapCause.DAEMON_DOWN, Effect.BLIND, None, "drops", detail)


def _once(known: dict[Hashable, int], key: tuple[str, Hashable], find: Callable[[], int]) -> int:
    """Return the id of a named tuple of a table; without the table's name an unknown place equals an unknown device."""
    number = known.get(key)
    if number is None:
        number = known[key] = find()
    return number


def _location_id(connection: Connection, location: Location) -> int:
    address = None if location.address is None else f"0x{location.address:016x}"
    return _find_or_insert(connection, s.locations, {**location._asdict(), "address": address})


def _kind_id(connection: Connection, kind: Kind) -> int:
    return _find_or_insert(connection, s.kinds, kind._asdict())


def _know_counters(connection: Connection, known: dict[Hashable, int], gauges: Mapping[CounterKey, bool]) -> None:
    """Learn the ids of counters, all at once: a first round has thousands of them."""
    unknown = [key for key in gauges if key not in known]
    if not unknown:
        return
    _insert_all(connection, s.counters, (
        {**key._asdict(), "labels": json.dumps(dict(key.labels)), "gauge": gauges[key]} for key in unknown),
        ignore=True)
    for row in connection.execute(select(s.counters)):
        labels = tuple(json.loads(row.labels).items())
        known[CounterKey(row.collector, row.name, row.netns, row.ifindex, row.interface, labels)] = row.id


def _find_or_insert(
    connection: Connection, table: Table, key: Mapping[str, Any], rest: Mapping[str, Any] | None = None,
) -> int:
    """Return the row id of a natural key; NULL is a value like any other."""
    found = connection.execute(select(table.c.id).where(
        *(table.c[name].is_not_distinct_from(value) for name, value in key.items()))).scalar()
    return found if found is not None else _insert_id(connection, table, {**key, **(rest or {})})


def _insert_id(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    inserted = connection.execute(insert(table), row).inserted_primary_key
    assert inserted is not None  # noqa: S101 - one row, one integer key
    return int(inserted[0])


def _insert_all(
    connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]], *, ignore: bool = False,
) -> None:
    rows = list(rows)
    if rows:
        connection.execute(insert(table).on_conflict_do_nothing() if ignore else insert(table), rows)


def _sum_rounds(run: int, rounds: Iterable[Round]) -> list[dict[str, Any]]:
    sums: dict[str, dict[str, Any]] = {}
    for round_ in rounds:
        held = sums.setdefault(round_.collector, {
            "run_id": run, "collector": round_.collector, "first_ns": round_.time_ns, "last_ns": round_.time_ns,
            "rounds": 0, "failures": 0, "busy_ns": 0})
        held["last_ns"] = round_.time_ns
        held["rounds"] += 1
        held["failures"] += round_.failed
        held["busy_ns"] += round_.busy_ns
    return list(sums.values())


def _signed(value: int) -> int:
    """Return a u64 as SQLite's signed 64 bits; readers take it modulo 2^64."""
    return value - (_SIGNED << 1) if value >= _SIGNED else value
