"""What the program's maps have counted since the last read, as drops, and what they could not count, as gaps."""

from collections import Counter
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

import msgspec
from msgspec import msgpack

from dropwatchd.kernel.clock import boot_ns
from dropwatchd.model import NANO, Drop, DropKey, Effect, Gap, GapCause, Record
from dropwatchd.sources.bpf.counts import Counts, Increment, Kept
from dropwatchd.sources.bpf.layout import RawKey, Totals
from dropwatchd.sources.bpf.names import Names
from dropwatchd.sources.bpf.program import Program, Table
from dropwatchd.sources.bpf.room import Room
from dropwatchd.sources.bpf.stacks import Stacks

_READ_NS = Struct("=Q")
_QUIET_NS = 60 * NANO
_SCOPE = "software"


class _Read(NamedTuple):
    """One read of the counts, on CLOCK_BOOTTIME, and what turns that into wall-clock time as it is set now.

    All that comes of a read is converted alike: whenever the clock was set, nothing ends before it has begun.
    """

    since_ns: int
    until_ns: int
    to_wall_ns: int

    def drop(self, key: DropKey, new: Increment) -> Drop:
        return Drop(key, new.drops, new.octets, new.first_ns + self.to_wall_ns, new.last_ns + self.to_wall_ns)

    def gap(self, cause: GapCause, effect: Effect, lost: int, detail: str, scope: str = _SCOPE) -> Gap:
        since_ns, until_ns = self.since_ns + self.to_wall_ns, self.until_ns + self.to_wall_ns
        return Gap(since_ns, until_ns, cause, effect, lost, scope, detail)


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """The state of Tally, but for when that was read."""

    totals: Totals
    unaccounted: int
    drops: Kept[bytes]
    places: Kept[bytes]
    reasons: Kept[int]


class Tally:
    """Subtracts what was seen before from the kernel's cumulative counts. `read_ns` is when they were read last."""

    def __init__(self, program: Program, names: Names, room: Room, snapshot: bytes = b"") -> None:
        """`snapshot` is of the run before, where the program was adopted from it: what it has counted since is new."""
        self._program = program
        self._names = names
        self._stacks = Stacks(program, names)
        self._room = room
        self._counts: dict[Table, Counts[bytes]] = {"drops": Counts(), "places": Counts()}
        self._reasons = Counts[int]()
        self._totals = Totals(0, 0, 0, 0, 0)
        self._unaccounted = 0
        self._removed = False
        self._kept = b""
        self.read_ns = boot_ns()
        if snapshot:
            (self.read_ns,) = _READ_NS.unpack_from(snapshot)
            self._go_on(msgpack.decode(snapshot[_READ_NS.size:], type=_Snapshot))

    def snapshot(self) -> bytes:
        """Return what had been counted at the last read, for the next run to go on from, should this one be killed."""
        self._kept = self._kept or msgpack.encode(_Snapshot(
            self._totals, self._unaccounted, self._counts["drops"].keep(), self._counts["places"].keep(),
            self._reasons.keep()))
        return _READ_NS.pack(self.read_ns) + self._kept

    def _go_on(self, kept: _Snapshot) -> None:
        self._totals, self._unaccounted = kept.totals, kept.unaccounted
        self._removed = True  # perhaps, after that snapshot
        self._counts["drops"].go_on(kept.drops)
        self._counts["places"].go_on(kept.places)
        self._reasons.go_on(kept.reasons)

    def take(self, to_wall_ns: int) -> Iterator[Record]:
        """Yield what is new.

        Arming comes first and the next window's number before reading: a drop that this read misses wakes us.
        """
        self._kept = b""
        since_ns, self.read_ns = self.read_ns, boot_ns()
        read = _Read(since_ns, self.read_ns, to_wall_ns)
        control = self._program.control
        control.armed = 1
        control.window = (control.window + 1) & 0xFFFFFFFF
        before = self._program.totals()
        yield from self._read("drops", read)
        if crowded := before.by_place - self._totals.by_place:
            yield read.gap(GapCause.MAP_FULL, Effect.DETAIL, crowded,
                           "counted by location, reason and namespace; interface and protocol unknown")
            yield from self._read("places", read)
        if crowded := before.by_reason - self._totals.by_reason:
            yield read.gap(GapCause.MAP_FULL, Effect.DETAIL, crowded,
                           "counted by reason; location, namespace, interface and protocol unknown")
            yield from self._read_reasons(read)
        yield from self._losses(before, read)
        yield from self._stacks.take(read.until_ns + to_wall_ns)
        yield from self._tidy(read)

    def _read(self, table: Table, read: _Read) -> Iterator[Drop]:
        counts, key, want = self._counts[table], self._names.key, self._stacks.want
        for raw_key, raw in self._program.read(table):
            if new := counts.advance(raw_key, raw, read.since_ns):
                want(raw_key)
                yield read.drop(key(raw_key, new.first_ns + read.to_wall_ns), new)

    def _read_reasons(self, read: _Read) -> Iterator[Drop]:
        for number, raw in self._program.read_reasons():
            if new := self._reasons.advance(number, raw, read.since_ns):
                yield read.drop(self._names.reason_alone(number), new)

    def _losses(self, before: Totals, read: _Read) -> Iterator[Gap]:
        """Say what the kernel did not count. At rest, the keys add up to the program's own total.

        A packet on its way may be in one and not yet in the other. So they are compared only where keys have been
        removed, under a CPU that was about to count perhaps.
        """
        after = self._program.totals()
        if nested := after.misses - self._totals.misses:
            yield read.gap(GapCause.NESTED, Effect.PARTIAL, nested,
                           "an interrupt's packet was dropped while another drop was being counted on that CPU")
        if unsampled := after.samples_lost - self._totals.samples_lost:
            yield read.gap(GapCause.SAMPLES_LOST, Effect.DETAIL, unsampled, "sample limit reached", "packets")
        if self._removed and before.drops == after.drops:
            self._removed = False
            counted = self._reasons.total + sum(counts.total for counts in self._counts.values())
            if (missing := after.drops - counted - self._unaccounted) > 0:
                self._unaccounted += missing
                yield read.gap(GapCause.MAP_FULL, Effect.PARTIAL, missing, "lost while a key made room")
        self._totals = after._replace(by_place=before.by_place, by_reason=before.by_reason)

    def _tidy(self, read: _Read) -> Iterator[Drop]:
        drops, places = self._counts["drops"], self._counts["places"]
        owners = (RawKey.parse(raw).owner for raw in drops)
        if self._room.is_short(len(drops), owners, self._program.control.home):
            yield from self._make_room("drops", read)
        if self._room.is_short_of_places(len(places)):
            yield from self._make_room("places", read)

    def _make_room(self, table: Table, read: _Read) -> Iterator[Drop]:
        """Remove the keys that have been quiet for a minute, with what they have counted to the last."""
        counts, owners = self._counts[table], Counter[int]()
        for raw_key in counts.quiet(read.until_ns - _QUIET_NS):
            raw = self._program.take(table, raw_key)
            if raw and (new := counts.advance(raw_key, raw, read.since_ns)):
                yield read.drop(self._names.key(raw_key, new.first_ns + read.to_wall_ns), new)
            counts.forget(raw_key)
            self._removed = True
            self._names.forget(raw_key)
            owners[RawKey.parse(raw_key).owner] += 1
        if table == "drops":
            for owner, keys in owners.items():
                self._program.release(owner, keys)
