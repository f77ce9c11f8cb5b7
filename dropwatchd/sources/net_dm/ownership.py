"""Who has the drop monitor: it is one for the whole host, stays on when its user dies, and anybody may stop it."""

import time
from pathlib import Path

from dropwatchd.model import Origin
from dropwatchd.sources.net_dm.control import Control
from dropwatchd.sources.net_dm.memory import Memory
from dropwatchd.sources.net_dm.options import Config, Hold
from dropwatchd.sources.net_dm.receiver import NETLINK_GENERIC, PID_BITS

_RESTART_S = 60  # between two restarts that another program's settings force: each one loses what is queued
_OURS = "dropwatchd"
_PROGRAM_WORDS = 4  # of a command line: interpreter, options, script or module
_SOCKETS = Path("/proc/net/netlink")
_ORIGINS: tuple[Origin, ...] = ("software", "hardware")


class Ownership:
    """Takes the monitor, holds it, and gives it back; never stops it under another program that listens."""

    def __init__(self, control: Control, origins: tuple[Origin, ...], port: int, memory: Memory) -> None:
        """`port` is the netlink port that we listen at."""
        self._control = control
        self._origins = origins
        self._port = port
        self._memory = memory
        self._original: Config | None = None
        self._wanted: Config | None = None
        self._restarted_s = -float(_RESTART_S)

    def listeners(self) -> list[str]:
        """Return who else listens to the drop monitor, as text for a person."""
        return [program_at(port) for port in sorted(listening(self._control.group) - {self._port})]

    def take(self, wanted: Config) -> Hold:
        """Make the monitor run as wanted, if it does not, as far as nobody else is listening.

        START is the only way to ask whether one origin is on; where it was not, it is from now on.
        A new wish restarts the monitor at once; what another program changes is put right once in a while.
        """
        if self._original is None:
            self._original = self._memory.original(self._control.config(), wanted)
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
        if self._original and self._control.configure(self._original):
            self._memory.forget()
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


def program_at(port: int) -> str:
    """Name the program that a port belongs to, as it was started: a script is no "python3"."""
    pid = port & ((1 << PID_BITS) - 1)
    process = Path(f"/proc/{pid}")
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        if any(Path(word).name == _OURS for word in words[:_PROGRAM_WORDS]):
            return f"{_OURS}[{pid}]"
        return f"{(process / 'comm').read_text(errors='backslashreplace').strip()}[{pid}]"
    except OSError:
        return f"netlink port {port}"
