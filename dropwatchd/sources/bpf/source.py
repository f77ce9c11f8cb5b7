"""Exact drops from the kernel's own counts: woken by the first drop, read once a window, silent when nothing drops."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from msgspec import MsgspecError

from dropwatchd.kernel.clock import boot_ns, to_wall_ns
from dropwatchd.kernel.headers import without_payload
from dropwatchd.kernel.netlink import text
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import NANO, Mark, PacketSample, Record, Resumed
from dropwatchd.sources.bpf.checkpoint import Checkpoint
from dropwatchd.sources.bpf.hold import Adopted, Loaded
from dropwatchd.sources.bpf.keeper import Keeper
from dropwatchd.sources.bpf.layout import SAMPLE
from dropwatchd.sources.bpf.names import Names
from dropwatchd.sources.bpf.options import BpfOptions
from dropwatchd.sources.bpf.program import Program
from dropwatchd.sources.bpf.refusal import refusal
from dropwatchd.sources.bpf.room import Room
from dropwatchd.sources.bpf.tally import Tally

log = logging.getLogger(__name__)
_OWN = Path("/proc/self/ns/net")


class BpfSource:
    """Counts every drop per place, reason, protocol, interface and namespace; needs 5.17 or later with BTF."""

    name = "bpf"
    scope = "software"
    limits = ("nested drops",)

    def __init__(self, options: BpfOptions | None = None, window_ns: int = NANO, names: NetnsNames | None = None,
                 keeper: Keeper | None = None) -> None:
        """With a keeper the program stays attached when we leave, and goes on counting for the next run."""
        self.resumed: Resumed | None = None
        self._keeper = keeper
        self._checkpoint: Checkpoint | None = None
        self._told = True
        self._options = options or BpfOptions()
        self._window_ns = window_ns
        self._netns = names
        self._samples: list[bytes] = []
        self._due: float | None = None
        self._open = False

    def open(self) -> None:
        """Load and attach, or go on with what was left. Raises UnavailableError: libbpf, BTF, age, rights, lockdown."""
        room = Room.of(self._options.max_keys)
        self.resumed = None
        try:
            if not self._resume(room):
                self._begin(room)
        except OSError as error:
            raise refusal(error) from error
        self._told = True

    def _resume(self, room: Room) -> bool:
        """Go on with what a run before us has left, if there is such and it can be read."""
        left = self._keeper.adopt(room) if self._keeper else None
        if left is None:
            return False
        try:
            self._use(left.hold, room, left.snapshot)
            self._tally.read_ns = max(self._tally.read_ns, left.since.boot_ns)
            records = self._take_counts(to_wall_ns())
        except (OSError, MsgspecError) as error:
            log.warning("what was counted meanwhile cannot be read (%s)", error)
            self._discard()
            return False
        self._checkpoint, self.resumed = left.checkpoint, Resumed(left.since, records)
        return True

    def _begin(self, room: Room) -> None:
        try:
            self._use(Loaded(room), room)
            control = self._program.control
            control.armed = control.window = 1
            self._due = None
            if self._keeper:
                self._keeper.let_go(room)
                self._checkpoint = Checkpoint.new()
            self._program.attach()
            if self._keeper and self._checkpoint:
                self._keeper.keep(room, self._program.hold, self._checkpoint)
        except OSError:
            self._discard()
            raise

    def _use(self, hold: Loaded | Adopted, room: Room, snapshot: bytes = b"") -> None:
        self._program = _program(hold, self._samples.append)
        self._open = True
        self._names = Names(self._program.name, self._netns)
        self._tally = Tally(self._program, self._names, room, snapshot)
        self._set_up(room)
        if self._netns:
            self._netns.use(self._cookie_of)

    def _discard(self) -> None:
        if self._open:
            self._open = False
            self._program.close()

    def _set_up(self, room: Room) -> None:
        control = self._program.control
        with _OWN.open() as file:
            own = self._program.namespace_of(file.fileno())
        control.home = (own.cookie or own.inode) if own else 0
        control.namespace_keys, control.foreign_keys = room.namespace_keys, room.foreign_keys
        control.sample_bytes = self._options.sample_bytes
        control.sample_shift = self._options.sample_first.bit_length() - 1
        control.sample_limit = self._options.sample_limit

    def mark(self) -> Mark | None:
        """Return what had been counted of all that was returned; None without a keeper."""
        if not self._checkpoint:
            return None
        prepare = partial(self._checkpoint.prepare, snapshot=self._tally.snapshot())
        mark = Mark(self._checkpoint.token, prepare, self._checkpoint.spoil)
        return mark if self._told else mark.part()

    @property
    def samples(self) -> bool:
        """Say whether packets are sampled."""
        return self._options.sample_bytes > 0

    def fileno(self) -> int:
        """Return the ring buffer's descriptor: readable at the first drop after a quiet time."""
        return self._program.epoll_fd()

    def deadline(self) -> float | None:
        """Return when the running window ends; None while nothing drops."""
        return self._due

    def read(self) -> Iterator[Record]:
        """Yield what was counted, once the window has ended; and packet samples whenever there are any."""
        self._names.follow()
        offset_ns = to_wall_ns()
        self._program.consume_samples()
        if self._due is None:
            self._due = self._window_end()
        elif time.monotonic() >= self._due:
            yield from self._take_counts(offset_ns)
            self._names.settle()
        yield from self._take_samples(offset_ns)

    def _take_counts(self, offset_ns: int) -> list[Record]:
        """Read the counts; the next window runs if they moved."""
        records = list(self._tally.take(offset_ns))
        self._due = self._window_end() if records else None
        return records

    def complete_until(self) -> int:
        """Return when the counts were read last; at rest that is now, for any drop would have disarmed us."""
        now_ns = boot_ns()
        if self._due is None and self._program.control.armed:
            self._tally.read_ns = now_ns
        return self._tally.read_ns + to_wall_ns()

    def _cookie_of(self, descriptor: int) -> int | None:
        """Return the cookie of an open namespace file, None where this kernel has none or it is no such file."""
        found = self._program.namespace_of(descriptor) if self._open else None
        return found.cookie or None if found else None

    def leave(self) -> list[Record]:
        """Return all that was counted before; a program that the service manager keeps goes on. Twice does nothing."""
        return self._end()

    def close(self) -> list[Record]:
        """Detach, and return all that was counted before. Closing twice does nothing."""
        if self._open and self._keeper:
            self._keeper.let_go(Room.of(self._options.max_keys))
        records = self._end()
        self._told = False  # to anybody who would go on from here
        return records

    def _end(self) -> list[Record]:
        if not self._open:
            return []
        self._open = False
        self._program.detach()  # which closes our descriptors: whoever has others of these still has it attached
        offset_ns = to_wall_ns()
        try:
            self._program.consume_samples()
            return [*self._tally.take(offset_ns), *self._take_samples(offset_ns)]
        except OSError:
            self._told = False
            raise
        finally:
            self._program.close()

    def _window_end(self) -> float:
        """Return the end of the current window of wall-clock time, on the monotonic clock."""
        return time.monotonic() + (self._window_ns - time.time_ns() % self._window_ns) / NANO

    def _take_samples(self, offset_ns: int) -> Iterator[PacketSample]:
        """Turn the raw samples of the ring buffer into packets."""
        raw_samples, self._samples[:] = self._samples[:], []
        for raw in raw_samples:
            time_ns, raw_key, length, weight, captured, link_header, handle, queue = SAMPLE.unpack_from(raw)
            key = self._names.key(raw_key, time_ns + offset_ns)
            data = without_payload(raw[SAMPLE.size:SAMPLE.size + captured], key.kind.protocol,
                                   link_header=bool(link_header), payload_bytes=self._options.payload_bytes)
            yield PacketSample(key, time_ns + offset_ns, length, data, weight, bool(link_header),
                               _queue(text(queue), handle))


def _queue(kind: str, handle: int) -> Mapping[str, str]:
    """Return which queueing discipline has dropped a packet, as tc prints it; nothing where it did not tell."""
    return MappingProxyType({"queue": f"{kind} {handle >> 16:x}:"} if kind else {})


def _program(hold: Loaded | Adopted, on_sample: Callable[[bytes], None]) -> Program:
    try:
        return Program(hold, on_sample)
    except OSError:
        hold.close()
        raise
