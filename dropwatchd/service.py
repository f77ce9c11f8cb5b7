"""What systemd is told: readiness, one line of status, signs of life, reloading and stopping."""

import os
import time

from sdnotify import SystemdNotifier

_PATIENCE_S = 5.0  # with what the manager waits for


class Service:
    """Does nothing where no service manager listens."""

    def __init__(self) -> None:
        self._notifier = SystemdNotifier()
        self._status = ""

    @property
    def watchdog_seconds(self) -> float | None:
        """Return how often a sign of life is due: half of what the unit's WatchdogSec allows; None: never."""
        allowed = os.environ.get("WATCHDOG_USEC", "")
        mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return int(allowed) / 2_000_000 if allowed.isdigit() and mine else None

    def ready(self) -> None:
        self._tell("READY=1", _PATIENCE_S)

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` ends it (sd_notify(3))."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}", _PATIENCE_S)

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def alive(self) -> None:
        self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows, in ASCII; the same text is not sent twice."""
        if text != self._status:
            self._status = text
            self._tell(f"STATUS={text}")

    def _tell(self, text: str, patience_s: float = 0) -> None:
        """Send a message; where the manager does not read, this waits so long and no longer: drops come meanwhile."""
        if self._notifier.socket:
            self._notifier.socket.settimeout(patience_s)
        self._notifier.notify(text)
