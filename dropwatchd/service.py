"""What systemd is told: readiness, one line of status, signs of life, reloading and stopping."""

import os
import time

from sdnotify import SystemdNotifier


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
        self._notifier.notify("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` ends it (sd_notify(3))."""
        self._notifier.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._notifier.notify("STOPPING=1")

    def alive(self) -> None:
        self._notifier.notify("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows, in ASCII; the same text is not sent twice."""
        if text != self._status:
            self._status = text
            self._notifier.notify(f"STATUS={text}")
