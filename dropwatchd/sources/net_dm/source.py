"""The NET_DM source: alerts in, records out, and once in an interval a look at what was lost and who is in charge."""

import errno
import select
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dropwatchd.model import NANO, Effect, Event, Gap, GapCause, Origin, Record
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.net_dm.guard import Guard
from dropwatchd.sources.net_dm.options import Config, Mode, NetDmOptions
from dropwatchd.sources.net_dm.receiver import Receiver
from dropwatchd.sources.net_dm.tally import Tally

if TYPE_CHECKING:
    from dropwatchd.sources.net_dm.ownership import Hold

_BATCH = 4096         # alerts in one read
_PAUSE_S = 0.02       # after a read that found alerts: one wake-up for many is what makes an alert cheap
_LAST_ALERTS_S = 0.3  # for what is still in the kernel's queues when we stop
_QUIET_S = 0.05
_UNREPORTED_S = 60    # how often the ledger says that packet mode does not see everything
_SUMMARY_NS = NANO    # that much of a summary is not reported when it is stopped


class NetDmSource:
    """Hears of every drop that the kernel's drop monitor reports, in packet or summary mode."""

    name = "net_dm"

    def __init__(self, options: NetDmOptions | None = None, window_ns: int = NANO) -> None:
        self._options = options or NetDmOptions()
        self._window_ns = window_ns
        self._tally = Tally(self._options, window_ns)
        self._guard = Guard(self._options.storm)
        self._events: list[Record] = []

    def open(self) -> None:
        """Listen, and switch the monitor on. Raises UnavailableError: no module, no rights, no devlink."""
        with ExitStack() as opened:
            try:
                self._open(opened)
            except (OSError, ModuleNotFoundError) as error:
                raise _unavailable(error) from error
            self._opened = opened.pop_all()

    def _open(self, opened: ExitStack) -> None:
        # Imported here: pyroute2 takes 20 MiB, which a daemon with another source need not have.
        from dropwatchd.sources.net_dm.control import Control  # noqa: PLC0415
        from dropwatchd.sources.net_dm.ownership import Ownership  # noqa: PLC0415

        self._control = Control()
        opened.callback(self._control.close)
        self._receiver = Receiver(self._control.group, self._options.receive_buffer_bytes)
        opened.callback(self._receiver.close)
        self._epoll = select.epoll()
        opened.callback(self._epoll.close)
        self._epoll.register(self._receiver, select.EPOLLIN | select.EPOLLONESHOT)
        self._ownership = Ownership(self._control, self._options.origins, self._receiver.port)
        self._dropped = self._control.dropped()
        self._looked_ns = self._blind_to_ns = time.time_ns()
        hold = self._ownership.take(self._wanted)
        opened.callback(self._ownership.give_back)
        self._config = hold.config
        self._opened_with(hold)
        self._look_s = self._next_look()
        self._read_s: float | None = None
        opened.pop_all()
