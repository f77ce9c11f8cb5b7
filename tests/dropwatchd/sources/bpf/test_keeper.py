"""The program goes on counting while nobody is there to read it, and each drop is in the history once."""

import fcntl
import os
import random
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.model import Drop
from dropwatchd.sources.bpf import BpfOptions, BpfSource
from dropwatchd.sources.bpf.checkpoint import Checkpoint
from dropwatchd.sources.bpf.hold import NAMES
from dropwatchd.sources.bpf.keeper import Keeper
from dropwatchd.sources.bpf.room import Room
from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.needs import require_kernel
from tests.kernel.load import Load

KILLS = 8
ROOT = Path(__file__).parents[4]
FIRST_FD = 3
CLOSED_PORT = 9


@given(st.lists(st.binary(max_size=20_000), min_size=1, max_size=12), st.data())
def test_the_write_before_is_known_until_the_next_is_prepared(snapshots: list[bytes], data: st.DataObject) -> None:
    """However a write ends, and however often it is tried, the last one that was done and the one at hand are known."""
    with closing(Checkpoint.new()) as checkpoint:
        assert checkpoint.at(0) == b""
        for number, snapshot in enumerate(snapshots, 1):
            for attempt in data.draw(st.lists(st.binary(max_size=9000), max_size=2)):
                checkpoint.prepare(number, attempt)
            checkpoint.prepare(number, snapshot)
            later = Checkpoint(os.dup(checkpoint.fd))
            assert later.token == checkpoint.token
            assert later.at(number) == snapshot
            assert later.at(number - 1) == (snapshots[number - 2] if number > 1 else b"")
            assert later.at(number + 1) is None
            later.close()


def test_a_file_that_is_no_checkpoint() -> None:
    """It is refused."""
    fd = os.memfd_create("other")
    os.write(fd, bytes(100))
    with pytest.raises(ValueError, match="no checkpoint"):
        Checkpoint(fd)
    os.close(fd)


