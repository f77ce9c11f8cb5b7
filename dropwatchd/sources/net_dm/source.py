"""The NET_DM source: alerts in, records out, and once in a window a look at what was lost and who is in charge."""

import errno
import select
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from dropwatchd.kernel.clock import boot_ns, to_wall_ns
from dropwatchd.kernel.rights import Capability, missing
from dropwatchd.model import NANO, Mark, Record
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.net_dm.guard import Guard
from dropwatchd.sources.net_dm.ledger import Ledger
from dropwatchd.sources.net_dm.memory import Memory
from dropwatchd.sources.net_dm.options import Config, NetDmOptions
from dropwatchd.sources.net_dm.receiver import Receiver
from dropwatchd.sources.net_dm.tally import Tally

_DROP_IN = "copy the shipped drop-in net_dm.conf into /etc/systemd/system/dropwatchd.service.d/"
_BATCH = 4096   # messages in one read
_PAUSE_S = 0.02  # after a read that found some: one wake-up for many is what makes an alert cheap
_LAST_S = 0.8   # for alerts that are still on their way when we stop: a busy CPU reports them late,
_QUIET_S = 0.25  # so only this long a silence says that none is left
# What the kernel leaves out: trace_drop_common and net_dm_packet_trace_kfree_skb_hit of net/core/drop_monitor.c
LIMITS = {"packet": ("packets without a MAC header",), "summary": ("more than 64 places a second and CPU",)}
_ALERT_NS = {"packet": NANO // 10, "summary": 2 * NANO}  # summaries come once a second (net/core/drop_monitor.c)


class NetDmSource:
    """Records every drop that the kernel's drop monitor reports, in packet or in summary mode."""

    name = "net_dm"
    resumed = None

    def __init__(self, options: NetDmOptions | None = None, window_ns: int = NANO, state: Path | None = None) -> None:
        """`state` is a folder where the settings that were found are kept; without it, a kill loses them."""
        self._memory = Memory(state)
        self._options = options or NetDmOptions()
        self._window_ns = window_ns
        self._tally = Tally(self._options, window_ns)
        self._guard = Guard(self._options.storm)
        self._opened: list[Record] = []
        self._is_open = False

    def open(self) -> None:
        """Listen, and switch the monitor on. Raises UnavailableError: no module, no rights, no devlink."""
        with ExitStack() as undo:
            try:
                self._open(undo)
            except (OSError, ModuleNotFoundError) as error:
                raise unavailable(error) from error
            undo.pop_all()
        self._is_open = True

    def _open(self, undo: ExitStack) -> None:
        # Imported here: pyroute2 takes 24 MiB, which a daemon with another source need not have.
        from dropwatchd.sources.net_dm.control import Control  # noqa: PLC0415
        from dropwatchd.sources.net_dm.ownership import Ownership  # noqa: PLC0415

        self._control = Control()
        undo.callback(self._control.close)
        self._receiver = Receiver(self._control.group, self._options.receive_buffer_bytes)
        undo.callback(self._receiver.close)
        self._epoll = select.epoll()
        undo.callback(self._epoll.close)
        self._epoll.register(self._receiver, select.EPOLLIN | select.EPOLLONESHOT)
        self._ownership = Ownership(self._control, self._options.origins, self._receiver.port, self._memory)
        dropped, listeners = self._control.dropped(), self._ownership.listeners()
        undo.callback(self._ownership.give_back)
        hold = self._ownership.take(self._wanted)
        self._looked_ns, self._looked_s = boot_ns(), time.monotonic()
        now_ns = time.time_ns()
        self._ledger = Ledger(self._options.origins, hold, dropped)
        self._opened += self._ledger.opened(now_ns, hold, listeners)
        self._look_s = self._window_end()
        self._read_s: float | None = None
        self._total = 0

    @property
    def _wanted(self) -> Config:
        return self._options.config(self._guard.mode if self._options.mode == "packet" else "summary")

    def fileno(self) -> int:
        """Return a descriptor that is readable when the first alert has come after a quiet time."""
        return self._epoll.fileno()

    def deadline(self) -> float | None:
        """Return the end of the window, or of the pause between two reads while alerts keep coming."""
        return self._look_s if self._read_s is None else min(self._look_s, self._read_s)

    def read(self) -> Iterator[Record]:
        """Count a batch of alerts; yield what was counted, lost and changed once the window has ended."""
        self._epoll.poll(0)  # takes the one event, so that alerts do not wake us during the pause
        received = self._tally.add(self._receiver.receive(_BATCH))
        now_s = time.monotonic()
        if received:
            self._read_s = now_s if received == _BATCH else now_s + _PAUSE_S
        else:
            self._read_s = None
            self._arm()
        if now_s >= self._look_s:
            yield from self._look()
            self._look_s = self._window_end()
        elif self._tally.crowded:
            yield from self._tally.take()

    @property
    def scope(self) -> str:
        """Return which drops are asked for."""
        return "drops" if len(self._options.origins) > 1 else self._options.origins[0]

    @property
    def limits(self) -> tuple[str, ...]:
        """Return what the mode in force does not report."""
        return LIMITS[self._ledger.config.mode] if "software" in self._options.origins else ()

    @property
    def samples(self) -> bool:
        """Say whether packets are sampled: a summary has none."""
        return self._ledger.config.mode == "packet"

    def complete_until(self) -> int:
        """Return the time of the last look, less what an alert may need from its drop to us."""
        return self._looked_ns + to_wall_ns() - _ALERT_NS[self._ledger.config.mode]

    def mark(self) -> Mark | None:
        """Return nothing: without us the monitor stops."""
        return None

    def leave(self) -> list[Record]:
        """Close."""
        return self.close()

    def close(self) -> list[Record]:
        """Wait for what is on its way, stop, restore what was set before, and return the rest; twice is nothing."""
        if not self._is_open:
            return []
        self._is_open = False
        return list(self._close())

    def _close(self) -> Iterator[Record]:
        with ExitStack() as undo:
            for close in (self._control.close, self._receiver.close, self._epoll.close):
                undo.callback(close)
            self._receive_until_quiet()
            stopped_ns = time.time_ns()
            self._ownership.give_back()
            self._receiver.leave()
            while self._tally.add(self._receiver.receive(_BATCH)):
                pass
            since_ns, until_ns = self._look_again()
            yield from self._opened
            yield from self._tally.take()
            yield from self._ledger.losses(since_ns, until_ns, self._control.dropped(), self._receiver.lost())
            yield from self._ledger.closed(self._tally.newest_ns, stopped_ns, until_ns)

    def _arm(self) -> None:
        self._epoll.modify(self._receiver, select.EPOLLIN | select.EPOLLONESHOT)

    def _receive_until_quiet(self) -> None:
        end_s = time.monotonic() + _LAST_S
        while time.monotonic() < end_s:
            self._arm()
            if not self._epoll.poll(_QUIET_S):
                return
            self._tally.add(self._receiver.receive(_BATCH))

    def _window_end(self) -> float:
        """Return the end of the current window of wall-clock time, on the monotonic clock."""
        return time.monotonic() + (self._window_ns - time.time_ns() % self._window_ns) / NANO

    def _look(self) -> Iterator[Record]:
        since_ns, now_ns = self._look_again()
        yield from self._opened
        self._opened.clear()
        yield from self._tally.take()
        lost = 0
        for gap in self._ledger.losses(since_ns, now_ns, self._control.dropped(), self._receiver.lost()):
            lost += gap.lost or 0
            yield gap
        yield from self._ledger.refused(now_ns, self._receiver.refused)
        yield from self._ledger.shared(now_ns, self._ownership.listeners())
        self._observe(lost)
        asked_ns = time.time_ns()
        hold = self._ownership.take(self._wanted)
        yield from self._ledger.changes(since_ns, asked_ns, time.time_ns(), hold, self._tally.newest_ns)

    def _look_again(self) -> tuple[int, int]:
        """Return when the last look was, and now, both on the wall clock as it is set now."""
        since_ns, self._looked_ns = self._looked_ns, boot_ns()
        offset_ns = to_wall_ns()
        return since_ns + offset_ns, self._looked_ns + offset_ns

    def _observe(self, lost: int) -> None:
        """Tell the guard the rate since the last look."""
        before_s, self._looked_s = self._looked_s, time.monotonic()
        before, self._total = self._total, self._tally.total
        self._guard.observe(self._looked_s, (self._total - before + lost) / max(self._looked_s - before_s, 0.001))


def unavailable(error: OSError | ModuleNotFoundError) -> UnavailableError:
    """Say what stands in the way, from what the kernel answered."""
    if isinstance(error, ModuleNotFoundError):
        return UnavailableError("the kernel module drop_monitor is not loaded",
                                f"modprobe drop_monitor, if this kernel has it; for a service, {_DROP_IN}")
    if error.errno in (errno.EPERM, errno.EACCES):
        lacking = missing(Capability.CAP_NET_ADMIN, Capability.CAP_SYS_ADMIN)
        what = f": {' and '.join(lacking)} missing" if lacking else ", though the capabilities are there"
        return UnavailableError(f"no right to use the drop monitor{what}", f"run as root; for a service, {_DROP_IN}")
    if error.errno == errno.EOPNOTSUPP:
        return UnavailableError("this kernel reports no hardware drops (it has no devlink)", "use software drops alone")
    return UnavailableError(f"the kernel refused its drop monitor ({error.strerror})", "use --source bpf")
