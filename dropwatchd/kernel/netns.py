"""Names of network namespaces: the files that `ip netns` and container engines keep them by."""

import os
from contextlib import suppress
from pathlib import Path

INITIAL = "init"
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
