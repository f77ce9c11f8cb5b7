"""A running daemon with a database of its own, and what a report says of it."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

from tests.gallery import packets
from tests.gallery.namespace import Namespace, wait_for

_START_S = 180.0  # only a daemon that hangs takes so long: an emulated machine is slow
_WRITE_S = 120.0
_END_S = 60.0
_REPORT_S = 180.0
NANO = 1_000_000_000
Row = dict[str, Any]


class Recording:
    """dropwatchd as a user starts it: a process, ready when it says so, ended by SIGTERM."""

    def __init__(self, folder: Path, source: str = "bpf", config: str = "", *, python: str = sys.executable) -> None:
        self.database = self.database_in(folder)
        self.log = folder / "daemon.log"
        self._config = folder / "config.toml"
        self.configure(config)
        self._python = python
        # Not what lies in the current folder (-P), but what is installed: compiled, and as users have it.
        self.command = [python, "-P", "-m", "dropwatchd", "--config", str(self._config),
                        "--database", str(self.database), "--source", source]
        self._notify = folder / "notify"
        self._started = False

    @staticmethod
    def database_in(folder: Path) -> Path:
        """Return where a recording in a folder has its history, which may be there before."""
        return folder / "history.db"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_raised: object) -> None:
        self.end()

    def configure(self, text: str) -> None:
        """Write the configuration, for the next start or for SIGHUP."""
        self._config.write_text(text)

    def end(self) -> None:
        """End the daemon if it runs."""
        if self._started and self.process.poll() is None:
            self.stop()

    def start(self) -> None:
        """Start the daemon, and return when it has told the service manager that it is ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            self._notify.unlink(missing_ok=True)
            manager.bind(str(self._notify))
            manager.settimeout(_START_S)
            self.launch({"NOTIFY_SOCKET": str(self._notify)})
            manager.settimeout(0.1)
            self._await_ready(manager)

    def launch(self, environment: dict[str, str] | None = None) -> None:
        """Start the daemon, and wait for nothing."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log, env={**os.environ, **(environment or {})})
        self._started = True

    def _await_ready(self, manager: socket.socket) -> None:
        def is_ready() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"the daemon ended with {self.process.returncode}: {self.log.read_text()}")
            with suppress(TimeoutError):
                while b"READY=1" not in manager.recv(4096):
                    pass
                return True
            return False

        wait_for(is_ready, "the daemon says READY=1", _START_S)

    def stop(self) -> int:
        """Ask the daemon to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_END_S)

    def kill(self) -> None:
        """End the daemon as a crash would."""
        self.process.kill()
        self.process.wait(_END_S)

    def await_written(self, namespace: Namespace) -> int:
        """Wait until everything that was dropped before now is in the history; return now.

        A drop of our own, on the namespace's loopback device, makes the daemon read and write once more.
        """
        now_ns = time.time_ns()
        namespace.run(_mark)
        wait_for(lambda: self.seen_ns() >= now_ns, "the history is complete up to now", _WRITE_S)
        return now_ns

    def seen_ns(self) -> int:
        """Return up to when the newest run says that it has seen everything."""
        newest = ("SELECT max(until_ns) AS seen FROM watches"
                  " WHERE what = 'daemon' AND run_id = (SELECT max(id) FROM runs)")
        return int(self.query(newest)[0]["seen"] or 0)

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Ask the database itself."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]

    def report(self, since_ns: int, *options: str) -> dict[str, Any]:
        """Return what dwreport's JSON says of the time from `since_ns` on."""
        text = self.dwreport("--format", "json", "--since", at(since_ns), *options)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def dwreport(self, *arguments: str) -> str:
        """Return what dwreport prints."""
        done = subprocess.run([self._python, "-P", "-m", "dwreport", "--database", str(self.database), *arguments],
                              capture_output=True, text=True, check=False, timeout=_REPORT_S)
        if done.returncode:
            raise RuntimeError(f"dwreport ended with {done.returncode}: {done.stderr}")
        return done.stdout


def at(time_ns: int) -> str:
    """Write a time as --since takes it, to the nanosecond."""
    return f"@{time_ns // NANO}.{time_ns % NANO:09d}"


def _mark() -> None:
    """Send an IGMP message with a wrong checksum: a drop in igmp_rcv, where no scenario drops anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        sender.sendto(packets.ipv4("127.0.0.1", "127.0.0.1", socket.IPPROTO_IGMP, bytes(8)), ("127.0.0.1", 0))
