"""Signals as the daemon takes them: noted when they come, looked at where it is safe to stop."""

import signal
import socket
from types import FrameType


class Stopped(Exception):  # noqa: N818 - somebody asked: no error
    """SIGTERM or SIGINT came before the loop was running."""


class Signals:
    """`stop` and `reload` say what came; `fileno` turns readable when something did.

    Nothing is raised where a signal happens to arrive: not all code in C that is being imported or called then would
    survive it.
    """

    def __init__(self) -> None:
        self.stop = self.reload = False
        self._receive, self._send = socket.socketpair()
        for end in (self._receive, self._send):
            end.setblocking(False)  # noqa: FBT003 - the only way to say it
        signal.set_wakeup_fd(self._send.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.reload = True
        else:
            self.stop = True

    def check(self) -> None:
        """Raise Stopped if it is time to stop: called between the steps of the start."""
        if self.stop:
            raise Stopped

    def fileno(self) -> int:
        return self._receive.fileno()

    def drain(self) -> None:
        """Take the wake-up bytes."""
        self._receive.recv(4096)
