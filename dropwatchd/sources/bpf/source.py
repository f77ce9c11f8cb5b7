"""Exact drops from the kernel's own counts: woken by the first drop, read once a window, silent when nothing drops."""

import errno
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dropwatchd.kernel.netlink import text
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
from dropwatchd.sources.bpf.counts import Counts, Increment
from dropwatchd.sources.bpf.options import BpfOptions
from dropwatchd.sources.bpf.program import SAMPLE, Namespace, Program, RawKey, Totals

_CROWDED = 0.75       # of the map: from here on, keys that have gone quiet make room
_QUIET_NS = 60 * NANO
_RIGHTS = "run as root, or give the service CAP_BPF and CAP_PERFMON (as the shipped unit does)"


class _Read(NamedTuple):
    """One read of the counts, on CLOCK_BOOTTIME, and what turns that into wall-clock time as it is set now.

    All that comes of a read is converted alike: whenever the clock was set, nothing ends before it has begun.
    """

    since_ns: int
    until_ns: int
    to_wall_ns: int

    def drop(self, key: DropKey, new: Increment) -> Drop:
        return Drop(key, new.drops, new.octets, new.first_ns + self.to_wall_ns, new.last_ns + self.to_wall_ns)

    def gap(self, cause: GapCause, effect: Effect, lost: int, scope: str, detail: str) -> Gap:
        since_ns, until_ns = self.since_ns + self.to_wall_ns, self.until_ns + self.to_wall_ns
        return Gap(since_ns, until_ns, cause, effect, lost, scope, detail)


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
        self._samples: list[bytes] = []
        self._due: float | None = None
        self._open = False

    def open(self) -> None:
        """Load and attach. Raises UnavailableError: no libbpf, no BTF, too old, no rights, locked down."""
        self._program = _loaded(self._options.max_keys, self._samples.append)
        self._counts = Counts[bytes]()
        self._overflow = Counts[int]()
        self._totals = Totals(0, 0, 0, 0)
        self._unaccounted = 0
        try:
            self._reasons.load()
            self._netns.refresh()
            control = self._program.control
            control.sample_bytes = self._options.sample_bytes
            control.sample_shift = self._options.sample_first.bit_length() - 1
            control.sample_limit = self._options.sample_limit
            control.armed = control.window = 1
            self._read_ns = _boot_ns()
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
        to_wall_ns = _to_wall_ns()
        self._program.consume_samples()
        if self._due is None:
            self._due = self._window_end()
        elif time.monotonic() >= self._due:
            active = False
            for record in self._read_counts(to_wall_ns):
                active = True
                yield record
            self._due = self._window_end() if active else None
        yield from self._take_samples(to_wall_ns)

    def complete_until(self) -> int:
        """Return when the counts were read last; at rest that is now, for any drop would have disarmed us."""
        now_ns = _boot_ns()
        if self._due is None and self._program.control.armed:
            self._read_ns = now_ns
        return self._read_ns + _to_wall_ns()

    def namespace_of(self, fd: int) -> Namespace | None:
        """Return which network namespace an open file stands for; None where it is no such file."""
        return self._program.namespace_of(fd)

    def close(self) -> list[Record]:
        """Detach, and return all that was counted before. Closing twice does nothing."""
        if not self._open:
            return []
        self._open = False
        self._program.detach()
        to_wall_ns = _to_wall_ns()
        try:
            self._program.consume_samples()
            return [*self._read_counts(to_wall_ns), *self._take_samples(to_wall_ns)]
        finally:
            self._program.close()

    def _window_end(self) -> float:
        """Return the end of the current window of wall-clock time, on the monotonic clock."""
        return time.monotonic() + (self._window_ns - time.time_ns() % self._window_ns) / NANO

    def _read_counts(self, to_wall_ns: int) -> Iterator[Record]:
        """Subtract what was seen before from the cumulative counts.

        Arming comes first and the next window's number before reading: a drop that this read misses wakes us.
        """
        since_ns, self._read_ns = self._read_ns, _boot_ns()
        read = _Read(since_ns, self._read_ns, to_wall_ns)
        control = self._program.control
        control.armed = 1
        control.window = (control.window + 1) & 0xFFFFFFFF
        before = self._program.totals()
        for raw_key, raw in self._program.read_drops():
            if new := self._counts.advance(raw_key, raw, since_ns):
                yield read.drop(self._key(raw_key), new)
        if overflowed := before.overflowed - self._totals.overflowed:
            yield read.gap(GapCause.MAP_FULL, Effect.DETAIL, overflowed, self.scope,
                           "counted by reason; location, interface and protocol unknown")
            yield from self._read_overflow(read)
        yield from self._losses(before, read)
        if len(self._counts) > _CROWDED * self._options.max_keys:
            yield from self._make_room(read)

    def _read_overflow(self, read: _Read) -> Iterator[Drop]:
        for number, raw in self._program.read_overflow():
            if new := self._overflow.advance(number, raw, read.since_ns):
                reason = self._reasons.name(number) if number else None
                yield read.drop(DropKey(Location(None), Kind(reason), Interface()), new)

    def _losses(self, before: Totals, read: _Read) -> Iterator[Gap]:
        """Say what the kernel did not count. At rest, the keys must add up to the program's own total."""
        after = self._program.totals()
        if nested := after.misses - self._totals.misses:
            yield read.gap(GapCause.NESTED, Effect.PARTIAL, nested, self.scope,
                      "an interrupt's packet was dropped while another drop was being counted on that CPU")
        if unsampled := after.samples_lost - self._totals.samples_lost:
            yield read.gap(GapCause.SAMPLES_LOST, Effect.DETAIL, unsampled, "packets", "sample limit reached")
        missing = after.drops - self._counts.total - self._overflow.total - self._unaccounted
        if before.drops == after.drops and missing:
            self._unaccounted += missing
            yield read.gap(GapCause.MAP_FULL, Effect.PARTIAL, missing, self.scope, "lost while a key made room")
        self._totals = after._replace(overflowed=before.overflowed)

    def _make_room(self, read: _Read) -> Iterator[Drop]:
        """Remove the keys that have been quiet for a minute, with what they have counted to the last."""
        for raw_key in self._counts.quiet(read.until_ns - _QUIET_NS):
            raw = self._program.take(raw_key)
            if raw and (new := self._counts.advance(raw_key, raw, read.since_ns)):
                yield read.drop(self._key(raw_key), new)
            self._counts.forget(raw_key)
            self._resolved.pop(raw_key, None)

    def _take_samples(self, to_wall_ns: int) -> Iterator[PacketSample]:
        """Turn the raw samples of the ring buffer into packets."""
        raw_samples, self._samples[:] = self._samples[:], []
        for raw in raw_samples:
            time_ns, raw_key, length, weight, captured, link_header = SAMPLE.unpack_from(raw)
            data = raw[SAMPLE.size:SAMPLE.size + captured]
            yield PacketSample(self._key(raw_key), time_ns + to_wall_ns, length, data, weight, bool(link_header))

    def _key(self, raw: bytes) -> DropKey:
        """Name what the kernel counted by, once for each key."""
        key = self._resolved.get(raw)
        if key is None:
            said = RawKey.parse(raw)
            interface = Interface(said.netns or None, said.ifindex or None, text(said.ifname) or None,
                                  self._netns.name(said.netns))
            key = DropKey(self._location(said.location), Kind(self._reasons.name(said.reason), said.protocol or None),
                          interface)
            self._resolved[raw] = key
        return key

    def _location(self, address: int) -> Location:
        location = self._locations.get(address)
        if location is None:
            location = self._locations[address] = self._program.name(address)
        return location


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _to_wall_ns() -> int:
    """Return what is to be added to a time since the boot, for the wall-clock time as it is set now."""
    return time.time_ns() - _boot_ns()


def _loaded(max_keys: int, on_sample: Callable[[bytes], None]) -> Program:
    try:
        return Program(max_keys, on_sample)
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
