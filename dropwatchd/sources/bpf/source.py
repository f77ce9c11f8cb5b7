"""Exact drops from the kernel's own counts: woken by the first drop, read once a window, silent when nothing drops."""

import errno
import time
from collections.abc import Iterator
from typing import NamedTuple

from dropwatchd.kernel.netns import NetnsNames
from dropwatchd.kernel.reasons import ReasonNames
from dropwatchd.model import (
    NANO,
    Drop,
    DropKey,
    Effect,
    Gap,
    GapCause,
    Interface,
    Kind,
    Location,
    PacketSample,
    Record,
)
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.bpf.options import BpfOptions
from dropwatchd.sources.bpf.program import KEY, SAMPLE, VALUE, Program, Totals

_CROWDED = 0.75       # of the map: from here on, keys that have gone quiet make room
_QUIET_NS = 60 * NANO
_RIGHTS = "run as root, or give the service CAP_BPF and CAP_PERFMON (as the shipped unit does)"


class _Seen(NamedTuple):
    """The cumulative counts of one key at the last read."""

    raw: bytes
    count: int
    octets: int


_NEVER = _Seen(b"", 0, 0)


class BpfSource:
    """Counts every drop per place, reason, protocol, interface and namespace; needs 5.17 or later with BTF."""

    name = "bpf"
    scope = "software"

    def __init__(self, options: BpfOptions | None = None, window_ns: int = NANO) -> None:
        self._options = options or BpfOptions()
        self._window_ns = window_ns
        self._reasons = ReasonNames()
        self._netns = NetnsNames()
        self._locations: dict[int, Location] = {}
        self._resolved: dict[bytes, DropKey] = {}
        self._seen: dict[bytes, _Seen] = {}
        self._seen_overflow: dict[int, _Seen] = {}
        self._totals = Totals(0, 0, 0, 0)
        self._counted = 0
        self._unaccounted = 0
        self._samples: list[bytes] = []
        self._due: float | None = None
        self._open = False

    def open(self) -> None:
        """Load and attach. Raises UnavailableError: no libbpf, no BTF, too old, no rights, locked down."""
        self._program = _loaded(self._options.max_keys, self._samples.append)
        try:
            self._reasons.load()
            self._netns.refresh()
            control = self._program.control
            control.sample_bytes = self._options.sample_bytes
            control.sample_shift = self._options.sample_first.bit_length() - 1
            control.sample_limit = self._options.sample_limit
            control.armed = control.window = 1
            self._read_ns = time.time_ns()
            self._program.attach()
            self._open = True
        except OSError as error:
            self._program.close()
            raise _unavailable(error) from error

    def fileno(self) -> int:
        """Return the ring buffer's descriptor: readable at the first drop after a quiet time."""
        return self._program.epoll_fd()

    def deadline(self) -> float | None:
        """Return when the running window ends; None while nothing drops."""
        return self._due

    def read(self) -> Iterator[Record]:
        """Yield what was counted, once the window has ended; and packet samples whenever there are any."""
        if self._netns.refresh():
            self._resolved.clear()
        self._program.consume_samples()
        if self._due is None:
            self._due = self._window_end()
        elif time.monotonic() >= self._due:
            active = False
            for record in self._read_counts():
                active = True
                yield record
            self._due = self._window_end() if active else None
        yield from self._take_samples()

    def complete_until(self) -> int:
        """Return when the counts were read last; at rest that is now, for any drop would have disarmed us."""
        now_ns = time.time_ns()
        if self._due is None and self._program.control.armed:
            self._read_ns = now_ns
        return self._read_ns

    def close(self) -> list[Record]:
        """Detach, and return all that was counted before. Closing twice does nothing."""
        if not self._open:
            return []
        self._open = False
        self._program.detach()
        try:
            self._program.consume_samples()
            return [*self._read_counts(), *self._take_samples()]
        finally:
            self._program.close()

    def _window_end(self) -> float:
        """Return the end of the current window of wall-clock time, on the monotonic clock."""
        return time.monotonic() + (self._window_ns - time.time_ns() % self._window_ns) / NANO

    def _read_counts(self) -> Iterator[Record]:
        """Subtract what was seen before from the cumulative counts.

        Arming comes first and the next window's number before reading: a drop that this read misses wakes us.
        """
        since_ns, self._read_ns = self._read_ns, time.time_ns()
        to_wall_ns = time.time_ns() - time.monotonic_ns()
        control = self._program.control
        closed = control.window
        control.armed = 1
        control.window = (closed + 1) & 0xFFFFFFFF
        before = self._program.totals()
        for raw_key, raw in self._program.read_drops():
            seen = self._seen.get(raw_key, _NEVER)
            if seen.raw != raw:
                drop = _difference(self._key(raw_key), seen, raw, closed, since_ns, to_wall_ns)
                if drop:
                    self._seen[raw_key] = _Seen(raw, seen.count + drop.count, seen.octets + (drop.octets or 0))
                    self._counted += drop.count
                    yield drop
        yield from self._read_overflow(before, closed, since_ns, to_wall_ns)
        yield from self._losses(before, since_ns)
        if len(self._seen) > _CROWDED * self._options.max_keys:
            yield from self._make_room(closed, since_ns, to_wall_ns)

    def _read_overflow(self, totals: Totals, closed: int, since_ns: int, to_wall_ns: int) -> Iterator[Record]:
        lost = totals.overflowed - self._totals.overflowed
        if not lost:
            return
        yield Gap(since_ns, self._read_ns, GapCause.MAP_FULL, Effect.DETAIL, lost, "software",
                  "counted by reason; location, interface and protocol unknown")
        for number, raw in self._program.read_overflow():
            seen = self._seen_overflow.get(number, _NEVER)
            if seen.raw != raw:
                key = DropKey(Location(None), Kind(self._reasons.name(number) if number else None), Interface())
                drop = _difference(key, seen, raw, closed, since_ns, to_wall_ns)
                if drop:
                    self._seen_overflow[number] = _Seen(raw, seen.count + drop.count, seen.octets + (drop.octets or 0))
                    self._counted += drop.count
                    yield drop

    def _losses(self, before: Totals, since_ns: int) -> Iterator[Record]:
        """Say what the kernel did not count. At rest, the keys must add up to the program's own total."""
        after = self._program.totals()
        span = (since_ns, self._read_ns)
        if nested := after.misses - self._totals.misses:
            yield Gap(*span, GapCause.NESTED, Effect.PARTIAL, nested, "software",
                      "an interrupt's packet was dropped while another drop was being counted on that CPU")
        if unsampled := after.samples_lost - self._totals.samples_lost:
            yield Gap(*span, GapCause.SAMPLES_LOST, Effect.DETAIL, unsampled, "packets", "sample limit or buffer reached")
        if before.drops == after.drops and (missing := after.drops - self._counted - self._unaccounted):
            self._unaccounted += missing
            yield Gap(*span, GapCause.MAP_FULL, Effect.PARTIAL, missing, "software", "lost while a key made room")
        self._totals = Totals(after.drops, before.overflowed, after.samples_lost, after.misses)

    def _make_room(self, closed: int, since_ns: int, to_wall_ns: int) -> Iterator[Record]:
        """Remove the keys that have been quiet for a minute, with what they have counted to the last."""
        quiet_before = time.monotonic_ns() - _QUIET_NS
        for raw_key, seen in list(self._seen.items()):
            if max(row[3] for row in VALUE.iter_unpack(seen.raw)) > quiet_before:
                continue
            raw = self._program.take(raw_key)
            if raw and (drop := _difference(self._key(raw_key), seen, raw, closed, since_ns, to_wall_ns)):
                self._counted += drop.count
                yield drop
            del self._seen[raw_key]
            self._resolved.pop(raw_key, None)

    def _take_samples(self) -> Iterator[PacketSample]:
        """Turn the raw samples of the ring buffer into packets."""
        to_wall_ns = time.time_ns() - time.monotonic_ns()
        raw_samples, self._samples[:] = self._samples[:], []
        for raw in raw_samples:
            time_ns, raw_key, length, weight, captured, link_header = SAMPLE.unpack_from(raw)
            data = raw[SAMPLE.size:SAMPLE.size + captured]
            yield PacketSample(self._key(raw_key), time_ns + to_wall_ns, length, data, weight, bool(link_header))

    def _key(self, raw: bytes) -> DropKey:
        """Name what the kernel counted by, once for each key."""
        key = self._resolved.get(raw)
        if key is None:
            address, reason, netns, ifindex, protocol, name = KEY.unpack(raw)
            interface = Interface(netns or None, ifindex or None, name.split(b"\0")[0].decode(errors="replace") or None,
                                  self._netns.name(netns))
            key = DropKey(self._location(address), Kind(self._reasons.name(reason), protocol or None), interface)
            self._resolved[raw] = key
        return key

    def _location(self, address: int) -> Location:
        location = self._locations.get(address)
        if location is None:
            location = self._locations[address] = self._program.name(address)
        return location


