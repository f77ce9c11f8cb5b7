"""Network namespaces: what tells one from another, and being in one."""

import ctypes
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dropwatchd.model import Namespace

INITIAL = "init"
_CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h
_SO_NETNS_COOKIE = 71       # include/uapi/asm-generic/socket.h, since 5.14
_OWN = Path("/proc/self/ns/net")


def own_inode() -> int:
    """Return the inode of this process's namespace, which is the initial one for a service of the host."""
    return _OWN.stat().st_ino


def own() -> Namespace:
    """Return the namespace of this process, called the initial one."""
    return numbered(own_inode(), current_cookie(), INITIAL, "initial")


def current_cookie() -> int | None:
    """Return the cookie of the calling thread's namespace, None where the kernel tells none (before 5.14)."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        return int.from_bytes(one.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8), sys.byteorder) or None
    return None


def numbered(inode: int, cookie: int | None, name: str | None = None, kind: str | None = None) -> Namespace:
    """Return a namespace with the number that it is compared by."""
    return Namespace(cookie or inode, inode, name, kind, cookie)


@contextmanager
def entered(path: Path) -> Iterator[Namespace]:
    """Be in a namespace, this thread only; give it. Raises OSError: needs CAP_SYS_ADMIN (setns(2))."""
    thread = Path("/proc/thread-self/ns/net")
    with thread.open("rb") as home, path.open("rb") as there:
        _set(there.fileno(), path)
        try:
            yield numbered(os.fstat(there.fileno()).st_ino, current_cookie())
        finally:
            _set(home.fileno(), thread)


def _set(descriptor: int, path: Path) -> None:
    # os.setns exists since Python 3.12 only
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
