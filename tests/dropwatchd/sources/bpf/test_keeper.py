"""The program goes on counting while nobody is there to read it, and each drop is in the history once."""

import os
import random
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.kernel.clock import boot_ns
from dropwatchd.model import NANO, Drop, Instant, Record, Written
from dropwatchd.sources.bpf import BpfOptions, BpfSource
from dropwatchd.sources.bpf.checkpoint import Checkpoint
from dropwatchd.sources.bpf.hold import NAMES, QUEUE_LINK, Adopted
from dropwatchd.sources.bpf.keeper import Keeper
from dropwatchd.sources.bpf.room import Room
from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.needs import require_kernel
from tests.kernel.load import Load
from tests.kernel.manager import Manager

KILLS = 8
ROOT = Path(__file__).parents[4]
CLOSED_PORT = 9


@given(st.lists(st.binary(max_size=20_000), min_size=1, max_size=12), st.data())
def test_the_write_before_is_known_until_the_next_is_prepared(snapshots: list[bytes], data: st.DataObject) -> None:
    """However a write ends, and however often it is tried, the last one that was done and the one at hand are known."""
    with closing(Checkpoint.new()) as checkpoint:
        assert checkpoint.at(0) is None
        for number, snapshot in enumerate(snapshots, 1):
            for attempt in data.draw(st.lists(st.binary(max_size=9000), max_size=2)):
                checkpoint.prepare(number, attempt)
            checkpoint.prepare(number, snapshot)
            later = Checkpoint(os.dup(checkpoint.fd))
            assert later.token == checkpoint.token
            assert later.at(number) == snapshot
            assert later.at(number - 1) == (snapshots[number - 2] if number > 1 else None)
            assert later.at(number + 1) is None
            later.close()
        checkpoint.spoil(number)
        assert checkpoint.at(number) is None
        assert checkpoint.at(number - 1) == (snapshots[number - 2] if number > 1 else None)


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


def _count(records: Iterable[Record], netns: int) -> int:
    """Return how many datagrams were dropped in a namespace."""
    return sum(record.count for record in records if isinstance(record, Drop)
               and record.key.interface.netns_inode == netns and record.key.kind.reason == "NO_SOCKET")


def _read(source: BpfSource, netns: int) -> int:
    """Return how many a read finds; it takes two reads to begin and end a window."""
    return sum(_count(source.read(), netns) for _ in range(2))


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    require_kernel()
    made = Shelf()
    yield made
    for name in list(made.held):
        made.discard(name)


def _keeper(shelf: Shelf, numbers: list[int], since_ns: int = 0) -> Keeper:
    """Return a keeper whose history has what the last of the numbers says, 0 for nothing."""
    return Keeper(shelf, "history", lambda _token: Written(numbers[-1], Instant(0, since_ns or boot_ns()))
                  if numbers[-1] else None)


@pytest.mark.parametrize("queues_tell", [False, True])
def test_the_second_program_is_kept_where_there_is_one(queues_tell: bool) -> None:
    """Kernels before 7.1 have none, and what is left by them is whole without."""
    shelf, room, checkpoint = Shelf(), Room.of(64), Checkpoint.new()
    keeper = _keeper(shelf, [1])
    names = {*NAMES, *([QUEUE_LINK] if queues_tell else [])}
    hold = Adopted({name: os.memfd_create(name) for name in names})
    checkpoint.prepare(1, b"counts")
    keeper.keep(room, hold, checkpoint)
    left = keeper.adopt(room)
    assert left
    assert left.hold.fds.keys() == names
    links = {left.hold.fds[name] for name in names if name.endswith("link")}
    left.hold.detach()
    for link in links:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(link)
    shelf.discard(next(name for name in shelf.held if name.endswith("-drops")))
    assert keeper.adopt(room) is None
    keeper.let_go(room)
    assert not shelf.held
    for held in (hold, left.hold):
        held.close()


def _prepare(source: BpfSource, number: int) -> None:
    mark = source.mark()
    assert mark
    mark.prepare(number)


def _told(source: BpfSource) -> list[Record]:
    assert source.resumed
    return list(source.resumed.records)


@pytest.mark.kernel
@pytest.mark.parametrize(("written", "again"), [(1, 20), (2, 0)])
def test_killed_between_preparing_and_writing(written: int, again: int, shelf: Shelf) -> None:
    """The second write was prepared: whether it was done before the kill decides who tells of its drops."""
    numbers = [0]
    keeper = _keeper(shelf, numbers)
    killed = BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)
    with Namespace(f"dwkeeper-{os.getpid()}") as namespace, closing(killed):
        killed.open()
        assert killed.resumed is None
        for number, count in ((1, 10), (2, 20)):
            namespace.run(partial(_drop, count))
            assert _read(killed, namespace.inode) == count
            _prepare(killed, number)
        numbers.append(written)
        namespace.run(partial(_drop, 7))
        with closing(BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)) as next_run:
            next_run.open()
            assert _count(_told(next_run), namespace.inode) == again + 7
            namespace.run(partial(_drop, 3))
            assert _read(next_run, namespace.inode) == 3


