"""A disk that stalls or fails for good: the daemon lives and says so, counts wait in memory, the end is no success."""

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.gallery.namespace import Namespace, command, wait_for
from tests.gallery.recording import Recording, at
from tests.torture.conftest import LONG, drop_datagrams
from tests.torture.fault import Call, Disk
from tests.torture.outcome import Outcome

pytestmark = pytest.mark.kernel
DROPS = 300
STALL_MS = 120_000 if LONG else 8000
WATCHDOG_USEC = "2000000"

Make = Callable[[], tuple[Recording, Disk]]


class Manager:
    """A service manager that expects signs of life."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": WATCHDOG_USEC}
        self.heard: list[str] = []

    def hears(self, text: str) -> bool:
        """Say whether something that begins so was heard since it was last forgotten."""
        with suppress(BlockingIOError):
            while True:
                self.heard.append(self._socket.recv(4096).decode())
        return any(said.startswith(text) for said in self.heard)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path / "manager")
    yield made
    made.close()


def test_a_disk_that_stalls(
    namespace: Namespace, recording_on: Make, manager: Manager, outcome: Callable[[str], Outcome],
) -> None:
    """Signs of life go on, STATUS and log say what stalls; afterwards all is on record, and the ledger knows why."""
    recording, disk = recording_on()
    recording.launch(manager.environment)
    wait_for(lambda: manager.hears("READY=1"), "the daemon is ready")
    told = outcome("a disk stalls without an error")
    for call in (Call.WRITE, Call.SYNC):
        since_ns = time.time_ns()
        disk.fail(call, 1, stall_ms=STALL_MS)
        namespace.run(lambda: drop_datagrams(DROPS))
        until_ns = time.time_ns()
        wait_for(lambda: manager.hears("STATUS") and any("a write to the history takes" in said
                                                         for said in manager.heard), "STATUS speaks of the storage")
        manager.heard.clear()
        wait_for(lambda: manager.hears("WATCHDOG=1"), "a sign of life")
        told.recover(lambda until_ns=until_ns: wait_for(  # type: ignore[misc]
            lambda: recording.seen_ns() >= until_ns, "it is written"))
        told.add(DROPS - _count(recording, namespace, since_ns, until_ns))
    wait_for(lambda: bool(recording.query("SELECT * FROM gaps WHERE cause = 'storage stalled'")), "the ledger says so")
    assert recording.stop() == 0
    assert told.lost == 0
    assert "a write to the history takes" in recording.log.read_text()


@pytest.fixture
def on_a_small_disk(fresh_daemon: Recording) -> Iterator[Recording]:
    """A daemon whose history is on a file system of 4 MiB."""
    folder = fresh_daemon.database.parent / "disk"
    folder.mkdir()
    command(f"mount -t tmpfs -o size=4m tmpfs {folder}")
    usual, fresh_daemon.database = str(fresh_daemon.database), folder / "history.db"
    fresh_daemon.command = [str(fresh_daemon.database) if word == usual else word for word in fresh_daemon.command]
    yield fresh_daemon
    fresh_daemon.end()
    command(f"umount {folder}")


def test_a_disk_that_is_full(
    namespace: Namespace, on_a_small_disk: Recording, outcome: Callable[[str], Outcome],
) -> None:
    """As long as that lasts the log says so; afterwards all is on record, each drop once."""
    recording, batches = on_a_small_disk, 20 if LONG else 2
    recording.start()
    recording.await_written(namespace)
    since_ns = time.time_ns()
    filler = recording.database.with_name("other")
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    for _ in range(batches):
        namespace.run(lambda: drop_datagrams(DROPS))
    wait_for(lambda: "the history cannot be written" in recording.log.read_text(), "the log says so")
    filler.unlink()
    until_ns = time.time_ns()
    told = outcome("a disk is full")
    told.recover(lambda: recording.await_written(namespace))
    told.add(batches * DROPS - _count(recording, namespace, since_ns, until_ns))
    assert told.lost == 0
    wait_for(lambda: bool(recording.query("SELECT * FROM gaps WHERE cause = 'storage stalled'")), "the ledger says so")
    assert recording.stop() == 0
    assert "Traceback" not in recording.log.read_text()


def test_a_disk_that_fails_for_good(
    namespace: Namespace, recording_on: Make, outcome: Callable[[str], Outcome],
) -> None:
    """What could not be written is no success at the end, and a gap after the next start."""
    recording, disk = recording_on()
    recording.start()
    recording.await_written(namespace)
    disk.fail(Call.ANY, 1, error=errno.EIO, times=1 << 30)
    since_ns = time.time_ns()
    namespace.run(lambda: drop_datagrams(DROPS))
    until_ns = time.time_ns()
    assert recording.stop() == 1
    assert "the last seconds could not be written" in recording.log.read_text()
    disk.count(Call.ANY)
    told = outcome("a disk fails for good")
    told.recover(recording.start)
    assert recording.stop() == 0
    report = recording.report(since_ns, "--until", at(until_ns), "--netns", namespace.name)
    told.add(DROPS * (report["coverage"]["status"] == "complete"))
    assert told.lost == 0
    assert "Traceback" not in recording.log.read_text()


def _count(recording: Recording, namespace: Namespace, since_ns: int, until_ns: int) -> int:
    told = recording.report(since_ns, "--until", at(until_ns), "--netns", namespace.name, "--reason", "NO_SOCKET")
    assert told["coverage"]["status"] == "complete"
    return sum(row["count"] for row in told["drops"])
