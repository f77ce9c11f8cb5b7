"""A terminal that a program draws on as a whole, given back as it was found, whatever ends the program."""

import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from dwreport.render.endings import ended_in_order

# ECMA-48 and xterm's control sequences: the other screen, no cursor, no wrapped lines; and all that taken back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _TO_END_OF_LINE, _TO_END = "\x1b[H", "\x1b[K", "\x1b[J"


class Terminal:
    """Draws lines from the top; `fileno` is readable when a key was pressed, `resized` when its size has changed."""

    def __init__(self) -> None:
        self._keys = sys.stdin.fileno()
        self.resized, self._tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._was: list[int | list[bytes | int]] = []

    def fileno(self) -> int:
        return self._keys

    def draw(self, lines: Sequence[str]) -> None:
        """Show lines, as many as there is room for; what was there goes."""
        rows = shutil.get_terminal_size().lines
        shown = (f"{line}{_TO_END_OF_LINE}" for line in lines[:rows])
        _write(_HOME + "\r\n".join(shown) + _TO_END)

    def typed(self) -> str:
        """Return what was typed; nothing where the terminal has gone."""
        return os.read(self._keys, 1024).decode(errors="replace")

    def drain(self) -> None:
        """Forget that the size has changed."""
        os.read(self.resized, 1024)

    def enter(self) -> None:
        """Take the terminal: keys come one by one, and are not shown."""
        self._was = termios.tcgetattr(self._keys)
        tty.setcbreak(self._keys)
        _write(_ENTER)

    def leave(self) -> None:
        """Give the terminal back."""
        try:
            _write(_LEAVE)
        finally:
            termios.tcsetattr(self._keys, termios.TCSANOW, self._was)

    def told(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal: of another size, or of Ctrl-Z."""
        if number == signal.SIGTSTP:
            self.leave()
            signal.raise_signal(signal.SIGSTOP)
            self.enter()
        os.write(self._tell, b"\0")

    def close(self) -> None:
        os.close(self.resized)
        os.close(self._tell)


@contextmanager
def whole_terminal() -> Iterator[Terminal]:
    """Lend the terminal of standard input and output."""
    terminal = Terminal()
    before = {number: signal.signal(number, terminal.told) for number in (signal.SIGWINCH, signal.SIGTSTP)}
    try:
        with ended_in_order():
            terminal.enter()
            try:
                yield terminal
            finally:
                terminal.leave()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        terminal.close()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
