"""What systemd does for a service with FileDescriptorStoreMax=: it keeps descriptors for the next start."""

import fcntl
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.gallery.namespace import wait_for
from tests.gallery.recording import Recording

_FIRST = 3    # SD_LISTEN_FDS_START
_HIGH = 200   # beyond what a process has open at its start
_START_S = 180.0
# A program cannot know its own process number before it runs: this one goes between.
_LAUNCH = f"""
import os, sys
for place, fd in enumerate(map(int, filter(None, sys.argv[1].split(",")))):
    os.dup2(fd, {_FIRST} + place)
    os.set_inheritable(fd, False)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager:
    """Starts one service at a time; `store` has name -> descriptor of what that has left here."""

    def __init__(self, folder: Path) -> None:
        self._address = folder / "manager"
        self.store: dict[str, int] = {}
        self.is_ready = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._address))
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"END", str(self._address))
        self._thread.join()
        self._socket.close()
        self.empty()

    def _listen(self) -> None:
        while True:
            text, fds, _flags, _address = socket.recv_fds(self._socket, 4096, 4)
            said = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
            if text == b"END":
                return
            if "READY" in said:
                self.is_ready.set()
            if "FDSTORE" in said:
                self.store[said["FDNAME"]] = fcntl.fcntl(fds[0], fcntl.F_DUPFD_CLOEXEC, _HIGH)
            elif "FDSTOREREMOVE" in said and said["FDNAME"] in self.store:
                os.close(self.store.pop(said["FDNAME"]))
            for fd in fds:
                os.close(fd)

    def empty(self) -> None:
        """Keep nothing any more, as after a stop."""
        while self.store:
            os.close(self.store.popitem()[1])

    def start(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start a service with what is in the store."""
        self.is_ready.clear()
        names, fds = list(self.store), list(self.store.values())
        with log.open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-ISc", _LAUNCH, ",".join(map(str, fds)), *command], pass_fds=fds, stderr=errors,
                env={**os.environ, **environment, "NOTIFY_SOCKET": str(self._address), "LISTEN_FDS": str(len(fds)),
                     "LISTEN_FDNAMES": ":".join(names)})


class Supervised(Recording):
    """dropwatchd as a manager starts it, again and again."""

    def __init__(self, folder: Path, manager: Manager) -> None:
        super().__init__(folder)
        self.manager = manager

    def start(self) -> None:
        self.launch()
        wait_for(lambda: self.manager.is_ready.is_set() or self.process.poll() is not None, "it is ready", _START_S)
        assert self.process.poll() is None, self.log.read_text()

    def launch(self, environment: dict[str, str] | None = None) -> None:
        self.process = self.manager.start(self.command, self.log, environment or {})
        self._started = True