class Shelf:
    """A store within the process: what is taken are copies, so that it can be taken again."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}

    def take(self, prefix: str) -> dict[str, int]:
        return {name.removeprefix(prefix): os.dup(fd) for name, fd in self.held.items() if name.startswith(prefix)}

    def keep(self, name: str, fd: int) -> None:
        self.held[name] = os.dup(fd)

    def discard(self, name: str) -> None:
        if name in self.held:
            os.close(self.held.pop(name))


def _read(source: BpfSource, netns: int) -> int:
    """Return how many datagrams a read finds dropped in a namespace; it takes two reads to begin and end a window."""
    drops = [record for _ in range(2) for record in source.read() if isinstance(record, Drop)]
    ours = [drop for drop in drops if drop.key.interface.netns_inode == netns and drop.key.kind.reason == "NO_SOCKET"]
    return sum(drop.count for drop in ours)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    require_kernel()
    made = Shelf()
    yield made
    for name in list(made.held):
        made.discard(name)


@pytest.mark.kernel
@pytest.mark.parametrize(("written", "again"), [(1, 20), (2, 0)])
def test_killed_between_preparing_and_writing(written: int, again: int, shelf: Shelf) -> None:
    """The second write was prepared: whether it was done before the kill decides who tells of its drops."""
    numbers = [0]
    keeper = Keeper(shelf, "history", lambda _token: numbers[-1])
    killed = BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)
    with Namespace(f"dwkeeper-{os.getpid()}") as namespace, closing(killed):
        killed.open()
        assert killed.checkpoint
        for number, count in ((1, 10), (2, 20)):
            namespace.run(partial(_drop, count))
            assert _read(killed, namespace.inode) == count
            killed.checkpoint.prepare(number, killed.snapshot())
        numbers.append(written)
        namespace.run(partial(_drop, 7))
        with closing(BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)) as next_run:
            next_run.open()
            assert _read(next_run, namespace.inode) == again + 7
            namespace.run(partial(_drop, 3))
            assert _read(next_run, namespace.inode) == 3


@pytest.mark.kernel
def test_what_is_not_whole_is_not_adopted(shelf: Shelf) -> None:
    """A descriptor that is missing, or a write that the checkpoint does not know: the next run begins anew."""
    numbers = [0]
    keeper = Keeper(shelf, "history", lambda _token: numbers[-1])
    room = Room.of(BpfOptions().max_keys)
    with closing(BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)) as source:
        source.open()
        left = keeper.adopt(room)
        assert left
        left.hold.close()
        left.checkpoint.close()
        numbers.append(5)
        assert keeper.adopt(room) is None
        numbers.append(0)
        shelf.discard(next(name for name in shelf.held if name.endswith("-link")))
        assert keeper.adopt(room) is None
        assert keeper.adopt(Room.of(64)) is None


def _drop(count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(count):
            sock.sendto(b"kept", ("127.0.0.1", CLOSED_PORT))


class Manager:
    """What systemd does for a service with FileDescriptorStoreMax=: keep descriptors for the next start."""

    def __init__(self, folder: Path) -> None:
        self.history = folder / "history.db"
        self._address = folder / "notify"
        self.store: dict[str, int] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._address))
        self._thread = threading.Thread(target=self._listen)
        self.pid = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self.kill()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"END", str(self._address))
        self._thread.join()
        self._socket.close()
        self.drop_all()

    def _listen(self) -> None:
        while True:
            text, fds, _flags, _address = socket.recv_fds(self._socket, 4096, 4)
            said = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
            if text == b"END":
                return
            if "FDSTORE" in said:
                # high numbers, which no child's own descriptors have
                self.store[said["FDNAME"]] = fcntl.fcntl(fds[0], fcntl.F_DUPFD_CLOEXEC, 200)
            elif "FDSTOREREMOVE" in said and said["FDNAME"] in self.store:
                os.close(self.store.pop(said["FDNAME"]))
            for fd in fds:
                os.close(fd)

    def drop_all(self) -> None:
        while self.store:
            os.close(self.store.popitem()[1])

    def start(self) -> None:
        """Start the recorder with what is in the store."""
        names, fds = list(self.store), list(self.store.values())
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": str(self._address),
                       "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(names)}
        script = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", sys.executable,
                  str(Path(__file__).with_name("recorder.py")), str(self.history)]
        self.pid = os.posix_spawn("/bin/sh", script, environment, file_actions=[
            (os.POSIX_SPAWN_DUP2, fd, FIRST_FD + number) for number, fd in enumerate(fds)])

    def keeps_all(self) -> bool:
        return len(self.store) == len(NAMES) + 1

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.pid = 0

    def recorded(self, netns: int) -> int:
        return self._sum("SELECT coalesce(sum(count), 0) FROM drops WHERE reason = 'NO_SOCKET' AND netns = ?", netns)

    def writes(self) -> int:
        return self._sum("SELECT count(*) FROM drops")

    def _sum(self, query: str, *values: int) -> int:
        try:
            with closing(sqlite3.connect(f"file:{self.history}?mode=ro", uri=True)) as history:
                return int(history.execute(query, values).fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    require_kernel()
    with Manager(tmp_path) as made:
        yield made


@pytest.mark.kernel
def test_killed_under_load_every_drop_is_recorded_once(manager: Manager) -> None:
    """Drops go on while the recorder is killed at any moment, again and again: in the end, each is recorded once."""
    chance = random.Random(7)
    with Namespace(f"dwkeeper-{os.getpid()}") as namespace:
        manager.start()
        wait_for(manager.keeps_all, "the program is kept")
        with Load(namespace) as load:
            for _ in range(KILLS):
                goal = manager.writes() + chance.randrange(1, 20)
                wait_for(lambda goal=goal: manager.writes() >= goal, "something is written")  # type: ignore[misc]
                manager.kill()
                load.await_more(chance.randrange(1, 5000))
                manager.start()
            load.await_more(1)
        wait_for(lambda: manager.recorded(namespace.inode) >= load.dropped, "all is written")
        manager.kill()
        assert manager.recorded(namespace.inode) == load.dropped
    assert manager._sum("SELECT count(*) FROM gaps WHERE effect <> 'detail' AND cause <> 'drop inside a drop'") == 0
    assert manager._sum("SELECT count(*) FROM drops WHERE first_ns > last_ns") == 0


@pytest.mark.kernel
def test_another_history_begins_anew(manager: Manager) -> None:
    """What is in one history is not told again in another: that program is let go, and another one is kept."""
    with Namespace(f"dwkeeper-{os.getpid()}") as namespace:
        manager.start()
        wait_for(manager.keeps_all, "the program is kept")
        kept = set(manager.store)
        with Load(namespace) as load:
            load.await_more(1000)
        wait_for(lambda: manager.recorded(namespace.inode) == load.dropped, "all is written")
        manager.kill()
        manager.history = manager.history.with_name("other.db")
        manager.start()
        wait_for(lambda: manager.keeps_all() and not kept & set(manager.store), "another program is kept")
        with Load(namespace) as again:
            again.await_more(1000)
        wait_for(lambda: manager.recorded(namespace.inode) == again.dropped, "all is written")
