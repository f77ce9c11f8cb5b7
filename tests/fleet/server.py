"""A PostgreSQL of our own: its own folder, its own socket, its own port, ended by its own number."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

_DATA, _START_S = "data", 30
_HOMES = "/usr/lib/postgresql"

# Whoever kills this server has it forget what it has just answered for: the last half second of transactions.
LOSING = ("-c", "synchronous_commit=off")


def binaries() -> Path | None:
    """Return where Debian has the newest server's programs, None where it has none."""
    homes = sorted(Path(_HOMES).glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return homes[-1].parent if homes else None


class Server:
    """A server that listens on a socket alone. It refuses to run as root: then it runs as nobody."""

    def __init__(self, port: int = 5432, *options: str, folder: Path | None = None) -> None:
        home = binaries()
        assert home, "needs Debian's package postgresql"
        self._home, self._port, self._options = home, port, options
        self.folder = Path(tempfile.mkdtemp(prefix="dropwatchd-fleet-", dir=folder or "/tmp"))
        self._user: dict[str, str] = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            self._user = {"user": "nobody"}
        self._run("initdb", "--pgdata", str(self.folder / _DATA), "--auth", "trust", "--username", "postgres",
                  "--no-sync", "--no-instructions", "--encoding", "UTF8", "--locale", "C")
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # type: ignore[call-overload]
                [self._home / "postgres", "-D", self.folder / _DATA, "-k", self.folder, "-p", str(self._port),
                 "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", *self._options],
                stdout=log, stderr=log, cwd=self.folder, **self._user)
        self._run("pg_isready", "-h", str(self.folder), "-p", str(self._port), "-q", tries=_START_S * 10)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends its sessions, SIGQUIT is as a crash."""
        self._process.send_signal(how)
        self._process.wait(_START_S)

    def kill(self) -> None:
        """Kill it and its children at once, as nobody can prevent."""
        for process in self._sessions():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait(_START_S)

    def pause(self) -> None:
        """Have it answer nothing, until it may go on."""
        self._tell(signal.SIGSTOP)

    def go_on(self) -> None:
        self._tell(signal.SIGCONT)

    def _tell(self, what: signal.Signals) -> None:
        for process in self._sessions():
            with suppress(ProcessLookupError):  # its client has gone meanwhile
                os.kill(process, what)

    def cpu_s(self) -> float:
        """Return the CPU time of the server and of those of its processes that have ended."""
        columns = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, columns[11:15])) / os.sysconf("SC_CLK_TCK")

    def _sessions(self) -> list[int]:
        """Return the server and its children."""
        own = self._process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]

    def close(self) -> None:
        """End it, and leave no trace."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self._port}"

    def _run(self, program: str, *words: str, tries: int = 1) -> None:
        for left in reversed(range(tries)):
            done = subprocess.run([self._home / program, *words], check=False, capture_output=True, text=True,  # type: ignore[call-overload]
                                  cwd=self.folder, **self._user)
            if done.returncode == 0:
                return
            if left and self._process.poll() is None:
                time.sleep(0.1)
        raise AssertionError(f"{program}: {done.stdout}{done.stderr}{self._log()}")

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""


