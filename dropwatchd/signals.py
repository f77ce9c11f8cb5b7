"""Signals as the daemon takes them: at start they end it wherever it is, then they are read like any other input."""

import signal
import socket
import sys
from types import FrameType


class Stopped(BaseException):
    """SIGTERM or SIGINT came before the loop was running."""


def _unraisable(fault: "sys.UnraisableHookArgs") -> None:
    """Keep quiet about a Stopped that came where nothing can be raised: the flag is set, and is looked at later."""
    if not isinstance(fault.exc_value, Stopped):
        sys.__unraisablehook__(fault)


class Signals:
    """`stop` and `reload` say what came; `fileno` turns readable when something did."""

    def __init__(self) -> None:
        self.stop = self.reload = False
        self._raises = True
        self._receive, self._send = socket.socketpair()
        for end in (self._receive, self._send):
            end.setblocking(False)  # noqa: FBT003 - the only way to say it
        signal.set_wakeup_fd(self._send.fileno(), warn_on_full_buffer=False)
        sys.unraisablehook = _unraisable
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.reload = True
            return
        self.stop = True
        if self._raises:
            self._raises = False
            raise Stopped

    def fileno(self) -> int:
        return self._receive.fileno()

    def to_flags(self) -> None:
        """From now on nothing is raised: the loop looks at the flags."""
        self._raises = False

    def drain(self) -> None:
        """Take the wake-up bytes."""
        self._receive.recv(4096)
