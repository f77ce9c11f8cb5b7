"""Keeps the history within its bounds: packets go first, then fine time resolution, counts last."""

from collections.abc import Iterator

from sqlalchemy import Connection, delete, func, literal, select, text, true, update
from sqlalchemy.dialects.sqlite import insert

from dropwatchd.history import schema as s
from dropwatchd.history.options import RetentionOptions
from dropwatchd.history.statements import ADD_DROPS
from dropwatchd.model import NANO, Effect, Gap, GapCause, Instant

_DAY_NS = 86_400 * NANO
_STEP_NS = 3600 * NANO       # of history that one transaction folds
_WIDE_NS = 60 * NANO         # of a folded window
_PRESSED_PACKETS = 10_000    # removed at a time when the file is too large
_MIB = 1 << 20
# What expires together, by its begin, which is indexed, and its end; and the watches that vouch for it. The watch
# "daemon" stays, for that it ran.
_TABLES = {"packets": ((s.packets, s.packets.c.time_ns, s.packets.c.time_ns),),
           "drops": ((s.drops, s.drops.c.window_start_ns, s.drops.c.last_ns),
                     (s.counter_changes, s.counter_changes.c.until_ns, s.counter_changes.c.until_ns),
                     (s.gaps, s.gaps.c.until_ns, s.gaps.c.until_ns),
                     (s.events, s.events.c.time_ns, s.events.c.time_ns))}
_WATCHED = {"packets": ("packets",), "drops": ("software", "hardware", "counters")}


class Calendar:
    """What day it is, as far as the history may rely on it: what is expired does not come back when the clock does.

    A clock that is ahead of the newest that was recorded is believed when a run has gone by it for a day; until then
    the time since boot is added to that newest.
    """

    def __init__(self, started: Instant, newest_ns: int) -> None:
        self._newest_ns = newest_ns
        self._started = self._last = started

    def trusted_ns(self, now: Instant) -> int:
        """Return the time by which rows may expire."""
        step_ns = (now.wall_ns - now.boot_ns) - (self._last.wall_ns - self._last.boot_ns)
        if abs(step_ns) >= NANO:  # the clock was set: it has to prove itself anew
            self._newest_ns = min(self.trusted_ns(self._last), now.wall_ns)
            self._started = now
        self._last = now
        elapsed_ns = now.boot_ns - self._started.boot_ns
        return now.wall_ns if elapsed_ns >= _DAY_NS else min(now.wall_ns, self._newest_ns + elapsed_ns)


def expire(connection: Connection, options: RetentionOptions, now_ns: int, run: int) -> bool:
    """Remove what is too old, shorten the watches that vouched for it, and fold an hour of what is old.

    Say whether there is more to fold.
    """
    _expire(connection, "packets", now_ns - options.packet_days * _DAY_NS, run)
    _expire(connection, "drops", now_ns - options.days * _DAY_NS, run)
    return _fold(connection, now_ns - options.fine_days * _DAY_NS)


def _expire(connection: Connection, what: str, oldest_ns: int, run: int) -> None:
    """Remove rows before a time, and what claims that there are none."""
    for table, begin, end in _TABLES[what]:
        more = table.c.cause != GapCause.EXPIRED if table is s.gaps else true()
        connection.execute(delete(table).where(begin < oldest_ns, end < oldest_ns, more))
    watched = s.watches.c.what.in_(_WATCHED[what])
    expired = connection.execute(select(func.min(s.watches.c.since_ns)).where(
        watched, s.watches.c.since_ns < oldest_ns)).scalar()
    if expired is None:
        return
    connection.execute(delete(s.watches).where(watched, s.watches.c.until_ns < oldest_ns))
    connection.execute(update(s.watches).where(watched, s.watches.c.since_ns < oldest_ns).values(since_ns=oldest_ns))
    gone = s.gaps.c
    known = connection.execute(update(s.gaps).where(gone.cause == GapCause.EXPIRED, gone.scope == what)
                               .values(since_ns=func.min(gone.since_ns, expired), until_ns=oldest_ns)).rowcount
    if not known:
        connection.execute(insert(s.gaps).values(
            run_id=run, since_ns=expired, until_ns=oldest_ns, cause=GapCause.EXPIRED, effect=Effect.BLIND, scope=what,
            lost=None, detail=""))


def relieve(connection: Connection, options: RetentionOptions, now_ns: int) -> Iterator[Gap]:
    """While the database is too large, give up detail: the oldest packets, or where none are left, fine windows."""
    if _used_bytes(connection) <= options.max_mib * _MIB:
        return
    times = list(connection.execute(
        select(s.packets.c.time_ns).order_by(s.packets.c.time_ns).limit(_PRESSED_PACKETS)).scalars())
    if times:
        removed = connection.execute(delete(s.packets).where(s.packets.c.time_ns <= times[-1])).rowcount
        connection.execute(update(s.watches).where(s.watches.c.what == "packets", s.watches.c.since_ns <= times[-1])
                           .values(since_ns=func.min(times[-1] + 1, s.watches.c.until_ns)))
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
    if sums:
        connection.exec_driver_sql(ADD_DROPS, [tuple(row) for row in sums])
    return bool(until_ns < before_ns)
