"""Who has the drop monitor: it is one for the whole host, stays on when its user dies, and anybody may stop it."""

import time
from pathlib import Path
from typing import NamedTuple

from dropwatchd.model import Origin
from dropwatchd.sources.net_dm.control import Control
from dropwatchd.sources.net_dm.options import Config

_RESTART_S = 60  # between two restarts that another program's settings force: each one loses what is queued
_NETLINK_GENERIC = "16"
_PID_BITS = 22   # libnl and the kernel build the port of a process's first socket from its pid
_SOCKETS = Path("/proc/net/netlink")
_ORIGINS: tuple[Origin, ...] = ("software", "hardware")


class Hold(NamedTuple):
    """The outcome of a look at the monitor.

    `config` is in force now. `started` was off before. `restarted` says that all was stopped on purpose in between.
    """

    config: Config
    started: tuple[Origin, ...]
    restarted: bool


class Ownership:
    """Takes the monitor, holds it, and gives it back; never stops it under another program that listens."""

    def __init__(self, control: Control, origins: tuple[Origin, ...], port: int) -> None:
        """Remember how the monitor is set up now; `port` is the netlink port that we listen at."""
        self._control = control
        self._origins = origins
        self._port = port
        self._found = control.config()
        self._restarted_s = -float(_RESTART_S)

    def listeners(self) -> list[str]:
        """Return who else listens to the drop monitor in this network namespace, as text for a person."""
        bit = 1 << (self._control.group - 1)
        rows = [line.split() for line in _SOCKETS.read_text().splitlines()[1:]]
        return [_who(int(row[2])) for row in rows
                if row[1] == _NETLINK_GENERIC and int(row[3], 16) & bit and int(row[2]) != self._port]

    def take(self, wanted: Config, *, hurry: bool = False) -> Hold:
        """Make the monitor run as wanted, if it does not, as far as nobody else is listening.

        START is the only way to ask whether one origin is on; where it was not, it is from now on.
        A restart is `hurry` when it is our own wish, and must not wait for its turn.
        """
        config, restarted = wanted, False
        if not self._control.configure(wanted):
            config = self._control.config()
            if config != wanted and self._may_restart(hurry):
                self._stop(_ORIGINS)
                restarted = True
                config = wanted if self._control.configure(wanted) else self._control.config()
        started = tuple(origin for origin in self._origins if self._control.start(origin))
        return Hold(config, started, restarted)

    def _may_restart(self, hurry: bool) -> bool:
        now_s = time.monotonic()
        if not hurry and now_s - self._restarted_s < _RESTART_S or self.listeners():
            return False
        self._restarted_s = now_s
        return True

    def give_back(self) -> bool:
        """Stop, and restore what was set before; False, and nothing is done, when somebody else listens by now."""
        if self.listeners():
            return False
        self._stop(self._origins)
        self._control.configure(self._found)
        return True

    def _stop(self, origins: tuple[Origin, ...]) -> None:
        for origin in origins:
            self._control.stop(origin)


def _who(port: int) -> str:
    pid = port & ((1 << _PID_BITS) - 1)
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()}[{pid}]"
    except OSError:
        return f"netlink port {port}"
