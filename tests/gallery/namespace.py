"""A named network namespace, and a thread that lives in it."""

import ctypes
import fcntl
import shlex
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # netdevice(7)
_FOLDER = Path("/run/netns")
_COMMAND_S = 120.0
_T = TypeVar("_T")


class Namespace:
    """Made by `ip netns`, without IPv6, reverse path filter or ARP probes of its own accord: silent until asked."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> Self:
        command(f"ip netns add {self.name}")
        self.inode = (_FOLDER / self.name).stat().st_ino
        self._thread = ThreadPoolExecutor(max_workers=1, initializer=_enter, initargs=(_FOLDER / self.name,))
        try:
            self._silence()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_raised: object) -> None:
        self._thread.shutdown()
        command(f"ip netns delete {self.name}")

    def _silence(self) -> None:
        for which in ("all", "default"):
            self.sysctl(f"ipv6/conf/{which}/disable_ipv6", 1)
            self.sysctl(f"ipv4/conf/{which}/rp_filter", 0)
            self.sysctl(f"ipv4/conf/{which}/log_martians", 0)
        self.run(_raise_loopback)

    def run(self, function: Callable[[], _T]) -> _T:
        """Call a function in the namespace: its sockets and /proc/thread-self are the namespace's."""
        return self._thread.submit(function).result()

    def command(self, line: str, given: str = "") -> str:
        """Run a command in the namespace, without a shell, and return what it prints."""
        return self.run(lambda: command(line, given))

    def commands(self, *lines: str) -> None:
        """Have `ip` do several things at once: a program's start is most of what one takes in an emulated machine."""
        self.command("ip -batch -", "\n".join(lines))

    def command_words(self, *words: str) -> str:
        """Run a command whose words are given as they are, blanks and all."""
        return self.command(shlex.join(words))

    def sysctl(self, path: str, value: object) -> None:
        """Set /proc/sys/net/PATH of the namespace."""
        self.run(lambda: Path("/proc/sys/net", path).write_text(str(value)))

    def counter(self, table: str, name: str) -> int:
        """Return a value of /proc/net/snmp or netstat; names are nstat's, such as IpInReceives."""
        return self.run(lambda: _counters(Path("/proc/thread-self/net", table).read_text())[name])


def command(line: str, given: str = "") -> str:
    """Run a command, without a shell, and return what it prints; what it complains about is in the exception."""
    done = subprocess.run(shlex.split(line), input=given, text=True, capture_output=True, check=False,
                          timeout=_COMMAND_S)
    if done.returncode:
        raise RuntimeError(f"{line}: {done.stderr.strip()}")
    return done.stdout


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 300.0) -> None:
    """Return soon after a condition holds; raise TimeoutError that names it when it never does: in an emulated machine
    beside others, what takes a second elsewhere takes minutes. Who has waited long looks rarely: looking takes the
    processor from what is waited for.
    """
    begun = time.monotonic()
    pause = threading.Event()
    while not condition():
        waited = time.monotonic() - begun
        if waited > seconds:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        pause.wait(min(max(0.01, waited / 10), 0.5))


def _enter(path: Path) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    with path.open() as file:
        if library.setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}")


def _raise_loopback() -> None:
    """Take the loopback device up, as `ip link set lo up` does, without another program's start."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        fcntl.ioctl(some, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _counters(text: str) -> dict[str, int]:
    lines = text.splitlines()
    found: dict[str, int] = {}
    for header, row in zip(lines[::2], lines[1::2], strict=True):
        protocol, _, names = header.partition(":")
        found |= {protocol + name: int(value) for name, value in zip(names.split(), row.split()[1:], strict=True)}
    return found
