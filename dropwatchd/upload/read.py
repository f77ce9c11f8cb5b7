"""Reads from a history what the central one does not have yet, at most an hour of one run at a time."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.fleet.keys import key
from dropwatchd.model import Effect, GapCause
from dropwatchd.upload import changes, reconcile, windows
from dropwatchd.upload.names import Named, Names, clean
from dropwatchd.upload.slice import Marks, Row, Sent, Slice
from dropwatchd.upload.watched import Watch, unsent

LATE_NS = 120 * 1_000_000_000  # rows may begin so long before what vouches for them
_TRUE_ID = frozenset("0123456789abcdef")
_EXPIRED, _LOST = -1, -2  # numbers of gaps that are not in the history's own ledger
_BOOT, _STARTED, _ENDED = 0, 4, 5  # columns of a run
_SCOPES = {"software": "drops", "hardware": "drops", "counters": "counters", "packets": "packets"}


class RefusedError(Exception):
    """A history cannot be sent. The text says why, and what to do."""


def machine_of(connection: sqlite3.Connection) -> tuple[str, str]:
    """Return whose history it is, by its newest run: a true machine id, and the host's name; raise RefusedError."""
    newest = connection.execute("SELECT machine_id, hostname FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    if newest is None:
        raise RefusedError("the history has no run yet; start dropwatchd first")
    machine_id, hostname = clean(newest)
    if len(machine_id) != 32 or not _TRUE_ID.issuperset(machine_id) or len({*machine_id}) == 1:
        raise RefusedError(f"{hostname} has no true machine id ({machine_id}), by which hosts are told apart; make one "
                           "with systemd-machine-id-setup and restart dropwatchd")
    return machine_id, hostname


def next_slice(connection: sqlite3.Connection, marks: Marks, there: Callable[[int], reconcile.There], *,
               packets: bool = False) -> Slice | None:
    """Return what is to be sent next, the oldest run first; None where all of it was sent."""
    machine_id, hostname = machine_of(connection)
    runs = connection.execute("""
        SELECT id, boot_id, hostname, kernel, version, started_ns, ended_ns, ending FROM runs
        WHERE machine_id = ? ORDER BY id""", (machine_id,)).fetchall()
    names = None
    for place, (run_id, *run) in enumerate(runs, 1):
        run_key = key(machine_id, run[_BOOT], run[_STARTED])
        sent = marks.runs.get(run_key)
        if sent and sent.complete:
            continue
        names = names or Names(connection, machine_id)
        made = Slice(machine_id, hostname, run_key, clean(run))
        own = _Run(run_id, names, sent, there(run_key))
        if _fill(made, connection, own, packets=packets) or (
                made.more and _fill(made, connection, own, packets=packets, at_once=True)):
            made.more = made.more or place < len(runs)
            return made
    return None


class _Run(NamedTuple):
    """A run here, and what is there of it."""

    id: int
    names: Names
    sent: Sent | None
    there: reconcile.There


def _fill(made: Slice, connection: sqlite3.Connection, run: _Run, *, packets: bool, at_once: bool = False) -> bool:
    """Put the next rows of a run into a slice; say whether there is anything to send.

    An hour may have none but what may yet grow, while more lies behind it: all is looked at `at_once` then.
    """
    run_id, names, there = run.id, run.names, run.sent or Sent()
    watches = [watch for watch in unsent(connection, run_id, made.run_key, names, there.watches)
               if packets or watch.what != "packets"]
    begin_ns = min((watch.begin_ns for watch in watches), default=changes.NO_LIMIT)
    differs = reconcile.is_needed(connection, run_id, there.reach_ns, there.changes_ns, watches)
    limit_ns = changes.NO_LIMIT if differs or at_once else _limit(watches, begin_ns)
    made.more = limit_ns < changes.NO_LIMIT
    watches = [watch.up_to(limit_ns) for watch in watches if watch.begin_ns < limit_ns]
    has_ended = made.run[_ENDED] is not None
    cut = changes.Cut(there.changes_ns, watches, limit_ns, has_ended)
    moved = changes.reconciled(connection, run_id, names, run.there, cut) if differs else \
        changes.read(connection, run_id, names, cut)
    watches = [watch.up_to(moved.vouched_ns) if watch.what == "counters" else watch for watch in watches
               if watch.what != "counters" or watch.begin_ns < moved.vouched_ns
               or watch.until_ns <= moved.vouched_ns]
    used: dict[str, set[int]] = {"locations": set(), "kinds": set(), "interfaces": set(), "counters": set()}
    since = {what: min((watch.begin_ns for watch in watches if watch.what in whats), default=None)
             for what, whats in (("drops", {"software", "hardware"}), ("counters", {"counters"}),
                                 ("packets", {"packets"}))}
    rows = made.rows
    if since["drops"] is not None:
        rows["drops"] = windows.drops(connection, run_id, names, (since["drops"] - LATE_NS, limit_ns), used)
    if since["packets"] is not None:
        rows["packets"] = windows.packets(connection, run_id, names, (since["packets"] - LATE_NS, limit_ns), used)
    if since["counters"] is not None:
        rows["counter_starts"] = _starts(connection, run_id, names, (since["counters"] - LATE_NS, limit_ns), used)
    rows["counter_changes"] = moved.rows
    used["counters"] |= moved.used
    rows["watches"] = [watch.row() for watch in watches]
    rows["gaps"] = [*_gaps(connection, run_id, there, begin_ns, limit_ns), *_lost(watches),
                    *(_expired(connection, made.run[_STARTED], watches) if run.sent is None else ())]
    rows["events"] = _events(connection, run_id, names, begin_ns - LATE_NS, limit_ns) if watches else []
    _name(rows, names, used, made.run[_BOOT])
    made.changes_ns = moved.until_ns
    made.reach_ns = max(there.reach_ns, moved.reach_ns or moved.until_ns)
    made.complete = has_ended and not made.more and not moved.held
    return run.sent is None or bool(watches) or made.complete or bool(moved.rows)


def _limit(watches: Iterable[Watch], begin_ns: int) -> int:
    """Return up to when a transaction goes: all there is, or, of a long time, an hour or two."""
    end_ns = max((watch.until_ns for watch in watches), default=0)
    limit_ns = begin_ns - begin_ns % HOUR_NS + 2 * HOUR_NS
    return changes.NO_LIMIT if end_ns < limit_ns + HOUR_NS else limit_ns


def _starts(connection: sqlite3.Connection, run_id: int, names: Names, span: tuple[int, int],
            used: Mapping[str, set[int]]) -> list[Row]:
    rows = connection.execute("""SELECT counter_id, time_ns, value FROM counter_starts
                                 WHERE run_id = ? AND time_ns >= ? AND time_ns < ?""", (run_id, *span)).fetchall()
    used["counters"].update(row[0] for row in rows)
    return [*{names.counters[counter].key: (names.counters[counter].key, *rest) for counter, *rest in rows}.values()]


def _gaps(connection: sqlite3.Connection, run_id: int, sent: Sent, begin_ns: int, limit_ns: int) -> list[Row]:
    """Return what is new in the ledger, and what may have become longer; what expired here did not there."""
    return [clean(row) for row in connection.execute("""
        SELECT id, since_ns, until_ns, cause, effect, scope, lost, detail FROM gaps
        WHERE run_id = ? AND cause != ? AND (id > ? OR until_ns >= ?) AND since_ns < ?""",
                                                     (run_id, GapCause.EXPIRED, sent.last_gap, begin_ns - HOUR_NS,
                                                      limit_ns))]


def _lost(watches: Iterable[Watch]) -> list[Row]:
    """Return what the central ledger says of what was removed here before it was sent."""
    holes: dict[str, tuple[int, int]] = {}
    for watch in watches:
        scope = _SCOPES.get(watch.what)
        if scope and watch.hole_ns is not None:
            since_ns, until_ns = holes.get(scope, (watch.hole_ns, watch.begin_ns))
            holes[scope] = min(since_ns, watch.hole_ns), max(until_ns, watch.begin_ns)
    return [(_LOST - place, *holes[scope], GapCause.NOT_UPLOADED, Effect.BLIND, scope, None, "")
            for place, scope in enumerate(("drops", "counters", "packets")) if scope in holes]


def _expired(connection: sqlite3.Connection, started_ns: int, watches: Iterable[Watch]) -> list[Row]:
    """Return what the ledger says of a run that had begun to expire before any of it was sent."""
    begins = {scope: min((watch.begin_ns for watch in watches if watch.what in whats), default=0)
              for scope, whats in (("drops", {"software", "hardware"}), ("packets", {"packets"}))}
    return [(_EXPIRED - 10 * place, max(since_ns, started_ns), begins[scope], GapCause.EXPIRED, Effect.BLIND, scope,
             None, clean((detail,))[0])
            for place, (since_ns, scope, detail) in enumerate(connection.execute(
                "SELECT since_ns, scope, detail FROM gaps WHERE cause = ?", (GapCause.EXPIRED,)))
            if max(since_ns, started_ns) < begins.get(scope, 0)]


def _events(connection: sqlite3.Connection, run_id: int, names: Names, since_ns: int, until_ns: int) -> list[Row]:
    found = []
    for row_id, *row in connection.execute("""
            SELECT id, time_ns, kind, subject, detail, namespace_id, ifindex FROM events
            WHERE run_id = ? AND time_ns >= ? AND time_ns < ?""", (run_id, since_ns, until_ns)):
        time_ns, kind, subject, detail, namespace_id, ifindex = clean(row)
        found.append((row_id, time_ns, kind, subject, detail,
                      names.namespace(namespace_id), ifindex))
    return found


def _name(rows: dict[str, Any], names: Names, used: Mapping[str, set[int]], boot_id: str) -> None:
    """Add what the rows refer to, and what there is in the boot: that is told though nothing happens in it."""
    for table in ("locations", "kinds", "counters"):
        rows[table] = _rows(getattr(names, table)[row] for row in used[table])
    for table, named in (("interfaces", names.interfaces), ("namespaces", names.namespaces)):
        rows[table] = _rows(one for row, one in named.items() if row in used.get(table, ()) or boot_id in one.row[:2])


def _rows(named: Iterable[Named]) -> list[Row]:
    """Return one row of each key, the one that was seen last."""
    newest = {one.key: one for one in sorted(named, key=lambda one: one.seen_ns)}
    return [(one.key, *one.row) for one in sorted(newest.values())]
