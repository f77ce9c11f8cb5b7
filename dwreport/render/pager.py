"""A pager in front of a terminal, as git has it: $PAGER, else less, which leaves what fits on one screen alone."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

_LESS = "FRX"  # quit if it fits on one screen, show colours, leave the screen as it is: git-config(1), core.pager


def words() -> list[str]:
    """Return the command of the pager; nothing where nobody could use one."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return []
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:  # a quotation without its end
        return []
    return command if command and command != ["cat"] and shutil.which(command[0]) else []


@contextmanager
def paged(command: list[str]) -> Iterator[TextIO]:
    """Lend what the pager reads, and wait until the person has seen enough; Ctrl-C is the pager's meanwhile."""
    environment = {"LESS": _LESS, "LV": "-c", **os.environ}
    before = signal.getsignal(signal.SIGINT)
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, text=True, encoding="utf-8",
                              errors="backslashreplace") as pager:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            yield cast("TextIO", pager.stdin)
    except BrokenPipeError:
        return  # the person has left it
    finally:
        signal.signal(signal.SIGINT, before)
