"""Notices that entries of folders come and go (inotify(7)), with a descriptor to wait for."""

import ctypes
import os
from errno import EAGAIN, ENOENT
from pathlib import Path

_IN_CREATE, _IN_DELETE, _IN_MOVED, _IN_DELETE_SELF = 0x100, 0x200, 0x40 | 0x80, 0x400
_ONLYDIR, _NONBLOCK, _CLOEXEC = 0x1000000, os.O_NONBLOCK, os.O_CLOEXEC
_CHANGES = _IN_CREATE | _IN_DELETE | _IN_MOVED | _IN_DELETE_SELF | _ONLYDIR
_READ_BYTES = 65536


class Inotify:
    """Python has no call for it, hence libc's. Where the kernel grants none, nothing can be watched."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        self._refused = ctypes.get_errno() if self._fd < 0 else 0  # EMFILE: fs.inotify.max_user_instances
        if self._refused:
            self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)  # never readable

    def fileno(self) -> int:
        return int(self._fd)

    def close(self) -> None:
        os.close(self._fd)

    def watch(self, folder: Path) -> bool:
        """Watch a folder; False where there is none. Watching it again changes nothing. Raises OSError."""
        if self._refused:
            raise OSError(self._refused, os.strerror(self._refused), str(folder))
        if self._libc.inotify_add_watch(self._fd, os.fsencode(folder), _CHANGES) >= 0:
            return True
        if ctypes.get_errno() == ENOENT:
            return False
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))

    def drain(self) -> bool:
        """Forget what was told; say whether there was anything."""
        found = False
        try:
            while os.read(self._fd, _READ_BYTES):
                found = True
        except OSError as error:
            if error.errno != EAGAIN:
                raise
        return found
