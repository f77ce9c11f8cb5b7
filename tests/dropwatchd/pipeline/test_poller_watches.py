"""When counters were read and when they were not: watches and gaps leave no time between them, and none is in both."""

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, Collect
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import CounterKey, Reading, Watching
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.poller import Poller
from tests.fixtures.namespace import Namespace

RESTING = [Reading(CounterKey("x", "Things"), 1)]


def _answers(*answers: list[Reading] | Exception) -> Collect:
    """Return a collector that reads or raises these one after the other."""
    left = iter(answers)

    def collect(_host: Host) -> Iterable[Reading]:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return collect


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for names of a test's own; whatever is mounted there is unmounted."""
    yield tmp_path
    for path in tmp_path.iterdir():
        subprocess.run(["umount", path], check=False)


@pytest.fixture
def names(folder: Path) -> Iterator[NetnsNames]:
    names = NetnsNames({folder: "netns"})
    yield names
    names.close()


@pytest.fixture
def attach(folder: Path, names: NetnsNames) -> Callable[[str, int], Path]:
    """Return what gives the namespace of a thread a name, as `ip netns attach` does."""
    def attach(name: str, thread: int) -> Path:
        path = folder / name
        path.touch()
        subprocess.run(["mount", "--bind", f"/proc/{os.getpid()}/task/{thread}/ns/net", path], check=True)
        names.look()
        return path

    return attach


@pytest.mark.parametrize("failure", [ValueError("no number"), PermissionError(1, "not permitted"), OSError(5, "I/O")])
def test_a_failure_is_a_gap_from_the_last_reading_on(names: NetnsNames, failure: Exception) -> None:
    """As long as it lasts, each gap goes on where the one before ended; the watch ended where the first begins."""
    buffer = Buffer()
    poller = Poller({"x": _answers(RESTING, failure, failure, RESTING)}, buffer, names)
    for _ in range(4):
        poller.take_round()
    batch = buffer.take()
    first, second = batch.gaps
    before, after = batch.watches
    assert before.until.wall_ns == first.since_ns < first.until_ns == second.since_ns < second.until_ns
    assert (before.ending, after.ending) == ("failed", "")
    assert second.until_ns <= after.since.wall_ns
    assert batch.collected["x"][:2] == (4, 2)


def test_a_collector_that_never_worked_is_a_gap_of_no_length(names: NetnsNames) -> None:
    """Nothing was promised before; the second failure goes on where the first was."""
    buffer = Buffer()
    poller = Poller({"x": _answers(ValueError("a"), ValueError("a"))}, buffer, names)
    poller.take_round()
    poller.take_round()
    first, second = buffer.take().gaps
    assert first.since_ns == first.until_ns == second.since_ns < second.until_ns


def test_what_is_absent_is_watched_no_longer(names: NetnsNames) -> None:
    """A module that was unloaded has no counters; that is no gap."""
    buffer = Buffer()
    poller = Poller({"x": _answers(RESTING, AbsentError("no module"))}, buffer, names)
    poller.take_round()
    poller.take_round()
    batch = buffer.take()
    assert [watch.ending for watch in batch.watches] == ["no such counters"]
    assert not batch.gaps


def test_the_end_of_the_thread_ends_what_it_watched(names: NetnsNames) -> None:
    """With the last round."""
    buffer = Buffer()
    poller = Poller({"x": _answers(RESTING, RESTING)}, buffer, names, interval=3600)
    poller.stop()
    poller.run()
    batch = buffer.take()
    assert [watch.ending for watch in batch.watches] == ["stopped"]
    assert batch.collected["x"].rounds == 1


@pytest.mark.kernel
def test_a_namespace_that_has_gone_is_watched_no_longer(
    names: NetnsNames, attach: Callable[[str, int], Path],
) -> None:
    """Its watch ends with its last reading, and nothing of it is remembered."""
    def collect(host: Host) -> list[Reading]:
        return [Reading(CounterKey("x", "Things", host.netns), 5)]

    buffer = Buffer()
    poller = Poller({"x": collect}, buffer, names, namespaces=["blue"])
    with Namespace() as namespace:
        path = attach("blue", namespace.thread_id)
        poller.take_round()
        (there,) = (known.number for known in buffer.take().namespaces.values() if known.name == "blue")
        subprocess.run(["umount", path], check=True)
        path.unlink()
        names.look()
        poller.take_round()
    (watch,) = (watch for watch in buffer.take().watches if watch.watching == Watching("counters", "x", there))
    assert watch.ending == "the namespace has gone"
    assert not [name for name in poller._deltas._rounds if name.endswith(f"@{there}")]


@pytest.mark.kernel
def test_our_own_namespace_is_read_once(names: NetnsNames, attach: Callable[[str, int], Path]) -> None:
    """Though it has a name like others."""
    hosts: list[int | None] = []

    def collect(host: Host) -> list[Reading]:
        hosts.append(host.netns)
        return []

    attach("ours", os.getpid())
    Poller({"x": collect}, Buffer(), names, namespaces=["*"]).take_round()
    assert len(hosts) == 1
