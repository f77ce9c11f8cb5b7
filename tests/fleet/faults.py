"""Hosts that record and send all the time, while their server is lost, killed, full and slow: every sum is exact."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import psycopg

from dropwatchd.history.fleet.setup import set_up
from dropwatchd.history.write.open import upgrade
from tests.fleet.life import Life
from tests.fleet.server import LOSING, Server
from tests.fleet.test_exact import check as check_sums

_HOSTS, _DISK_MIB = 5, 400
_DEADLINE_S = 120


class _Fleet:
    """Hosts, each with a daemon's history and dropwatchd-upload beside it; a tick is ten seconds of theirs."""

    def __init__(self, folder: Path, url: str) -> None:
        empty, self._chance = folder / "empty.db", Random(1)
        upgrade(empty)
        self.lives = [Life(_copied(empty, folder / f"host-{number}.db"), f"host-{number}") for number in range(_HOSTS)]
        self._url, self.senders = url, [self._sender(url, life) for life in self.lives]

    @staticmethod
    def _sender(url: str, life: Life) -> "subprocess.Popen[bytes]":
        program = Path(sys.executable).parent / "dropwatchd-upload"
        return subprocess.Popen([program, "--to", url, "--database", life.path, "--interval", "1"],
                                stderr=life.path.with_suffix(".log").open("ab"))

    def live(self, seconds: float) -> None:
        """Go on for so long; one in thirty times a daemon is killed and started again, or a sender is."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for number, life in enumerate(self.lives):
                life.random(self._chance)
                if self._chance.random() < 1 / 30:
                    life.crash()
                if self._chance.random() < 1 / 30:
                    self.senders[number].kill()
                    self.senders[number].wait()
                    self.senders[number] = self._sender(self._url, life)
            time.sleep(0.1)

    def close(self) -> None:
        for sender in self.senders:
            sender.terminate()
        for sender in self.senders:
            sender.wait()
        for life in self.lives:
            life.close()


def check() -> Iterator[str]:
    """Do all of it, and say what was done; a number that differs raises AssertionError."""
    with tempfile.TemporaryDirectory(prefix="dropwatchd-faults-") as name, _disk() as disk, \
            Server(5432, *LOSING, folder=disk) as server:
        set_up(server.url())
        folder = Path(name) / "hosts"
        folder.mkdir()
        fleet = _Fleet(folder, server.url())
        try:
            fleet.live(4)
            server.stop(signal.SIGQUIT)
            fleet.live(10)
            server.start()
            yield "the server was away for ten seconds"
            fleet.live(3)
            server.kill()
            server.start()
            fleet.live(3)
            yield "it was killed, which made it forget what it had just taken, and started again at once"
            if disk:
                _fill(disk, lambda: fleet.live(6))
                yield f"its disk was full for six seconds: {_complaints(folder, 'No space left')} complaints"
            server.pause()
            fleet.live(6)
            server.go_on()
            yield "it answered nothing for six seconds"
            for life in fleet.lives:
                life.stop()
            _await(lambda: check_sums(server.url(), *fleet.lives))
            kept = {path.suffix for path in folder.iterdir()}
            assert kept <= {".db", ".log", ".db-wal", ".db-shm"}, kept
            dropped = sum(sum(life.dropped.values()) for life in fleet.lives)
            assert dropped
            yield f"all sums are exact, {dropped} drops; the spool is the history, and there is no other file"
        finally:
            fleet.close()


def _copied(source: Path, path: Path) -> Path:
    path.write_bytes(source.read_bytes())
    return path


@contextmanager
def _disk() -> Iterator[Path | None]:
    """Give a small disk for the server, where we may make one."""
    if os.geteuid():
        yield None
        return
    place = Path(tempfile.mkdtemp(prefix="dropwatchd-disk-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m,mode=755", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
        place.rmdir()


def _fill(disk: Path, meanwhile: Callable[[], None]) -> None:
    filler = disk / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))
            file.flush()
    meanwhile()
    filler.unlink()


def _complaints(folder: Path, text: str) -> int:
    return sum(path.read_text().count(text) for path in folder.glob("*.log"))


def _await(is_so: Callable[[], None]) -> None:
    """Try again until something holds, or raise what it raises last."""
    until = time.monotonic() + _DEADLINE_S
    while True:
        try:
            return is_so()
        except (AssertionError, psycopg.Error):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    for line in check():
        print(line, flush=True)
