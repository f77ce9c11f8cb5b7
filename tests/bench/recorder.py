"""A daemon that runs beside a measurement, and what it costs."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class Recorder:
    """A running dropwatchd and its database."""

    def __init__(self, process: subprocess.Popen[str], database: Path) -> None:
        self.process = process
        self.database = database

    def cpu_seconds(self) -> float:
        """Return user and system time so far (proc_pid_stat(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def drops(self, reason: str) -> int:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            query = "SELECT coalesce(sum(count), 0) FROM v_drops WHERE reason = ? AND interface = 'lo'"
            return int(connection.execute(query, (reason,)).fetchone()[0])

    def lost(self) -> list[tuple[str, int | None]]:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT cause, lost FROM gaps WHERE effect != 'detail'").fetchall()


@contextmanager
def recording(database: Path, *words: str) -> Iterator[Recorder]:
    """Run a daemon until the block ends; it records already when the block begins."""
    process = subprocess.Popen([sys.executable, "-m", "dropwatchd", "--database", str(database), *words],
                               stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "ready after" in line:
                break
        else:
            raise RuntimeError("the daemon did not start")
        yield Recorder(process, database)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def settle(seconds: float) -> None:
    """Let time pass that a measurement needs, such as idle seconds."""
    time.sleep(seconds)
