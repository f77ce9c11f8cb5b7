"""Locks on files by flock(2), which end with the process and follow a file under all its names."""

import errno
import fcntl
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from dropwatchd.history.errors import HeldError, HistoryError

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # without the last a pipe would be waited for
_TRIES, _PAUSE_S = 6, 0.05  # whoever only looks has a lock for a moment


def open_regular(path: Path, flags: int = 0) -> int:
    """Open a regular file for reading, nothing else, and no symbolic link. Raises HistoryError and OSError."""
    try:
        descriptor = os.open(path, _OPEN | flags, 0o640)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise HistoryError(f"{path} is a symbolic link where a file is needed; remove it, "
                               "or choose another place with --database") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise HistoryError(f"{path} is not a file; choose another place with --database")
    return descriptor


def exclude(descriptor: int, path: Path) -> None:
    """Lock an open file for this process alone; raise HeldError that speaks of `path`."""
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_PAUSE_S)
    raise HeldError(path, _process(descriptor))


def holder(path: Path) -> str | None:
    """Return the process that has a file locked, None where nobody has or there is no file; nothing is changed."""
    try:
        descriptor = open_regular(path)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _process(descriptor)
    finally:
        os.close(descriptor)
    return None


def same_file(descriptor: int, path: Path) -> bool:
    """Say whether a path leads to an open file."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    return False


def _process(descriptor: int) -> str:
    """Return the number of the process that has a lock, from /proc/locks (proc(5))."""
    inode = os.fstat(descriptor).st_ino
    with suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            _, kind, _, _, process, file, *_ = line.replace("-> ", "").split()
            if kind == "FLOCK" and file.endswith(f":{inode}"):
                return process
    return "unknown"
