"""Names of network namespaces: the files that `ip netns` and container engines keep them by."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

INITIAL = "init"
_CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h
_OWN = Path("/proc/self/ns/net")
_FOLDERS = (Path("/run/netns"), Path("/run/docker/netns"))


def own_inode() -> int:
    """Return the inode of this process's namespace, which is the initial one for a service of the host."""
    return _OWN.stat().st_ino


class NetnsNames:
    """inode -> name. A name is remembered after its file has gone, since drops are read after they happened."""

    def __init__(self, folders: tuple[Path, ...] = _FOLDERS) -> None:
        self._folders = folders
        own = _OWN.stat()
        self._device = own.st_dev  # of nsfs, where all namespaces live
        self._own = {own.st_ino: INITIAL}
        self._names: dict[int, str] = {}
        self._stamp: tuple[int, ...] = ()

    def refresh(self) -> bool:
        """Look for new names if a folder has changed; say whether it has."""
        stamp = tuple(_modified_ns(folder) for folder in self._folders)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        for folder in reversed(self._folders):
            inodes, complete = _inodes(folder, self._device)
            self._names.update(inodes)
            if not complete:
                self._stamp = ()
        self._names.update(self._own)
        return True

    def name(self, inode: int) -> str | None:
        """Return the name, or None where the namespace has none."""
        return self._names.get(inode)


def _modified_ns(folder: Path) -> int:
    with suppress(OSError):
        return folder.stat().st_mtime_ns
    return 0


def _inodes(folder: Path, device: int) -> tuple[dict[int, str], bool]:
    """Return the namespaces mounted in a folder, and whether that is all: `ip netns add` makes a file, then mounts."""
    found, complete = {}, True
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                status = os.stat(entry.path)  # noqa: PTH116 - follows the mount, DirEntry does not
                if status.st_dev == device:
                    found[status.st_ino] = entry.name
                else:
                    complete = False
    return found, complete


def named(folders: tuple[Path, ...] = _FOLDERS) -> dict[str, Path]:
    """Return name -> file of the namespaces that have a name."""
    there = (path for folder in reversed(folders) if folder.is_dir() for path in folder.iterdir())
    return {path.name: path for path in sorted(there)}


@contextmanager
def entered(path: Path) -> Iterator[int]:
    """Be in a namespace, this thread only; give its inode. Raises OSError: needs CAP_SYS_ADMIN (setns(2))."""
    thread = Path("/proc/thread-self/ns/net")
    with thread.open("rb") as home, path.open("rb") as there:
        _set(there.fileno(), path)
        try:
            yield os.fstat(there.fileno()).st_ino
        finally:
            _set(home.fileno(), thread)


def _set(descriptor: int, path: Path) -> None:
    # os.setns exists since Python 3.12 only
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
