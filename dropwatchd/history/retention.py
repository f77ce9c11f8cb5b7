"""Keeps the history within its bounds: packets go first, then fine time resolution, counts last."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, delete, func, literal, select, text
from sqlalchemy.dialects.sqlite import insert

from dropwatchd.history import schema as s
from dropwatchd.history.options import RetentionOptions
from dropwatchd.model import NANO, Effect, Gap, GapCause

_DAY_NS = 86_400 * NANO
_STEP_NS = 3600 * NANO       # of history that one transaction folds
_WIDE_NS = 60 * NANO         # of a folded window
_PRESSED_PACKETS = 10_000    # removed at a time when the file is too large
_MIB = 1 << 20


def expire(connection: Connection, options: RetentionOptions, now_ns: int) -> bool:
    """Remove what is too old and fold an hour of what is old; say whether there is more to fold."""
    connection.execute(delete(s.packets).where(s.packets.c.time_ns < now_ns - options.packet_days * _DAY_NS))
    oldest_ns = now_ns - options.days * _DAY_NS
    for table, column in ((s.drops, "window_start_ns"), (s.counter_changes, "until_ns"),
                          (s.gaps, "until_ns"), (s.events, "time_ns")):
        connection.execute(delete(table).where(table.c[column] < oldest_ns))
    return _fold(connection, now_ns - options.fine_days * _DAY_NS)


def relieve(connection: Connection, options: RetentionOptions, now_ns: int) -> Iterator[Gap]:
    """While the database is too large, give up detail: the oldest packets, or where none are left, fine windows."""
    if _used_bytes(connection) <= options.max_mib * _MIB:
        return
    times = list(connection.execute(
        select(s.packets.c.time_ns).order_by(s.packets.c.time_ns).limit(_PRESSED_PACKETS)).scalars())
    if times:
        removed = connection.execute(delete(s.packets).where(s.packets.c.time_ns <= times[-1])).rowcount
        yield Gap(times[0], times[-1], GapCause.STORAGE_FULL, Effect.DETAIL, removed, "packets",
                  f"packets removed early: the database reached {options.max_mib} MiB")
        return
    oldest_ns = connection.execute(select(func.min(s.drops.c.window_start_ns)).where(
        s.drops.c.window_width_ns < _WIDE_NS)).scalar()
    if oldest_ns is not None and oldest_ns < now_ns - _STEP_NS:
        _fold(connection, oldest_ns + _STEP_NS)
        yield Gap(oldest_ns, oldest_ns + _STEP_NS, GapCause.STORAGE_FULL, Effect.DETAIL, None, "drops",
                  f"windows folded early: the database reached {options.max_mib} MiB")


def _used_bytes(connection: Connection) -> int:
    """Return the size of what is in use: freed pages are used again, so the file need not shrink."""
    pages, free, size = (connection.execute(text(f"PRAGMA {name}")).scalar_one()
                         for name in ("page_count", "freelist_count", "page_size"))
    return int((pages - free) * size)


def add_drops(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Insert rows of drops; one whose window and key are there already is added to what stands there."""
    if not rows:
        return
    new, d = insert(s.drops), s.drops.c
    connection.execute(new.on_conflict_do_update(set_={
        "count": d.count + new.excluded.count, "bytes": d.bytes + new.excluded.bytes,
        "first_ns": func.min(d.first_ns, new.excluded.first_ns),
        "last_ns": func.max(d.last_ns, new.excluded.last_ns)}), rows)


def _fold(connection: Connection, before_ns: int) -> bool:
    """Fold the oldest hour of fine windows before a time into minutes: counts stay the same."""
    d = s.drops.c
    fine = d.window_width_ns < _WIDE_NS
    before_ns -= before_ns % _WIDE_NS
    oldest_ns = connection.execute(select(func.min(d.window_start_ns)).where(fine)).scalar()
    if oldest_ns is None or oldest_ns >= before_ns:
        return False
    until_ns = min(oldest_ns - oldest_ns % _WIDE_NS + _STEP_NS, before_ns)
    chosen = fine & (d.window_start_ns >= oldest_ns) & (d.window_start_ns < until_ns)
    start = (d.window_start_ns - d.window_start_ns % _WIDE_NS).label("start")
    # One unknown number of bytes makes the sum unknown.
    octets = func.iif(func.count(d.bytes) == func.count(), func.sum(d.bytes), None)
    sums = list(connection.execute(
        select(start, literal(_WIDE_NS), d.run_id, d.location_id, d.kind_id, d.interface_id, func.sum(d.count),
               octets, func.min(d.first_ns), func.max(d.last_ns))
        .where(chosen).group_by(start, d.run_id, d.location_id, d.kind_id, d.interface_id)))
    connection.execute(delete(s.drops).where(chosen))
    add_drops(connection, [dict(zip(d.keys(), row, strict=True)) for row in sums])
    return bool(until_ns < before_ns)