@pytest.mark.kernel
def test_what_was_told_when_we_left_is_not_told_again(shelf: Shelf) -> None:
    """The last read goes with a mark too; what comes after it, only the next run tells. Closed, nothing goes on."""
    numbers = [0]
    keeper = _keeper(shelf, numbers)
    with Namespace(f"dwkeeper-{os.getpid()}") as namespace:
        source = BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)
        source.open()
        namespace.run(partial(_drop, 10))
        assert _count(source.leave(), namespace.inode) == 10
        _prepare(source, 1)
        numbers.append(1)
        namespace.run(partial(_drop, 7))
        next_run = BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)
        next_run.open()
        assert _count(_told(next_run), namespace.inode) == 7
        namespace.run(partial(_drop, 3))
        assert _count(next_run.close(), namespace.inode) == 3
        mark = next_run.mark()
        assert mark
        assert mark == mark.part()
        assert not shelf.held


@pytest.mark.kernel
def test_what_is_not_whole_is_not_adopted(shelf: Shelf) -> None:
    """A descriptor that is missing, a write that the checkpoint or the history does not know, one long ago."""
    numbers = [1]
    keeper = _keeper(shelf, numbers)
    room = Room.of(BpfOptions().max_keys)
    with closing(BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)) as source:
        source.open()
        _prepare(source, 1)
        left = keeper.adopt(room)
        assert left
        left.hold.close()
        for number in (5, 0):
            numbers.append(number)
            assert keeper.adopt(room) is None
        numbers.append(1)
        assert _keeper(shelf, numbers, boot_ns() - 3601 * NANO).adopt(room) is None
        shelf.discard(next(name for name in shelf.held if name.endswith("-link")))
        assert keeper.adopt(room) is None
        assert keeper.adopt(Room.of(64)) is None


@pytest.mark.kernel
def test_a_snapshot_that_cannot_be_read(shelf: Shelf) -> None:
    """It is another version's: the program is loaded anew, and the one that was left is gone."""
    keeper = _keeper(shelf, [1])
    with closing(BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)) as killed:
        killed.open()
        kept = dict(shelf.held)
        left = Checkpoint(os.dup(next(fd for name, fd in kept.items() if name.endswith("-checkpoint"))))
        left.prepare(1, b"12345678 another version's")
        with closing(BpfSource(BpfOptions(sample_bytes=0), 1, keeper=keeper)) as next_run:
            next_run.open()
            assert next_run.resumed is None
            assert kept.keys() == shelf.held.keys()
            assert next_run.mark() != killed.mark()


def _drop(count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(count):
            sock.sendto(b"kept", ("127.0.0.1", CLOSED_PORT))


class Recorder:
    """The recorder beside this file, and what it has recorded."""

    def __init__(self, folder: Path, manager: Manager) -> None:
        self.history = folder / "history.db"
        self.manager = manager
        self._log = folder / "recorder.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("recorder.py")), str(self.history)]
        self._process = self.manager.start(command, self._log, {"PYTHONPATH": str(ROOT)})

    def keeps_all(self) -> bool:
        return len(self.manager.store) == len(NAMES) + 1

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None

    def recorded(self, netns: int) -> int:
        return self.sum("SELECT coalesce(sum(count), 0) FROM drops WHERE reason = 'NO_SOCKET' AND netns = ?", netns)

    def writes(self) -> int:
        return self.sum("SELECT count(*) FROM drops")

    def sum(self, query: str, *values: int) -> int:
        try:
            with closing(sqlite3.connect(f"file:{self.history}?mode=ro", uri=True)) as history:
                return int(history.execute(query, values).fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    require_kernel()
    with Manager(tmp_path) as manager:
        made = Recorder(tmp_path, manager)
        yield made
        made.kill()


@pytest.mark.kernel
def test_killed_under_load_every_drop_is_recorded_once(recorder: Recorder) -> None:
    """Drops go on while the recorder is killed at any moment, again and again: in the end, each is recorded once."""
    chance = random.Random(7)
    with Namespace(f"dwkeeper-{os.getpid()}") as namespace:
        recorder.start()
        wait_for(recorder.keeps_all, "the program is kept")
        with Load(namespace) as load:
            for _ in range(KILLS):
                goal = recorder.writes() + chance.randrange(1, 20)
                wait_for(lambda goal=goal: recorder.writes() >= goal, "something is written")  # type: ignore[misc]
                recorder.kill()
                load.await_more(chance.randrange(1, 5000))
                recorder.start()
            load.await_more(1)
        wait_for(lambda: recorder.recorded(namespace.inode) >= load.dropped, "all is written")
        recorder.kill()
        assert recorder.recorded(namespace.inode) == load.dropped
    assert recorder.sum("SELECT count(*) FROM gaps WHERE effect <> 'detail' AND cause <> 'drop inside a drop'") == 0
    assert recorder.sum("SELECT count(*) FROM drops WHERE first_ns > last_ns") == 0


@pytest.mark.kernel
def test_another_history_begins_anew(recorder: Recorder) -> None:
    """What is in one history is not told again in another: that program is let go, and another one is kept."""
    with Namespace(f"dwkeeper-{os.getpid()}") as namespace:
        recorder.start()
        wait_for(recorder.keeps_all, "the program is kept")
        kept = set(recorder.manager.store)
        with Load(namespace) as load:
            load.await_more(1000)
        wait_for(lambda: recorder.recorded(namespace.inode) == load.dropped, "all is written")
        recorder.kill()
        recorder.history = recorder.history.with_name("other.db")
        recorder.start()
        wait_for(lambda: recorder.keeps_all() and not kept & set(recorder.manager.store), "another program is kept")
        with Load(namespace) as again:
            again.await_more(1000)
        wait_for(lambda: recorder.recorded(namespace.inode) == again.dropped, "all is written")
