"""Who has the drop monitor: it is one for the whole host, stays on when its user dies, and anybody may stop it."""

import time
from pathlib import Path

from dropwatchd.model import Origin
from dropwatchd.sources.net_dm.control import Control
from dropwatchd.sources.net_dm.options import Config, Hold
from dropwatchd.sources.net_dm.receiver import NETLINK_GENERIC

_RESTART_S = 60  # between two restarts that another program's settings force: each one loses what is queued
_PID_BITS = 22   # libnl and the kernel build the port of a process's first socket from its pid
_SOCKETS = Path("/proc/net/netlink")
_ORIGINS: tuple[Origin, ...] = ("software", "hardware")


class Ownership:
    """Takes the monitor, holds it, and gives it back; never stops it under another program that listens."""

    def __init__(self, control: Control, origins: tuple[Origin, ...], port: int) -> None:
        """Remember how the monitor is set up now; `port` is the netlink port that we listen at."""
        self._control = control
        self._origins = origins
        self._port = port
        self._found = control.config()
        self._wanted: Config | None = None
        self._restarted_s = -float(_RESTART_S)

    def listeners(self) -> list[str]:
        """Return who else listens to the drop monitor, as text for a person."""
        return [_who(port) for port in sorted(listening(self._control.group) - {self._port})]

    def take(self, wanted: Config) -> Hold:
        """Make the monitor run as wanted, if it does not, as far as nobody else is listening.

        START is the only way to ask whether one origin is on; where it was not, it is from now on.
        A new wish restarts the monitor at once; what another program changes is put right once in a while.
        """
        hurried, self._wanted = wanted != self._wanted, wanted
        config, restarted = wanted, False
        if not self._control.configure(wanted):
            config = self._control.config()
            if config != wanted and self._may_restart(hurried=hurried):
                self._stop(_ORIGINS)
                restarted = True
                config = wanted if self._control.configure(wanted) else self._control.config()
        started = tuple(origin for origin in self._origins if self._control.start(origin))
        return Hold(config, started, restarted, hurried)

    def _may_restart(self, *, hurried: bool) -> bool:
        now_s = time.monotonic()
        if self.listeners() or (not hurried and now_s - self._restarted_s < _RESTART_S):
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


def listening(group: int) -> set[int]:
    """Return the netlink ports that hear a group, in the network namespace of this process.

    netlink_native_seq_show in net/netlink/af_netlink.c shows the first 32 groups, and NET_DM's is always 1
    (genl_validate_assign_mc_groups in net/netlink/genetlink.c).
    """
    rows = [line.split() for line in _SOCKETS.read_text().splitlines()[1:]]
    return {int(port) for _, family, port, groups, *_ in rows
            if int(family) == NETLINK_GENERIC and int(groups, 16) >> (group - 1) & 1}


def _who(port: int) -> str:
    pid = port & ((1 << _PID_BITS) - 1)
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()}[{pid}]"
    except OSError:
        return f"netlink port {port}"