def _difference(
    key: DropKey, seen: _Seen, raw: bytes, closed: int, since_ns: int, to_wall_ns: int,
) -> Drop | None:
    """Return what the CPUs have counted since `seen`; None when nothing new is complete yet.

    The kernel's first_ns belongs to its `window`: where that has moved on already, the drops began with this window.
    """
    count = octets = 0
    first_ns, last_ns = 1 << 63, 0
    for cpu_count, cpu_octets, cpu_first, cpu_last, window, _ in VALUE.iter_unpack(raw):
        count += cpu_count
        octets += cpu_octets
        if cpu_last > last_ns:
            last_ns = cpu_last
        if window == closed and cpu_first < first_ns:
            first_ns = cpu_first
    if count == seen.count:
        return None
    last_ns += to_wall_ns
    first_ns = min(max(first_ns + to_wall_ns, since_ns), last_ns) if first_ns < 1 << 63 else min(since_ns, last_ns)
    return Drop(key, count - seen.count, octets - seen.octets, first_ns, last_ns)


def _loaded(max_keys: int, on_sample: object) -> Program:
    try:
        return Program(max_keys, on_sample)  # type: ignore[arg-type]
    except OSError as error:
        raise _unavailable(error) from error


def _unavailable(error: OSError) -> UnavailableError:
    """Say what stands in the way, from the errno that the kernel or the loader gave."""
    if error.errno in (errno.EPERM, errno.EACCES):
        return UnavailableError("no right to load BPF programs, or the kernel is locked down", _RIGHTS)
    if error.errno is None:
        return UnavailableError(f"libbpf.so.1 cannot be loaded ({error})", "install it: apt install libbpf1")
    if error.errno == errno.ENOENT:
        return UnavailableError("this kernel has no BTF", "use a kernel built with CONFIG_DEBUG_INFO_BTF")
    return UnavailableError(f"the kernel refused the BPF program ({error.strerror})", "use --source net_dm")
