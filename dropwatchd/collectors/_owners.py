"""Whose a socket is: the process that has it open, and its control group."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from dropwatchd.collectors import _cgroups
from dropwatchd.kernel import cgroups

_MOST_FILES = 50_000  # looked at in one search: some 100 ms on the largest hosts
Labels = tuple[tuple[str, str], ...]


class Owners:
    """inode -> labels. Looking means reading every process's open files, so each socket is looked up only once.

    That keeps the labels of a socket the same for its whole life, too. Where the process is another user's, only the
    control group is known, if that.
    """

    def __init__(self) -> None:
        self._known: dict[int, Labels] = {}

    def of(self, proc: Path, inodes: set[int]) -> dict[int, Labels]:
        """Return the labels of these sockets, and forget all others."""
        wanted = inodes - self._known.keys()
        self._known = {inode: self._known.get(inode, ()) for inode in inodes}
        if wanted:
            for inode, process in islice(_sockets(proc), _MOST_FILES):
                if inode in wanted:
                    self._known[inode] = _labels(process)
                    wanted.discard(inode)
                    if not wanted:
                        break
            self._known |= {inode: _of_group(path) for inode, path in _cgroups.paths(wanted).items()}
        return self._known


def _sockets(proc: Path) -> Iterator[tuple[int, Path]]:
    """Yield (inode, process) of open files, 0 for one that is no socket: "socket:[1234]" is what one links to."""
    for process in proc.iterdir():
        if process.name.isdecimal():
            with suppress(OSError), os.scandir(process / "fd") as files:
                for file in files:
                    yield _inode(file.path), process


def _inode(path: str) -> int:
    with suppress(OSError):
        kind, _, number = os.readlink(path).partition(":")  # noqa: PTH115 - thousands of these
        return int(number[1:-1]) if kind == "socket" else 0
    return 0


def _labels(process: Path) -> Labels:
    """Return the process's name, its number and its control group."""
    with suppress(OSError):
        name = (process / "comm").read_text(errors="backslashreplace").rstrip("\n")
        path = cgroups.path_of((process / "cgroup").read_text(errors="backslashreplace"))
        return (*_of_group(path), ("pid", process.name), ("process", name))
    return ()


def _of_group(path: str) -> Labels:
    """Return a control group, and the container or pod that it is of."""
    home = cgroups.home(path)
    container = (("container", home.name),) if home and home.kind != "unit" else ()
    return (("cgroup", path), *container)
