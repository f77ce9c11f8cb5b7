"""Poller of collectors: each on its own, in every namespace that is wanted, and failures in the ledger."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, Collect, snmp, softnet
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Effect, GapCause, Reading
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.poller import Poller

SEND = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(100): s.sendto(b'x', ('127.0.0.1', 9))
"""


def _failing(_host: Host) -> list[Reading]:
    raise ValueError("no number in line 3")


def _absent(_host: Host) -> list[Reading]:
    raise AbsentError("no such file")


def _rising() -> Collect:
    values = iter(range(1000, 10_000, 7))
    return lambda host: [Reading(CounterKey("rising", "Things", host.netns), next(values))]


def test_a_failing_collector_costs_its_own_readings() -> None:
    """The others go on, and the failure is a gap and a row of its own; absence is neither."""
    buffer = Buffer()
    rounds = Poller({"absent": _absent, "failing": _failing, "rising": _rising()}, buffer, 10)
    rounds.take_round()
    rounds.take_round()
    batch = buffer.take()
    assert [(c.key.name, c.delta) for c in batch.changes] == [("Things", 7)]
    assert [reading.value for _, reading in batch.starts] == [1000]
    assert {(g.cause, g.effect, g.scope, g.detail) for g in batch.gaps} == {
        (GapCause.COLLECTOR_FAILED, Effect.BLIND, "counters:failing", "ValueError: no number in line 3")
    }
    assert [(r.collector, r.failed) for r in batch.rounds] == [
        ("absent", False),
        ("failing", True),
        ("rising", False),
    ] * 2
    first, second = batch.gaps
    assert first.until_ns <= second.since_ns <= second.until_ns


def test_rounds_end_with_a_last_one() -> None:
    """Stopping takes one more snapshot, what moved until then is recorded, without waiting."""
    buffer = Buffer()
    rounds = Poller({"rising": _rising()}, buffer, 3600)
    rounds.start()
    while not buffer.wait(10):
        pass
    rounds.stop()
    rounds.join(10)
    assert not rounds.is_alive()
    assert sum(change.delta for change in buffer.take().changes) == 7


@pytest.fixture
def namespace() -> Iterator[str]:
    if os.geteuid():
        assert os.environ.get("CI") != "true"
        pytest.skip("making a network namespace takes root")
    name = f"dw{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


def test_named_namespaces_are_read_too(namespace: str) -> None:
    """Counters of a namespace carry its inode; those of the whole host are read once."""
    buffer = Buffer()
    rounds = Poller({"snmp": snmp.collect, "softnet": softnet.collect}, buffer, 10, [namespace])
    rounds.take_round()
    subprocess.run(["ip", "netns", "exec", namespace, "python3", "-c", SEND], check=True)
    rounds.take_round()
    batch = buffer.take()
    inode = Path(f"/run/netns/{namespace}").stat().st_ino
    moved = {change.key.name: change.delta for change in batch.changes if change.key.netns == inode}
    assert moved["UdpNoPorts"] == 100
    first_ns, last_ns = batch.visits[inode]
    (change,) = (change for change in batch.changes if change.key.netns == inode and change.key.name == "UdpNoPorts")
    assert change.since_ns <= first_ns < last_ns <= change.until_ns
    backlogs = [reading for _, reading in batch.starts if reading.key.name == "processed"]
    assert len(backlogs) == len({reading.key.labels for reading in backlogs})
    assert not batch.gaps


def test_what_comes_later_began_at_zero(namespace: str) -> None:
    """A collector that was absent, and a namespace that was not there: all they count has moved since."""
    buffer = Buffer()
    answers = iter((None, [Reading(CounterKey("late", "Things"), 5)]))

    def late(_host: Host) -> list[Reading]:
        answer = next(answers, [])
        if answer is None:
            raise AbsentError("no module")
        return answer

    rounds = Poller({"late": late, "snmp": snmp.collect}, buffer, 10, [f"{namespace}new"])
    rounds.take_round()
    subprocess.run(["ip", "netns", "add", f"{namespace}new"], check=True)
    try:
        subprocess.run(["ip", "-n", f"{namespace}new", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "netns", "exec", f"{namespace}new", "python3", "-c", SEND], check=True)
        inode = Path(f"/run/netns/{namespace}new").stat().st_ino
        rounds.take_round()
    finally:
        subprocess.run(["ip", "netns", "del", f"{namespace}new"], check=True)
    batch = buffer.take()
    changes = {(change.key.name, change.key.netns): change for change in batch.changes}
    assert changes["Things", None].delta == 5
    moved = changes["UdpNoPorts", inode]
    assert moved.delta == 100
    assert moved.since_ns < moved.until_ns
    starts = {(reading.key.name, reading.key.netns): (time_ns, reading.value) for time_ns, reading in batch.starts}
    assert starts["Things", None][1] == 0
    assert starts["UdpRcvbufErrors", inode] == (moved.since_ns, 0)


def test_a_namespace_that_cannot_be_entered_is_in_the_ledger(namespace: str) -> None:
    """A file that is no namespace stands for one that we may not enter."""
    bad = Path(f"/run/netns/{namespace}x")
    bad.touch()
    try:
        buffer = Buffer()
        Poller({"snmp": snmp.collect}, buffer, 10, [f"{namespace}x"]).take_round()
    finally:
        bad.unlink()
    (gap,) = buffer.take().gaps
    assert gap.scope == f"counters:@{namespace}x"
    assert "cannot be entered" in gap.detail


def test_a_change_is_taken_at_once() -> None:
    """A reload does not wait for the old interval to end."""
    buffer = Buffer()
    rounds = Poller({"rising": _rising()}, buffer, 3600)
    rounds.start()
    while not buffer.wait(10):
        pass
    buffer.take()
    rounds.change({"other": _rising()}, 3600, ())
    assert buffer.wait(10)
    assert [round_.collector for round_ in buffer.take().rounds] == ["other"]
    rounds.stop()
    rounds.join(10)
