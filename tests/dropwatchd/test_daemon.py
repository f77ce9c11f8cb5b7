"""The loop: a source that fails is put aside, opened again, and the time between is in the ledger."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from dropwatchd import daemon as module
from dropwatchd.daemon import Daemon, ThreadDiedError
from dropwatchd.history.write.batch import Batch
from dropwatchd.kernel import clock
from dropwatchd.kernel.links import LinkWatch
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import NANO, Effect, Gap, GapCause, Watch, Watching
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.links import Links
from dropwatchd.service import Service
from dropwatchd.sources import Source, UnavailableError
from dropwatchd.sources.bpf import BpfSource

CI = os.environ.get("CI") == "true"
DEADLINE = 20
SIZE = 1000 + os.getpid() * 8 % 40_000  # of packets that no other run of these tests sends


class Running:
    """A daemon in a thread of its own, with all that it has put into the buffer so far."""

    def __init__(self, sources: list[Source]) -> None:
        self.buffer = Buffer()
        self._batches: list[Batch] = []
        self._wake, self._woken = socket.socketpair()
        self._links, self._names = Links(), NetnsNames()
        self._links.add(LinkWatch(self._names.at_start.number))
        self.daemon = Daemon(sources, self._names, self._links, self.buffer, Service(), opened=clock.now())
        self._thread = threading.Thread(target=self.daemon.run, args=(self._stop, self._woken.fileno()))
        self._thread.start()

    def _stop(self) -> None:
        self.daemon.stopping = True

    def stop(self) -> None:
        self._wake.send(b"x")
        self._thread.join(DEADLINE)
        self.daemon.stop_sources()
        self._links.close()
        self._names.close()

    def watches(self, what: str) -> list[Watch]:
        """Return what was watched, each as far as it is known last."""
        self._batches.append(self.buffer.take())
        return list({watch.since.boot_ns: watch for batch in self._batches for watch in batch.watches
                     if watch.watching.what == what}.values())

    def gaps(self) -> list[Gap]:
        self._batches.append(self.buffer.take())
        return [gap for batch in self._batches for gap in batch.gaps]

    def drops(self, octets: int) -> int:
        self._batches.append(self.buffer.take())
        return sum(w.drop.count for batch in self._batches for w in batch.windows
                   if w.drop.key.kind.reason == "NO_SOCKET" and w.drop.octets == octets * w.drop.count)


def _wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.01)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    monkeypatch.setattr(module, "_TICK", 0.2)
    running: list[Running] = []

    def start(*sources: Source) -> Running:
        running.append(Running(list(sources)))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def source() -> BpfSource:
    opened = BpfSource()
    try:
        opened.open()
    except UnavailableError as error:
        if CI:
            raise
        pytest.skip(str(error))
    return opened


def _spoil(source: BpfSource) -> None:
    """Let another file stand where a map was: reading it fails from now on."""
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - for its descriptor
        os.dup2(nothing.fileno(), source._program._fds["totals"])


def _drop(size: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(bytes(size), ("127.0.0.1", 9))


@pytest.mark.kernel
def test_a_source_that_fails_is_opened_again(run: Callable[..., Running], source: BpfSource) -> None:
    """Drops are seen before and after, and the ledger is blind exactly in between."""
    running = run(source)
    _drop(SIZE)
    _wait(lambda: running.drops(SIZE + 8) == 1)
    _spoil(source)
    _drop(SIZE + 2)
    _wait(lambda: [gap for gap in running.gaps() if gap.cause is GapCause.SOURCE_FAILED])
    _drop(SIZE + 4)
    _wait(lambda: running.drops(SIZE + 12) == 1)
    (gap, *more) = [gap for gap in running.gaps() if gap.cause is GapCause.SOURCE_FAILED]
    assert (gap.effect, gap.scope) == (Effect.BLIND, "software")
    assert not more
    assert gap.since_ns < gap.until_ns


def test_without_any_source_nothing_vouches_for_drops(run: Callable[..., Running]) -> None:
    """That the daemon runs is on record, and that it watches drops is not."""
    running = run()
    _wait(lambda: [watch for watch in running.watches("daemon") if watch.until.boot_ns > watch.since.boot_ns])
    assert not running.watches("software")
    assert not running.gaps()


@pytest.mark.kernel
def test_a_source_is_watched_as_long_as_it_can_be_read(run: Callable[..., Running], source: BpfSource) -> None:
    """A watch ends where the source was last complete, the gap begins there, and the next watch where that ends."""
    running = run(source)
    _wait(lambda: [watch for watch in running.watches("software") if watch.until.boot_ns > watch.since.boot_ns])
    _spoil(source)
    _drop(SIZE + 2)
    _wait(lambda: len(running.watches("software")) > 1)
    first, second = running.watches("software")
    (gap,) = [gap for gap in running.gaps() if gap.cause is GapCause.SOURCE_FAILED]
    assert first.ending == "failed"
    assert first.until.wall_ns == gap.since_ns
    assert gap.until_ns == second.since.wall_ns
    assert second.watching == Watching("software", "bpf")
    assert second.limits == ("nested drops",)


@pytest.mark.parametrize("step_s", [3 * 3600, -600])
def test_a_clock_that_is_set_is_told(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, step_s: int,
) -> None:
    """Against the time since boot, which nobody can set: a watch ends, and one joins it by the new clock."""
    running = run()
    _wait(lambda: [watch for watch in running.watches("daemon") if watch.until.boot_ns > watch.since.boot_ns])
    real, step_ns = clock.now, step_s * NANO
    monkeypatch.setattr(clock, "now", lambda: real()._replace(wall_ns=real().wall_ns + step_ns))
    _wait(lambda: len(running.watches("daemon")) > 1)
    first, second = running.watches("daemon")
    (gap,) = [gap for gap in running.gaps() if gap.cause is GapCause.CLOCK_STEP]
    assert (gap.effect, gap.lost, gap.detail) == (Effect.DETAIL, 0, f"{step_s:+.3f} s")
    assert first.ending == "the clock was set"
    assert second.since.boot_ns == first.until.boot_ns
    assert abs(second.since.wall_ns - first.until.wall_ns - step_ns) < NANO // 100
    assert sorted((first.until.wall_ns, second.since.wall_ns)) == [gap.since_ns, gap.until_ns]
    assert gap.since_ns < gap.until_ns


def test_a_thread_that_died_ends_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service manager must know: nothing is recorded as it should be."""
    monkeypatch.setattr(module, "_TICK", 0.05)
    links, names = Links(), NetnsNames()
    daemon = Daemon([], names, links, Buffer(), Service(), opened=clock.now())
    dead = threading.Thread(target=str, name="writer")
    dead.start()
    dead.join()
    daemon.threads = [dead]
    near, far = socket.socketpair()
    with near, far, pytest.raises(ThreadDiedError, match="writer"):
        daemon.run(lambda: None, far.fileno())
    links.close()
    names.close()
