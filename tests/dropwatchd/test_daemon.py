"""The loop: a source that fails is put aside, opened again, and the time between is in the ledger."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from dropwatchd import daemon as module
from dropwatchd.daemon import Daemon
from dropwatchd.history.batch import Batch
from dropwatchd.kernel.links import LinkWatch
from dropwatchd.kernel.netns import own_inode
from dropwatchd.model import Effect, Gap, GapCause
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.service import Service
from dropwatchd.sources import Source, UnavailableError
from dropwatchd.sources.bpf import BpfSource

CI = os.environ.get("CI") == "true"
DEADLINE = 20


class Running:
    """A daemon in a thread of its own, with all that it has put into the buffer so far."""

    def __init__(self, sources: list[Source]) -> None:
        self.buffer = Buffer()
        self._batches: list[Batch] = []
        self._wake, self._woken = socket.socketpair()
        self._links = LinkWatch(own_inode())
        recorder = SimpleNamespace(alive_at=time.monotonic() + 3600)
        self.daemon = Daemon(sources, self._links, self.buffer, recorder, Service())  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self.daemon.run, args=(self._stop, self._woken.fileno()))
        self._thread.start()

    def _stop(self) -> None:
        self.daemon.stopping = True

    def stop(self) -> None:
        self._wake.send(b"x")
        self._thread.join(DEADLINE)
        self.daemon.stop_sources()
        self._links.close()

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


def _drop(size: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(bytes(size), ("127.0.0.1", 9))


@pytest.mark.kernel
def test_a_source_that_fails_is_opened_again(run: Callable[..., Running], source: BpfSource) -> None:
    """Drops are seen before and after, and the ledger is blind exactly in between."""
    running = run(source)
    _drop(1101)
    _wait(lambda: running.drops(1109) == 1)
    os.close(source._program._fds["totals"])
    _drop(1103)
    _wait(lambda: [gap for gap in running.gaps() if gap.cause is GapCause.SOURCE_FAILED])
    _drop(1105)
    _wait(lambda: running.drops(1113) == 1)
    (gap, *more) = [gap for gap in running.gaps() if gap.cause is GapCause.SOURCE_FAILED]
    assert (gap.effect, gap.scope) == (Effect.BLIND, "software")
    assert not more
    assert gap.since_ns < gap.until_ns


def test_without_any_source_the_ledger_is_blind(run: Callable[..., Running]) -> None:
    """Every tick says so, without a hole between two of them."""
    running = run()
    _wait(lambda: len(running.gaps()) >= 3)
    gaps = running.gaps()
    assert {(gap.cause, gap.effect) for gap in gaps} == {(GapCause.SOURCE_UNAVAILABLE, Effect.BLIND)}
    assert [gap.since_ns for gap in gaps[1:]] == [gap.until_ns for gap in gaps[:-1]]


def test_a_clock_that_is_set_is_told(run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the time since boot, which nobody can set."""
    running = run()
    _wait(running.gaps)
    real = module._clock_offset_ns
    monkeypatch.setattr(module, "_clock_offset_ns", lambda: real() + 3_600_000_000_000)
    _wait(lambda: [gap for gap in running.gaps() if gap.cause is GapCause.CLOCK_STEP])
    (gap,) = [gap for gap in running.gaps() if gap.cause is GapCause.CLOCK_STEP]
    assert (gap.effect, gap.lost, gap.detail) == (Effect.DETAIL, 0, "+3600.000 s")
