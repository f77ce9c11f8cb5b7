"""Poller of collectors: each on its own, in every namespace that is wanted, and failures in the ledger."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from dropwatchd.collectors import AbsentError, Collect, snmp, softnet
from dropwatchd.history.write.batch import Batch
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import CounterKey, Effect, Event, GapCause, Reading, Watching
from dropwatchd.pipeline.buffer import Buffer
from dropwatchd.pipeline.links import Links
from dropwatchd.pipeline.poller import Poller
from tests.fixtures.namespace import Namespace

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


def test_a_failing_collector_costs_its_own_readings(names: NetnsNames) -> None:
    """The others go on, and the failure is a gap and a row of its own; absence is neither."""
    buffer = Buffer()
    rounds = Poller({"absent": _absent, "failing": _failing, "rising": _rising()}, buffer, names, interval=10)
    rounds.take_round()
    rounds.take_round()
    batch = buffer.take()
    assert [(c.key.name, c.delta) for c in batch.changes] == [("Things", 7)]
    assert [reading.value for _, reading in batch.starts] == [1000]
    assert {(g.cause, g.effect, g.scope, g.detail) for g in batch.gaps} == {
        (GapCause.COLLECTOR_FAILED, Effect.BLIND, "counters:failing", "ValueError: no number in line 3")
    }
    assert {name: how[:2] for name, how in batch.collected.items()} == {
        "absent": (2, 0), "failing": (2, 2), "rising": (2, 0)}
    first, second = batch.gaps
    assert first.until_ns <= second.since_ns <= second.until_ns
    (watch,) = batch.watches  # who failed, or has nothing to look at, has not looked
    assert (watch.watching.name, watch.since.boot_ns < watch.until.boot_ns) == ("rising", True)


def test_a_collector_that_works_again_watches_from_then_on(names: NetnsNames) -> None:
    """Between two readings with a failure in between nobody looked: two watches, and a gap."""
    buffer = Buffer()
    answers = iter([[Reading(CounterKey("x", "Things"), 1)], None, [Reading(CounterKey("x", "Things"), 4)]])

    def sometimes(_host: Host) -> list[Reading]:
        return next(answers) or _failing(_host)

    poller = Poller({"x": sometimes}, buffer, names)
    for _ in range(3):
        poller.take_round()
    batch = buffer.take()
    first, second = batch.watches
    (gap,) = batch.gaps
    assert first.ending == "failed"
    assert first.until.wall_ns <= gap.since_ns <= gap.until_ns <= second.since.wall_ns
    assert [change.delta for change in batch.changes] == [3]


def test_a_fault_of_ours_ends_the_thread_and_is_kept(names: NetnsNames) -> None:
    """Whoever looks after the threads must see it."""
    class Odd(dict[str, Collect]):
        def items(self) -> NoReturn:
            raise LookupError("a fault of ours")

    poller = Poller(Odd(), Buffer(), names)
    with pytest.raises(LookupError):
        poller.run()
    assert isinstance(poller.fault, LookupError)


def test_rounds_end_with_a_last_one(names: NetnsNames) -> None:
    """Stopping takes one more snapshot, what moved until then is recorded, without waiting."""
    buffer = Buffer()
    rounds = Poller({"rising": _rising()}, buffer, names, interval=3600)
    rounds.start()
    while not buffer.wait(10):
        pass
    rounds.stop()
    rounds.join(10)
    assert not rounds.is_alive()
    assert sum(change.delta for change in buffer.take().changes) == 7


@pytest.fixture
def names() -> Iterator[NetnsNames]:
    names = NetnsNames()
    yield names
    names.close()


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


@pytest.mark.parametrize("is_glob", [False, True])
def test_named_namespaces_are_read_too(names: NetnsNames, namespace: str, is_glob: bool) -> None:
    """Counters of a namespace carry its number; those of the whole host are read once."""
    buffer, wanted = Buffer(), f"{namespace[:-1]}[{namespace[-1]}]" if is_glob else namespace
    rounds = Poller({"snmp": snmp.collect, "softnet": softnet.collect}, buffer, names, namespaces=["no-*", wanted])
    names.look()
    rounds.take_round()
    subprocess.run(["ip", "netns", "exec", namespace, "python3", "-c", SEND], check=True)
    rounds.take_round()
    batch = buffer.take()
    (there,) = (known for known in batch.namespaces.values() if known.name == namespace)
    assert (there.inode, there.kind) == (Path(f"/run/netns/{namespace}").stat().st_ino, "netns")
    moved = {change.key.name: change.delta for change in batch.changes if change.key.netns == there.number}
    assert moved["UdpNoPorts"] == 100
    (watch,) = (watch for watch in batch.watches if watch.watching == Watching("counters", "snmp", there.number))
    (change,) = (change for change in batch.changes
                 if change.key.netns == there.number and change.key.name == "UdpNoPorts")
    assert change.since_ns < change.until_ns == watch.until.wall_ns
    assert abs(change.since_ns - watch.since.wall_ns) < 1_000_000  # two clocks cannot be read at once
    backlogs = [reading for _, reading in batch.starts if reading.key.name == "processed"]
    assert len(backlogs) == len({reading.key.labels for reading in backlogs})
    assert not batch.gaps


def test_what_comes_later_began_at_zero(names: NetnsNames, namespace: str) -> None:
    """A collector that was absent, and a namespace that was not there: all they count has moved since."""
    buffer = Buffer()
    answers = iter((None, [Reading(CounterKey("late", "Things"), 5)]))

    def late(_host: Host) -> list[Reading]:
        answer = next(answers, [])
        if answer is None:
            raise AbsentError("no module")
        return answer

    rounds = Poller({"late": late, "snmp": snmp.collect}, buffer, names, interval=10, namespaces=[f"{namespace}new"])
    rounds.take_round()
    subprocess.run(["ip", "netns", "add", f"{namespace}new"], check=True)
    try:
        subprocess.run(["ip", "-n", f"{namespace}new", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "netns", "exec", f"{namespace}new", "python3", "-c", SEND], check=True)
        names.look()
        rounds.take_round()
    finally:
        subprocess.run(["ip", "netns", "del", f"{namespace}new"], check=True)
    batch = buffer.take()
    (inode,) = (number for number, known in batch.namespaces.items() if known.name == f"{namespace}new")
    changes = {(change.key.name, change.key.netns): change for change in batch.changes}
    assert changes["Things", None].delta == 5
    moved = changes["UdpNoPorts", inode]
    assert moved.delta == 100
    assert moved.since_ns < moved.until_ns
    starts = {(reading.key.name, reading.key.netns): (time_ns, reading.value) for time_ns, reading in batch.starts}
    assert starts["Things", None][1] == 0
    assert starts["UdpRcvbufErrors", inode] == (moved.since_ns, 0)


def test_a_namespace_made_anew_between_two_rounds_starts_at_zero(names: NetnsNames, namespace: str) -> None:
    """By identity: neither its name nor its inode says that it is another, and its counters may be higher."""
    buffer = Buffer()
    poller = Poller({"snmp": snmp.collect}, buffer, names, namespaces=[namespace])
    for sent in (1, 2):
        subprocess.run(["ip", "netns", "del", namespace], check=True)
        subprocess.run(["ip", "netns", "add", namespace], check=True)
        subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
        for _ in range(sent):
            subprocess.run(["ip", "netns", "exec", namespace, "python3", "-c", SEND], check=True)
        names.look()
        poller.take_round()
    batch = buffer.take()
    assert len([known for known in batch.namespaces.values() if known.name == namespace]) == 2
    assert [change.delta for change in batch.changes if change.key.name == "UdpNoPorts"
            and change.key.netns != names.at_start.number] == [200]


def _moved(batch: Batch, names: NetnsNames) -> list[int]:
    return [change.delta for change in batch.changes if change.key.name == "UdpNoPorts"
            and change.key.netns != names.at_start.number]


def test_a_namespace_that_only_gets_its_name_has_counted_before(names: NetnsNames, namespace: str) -> None:
    """As `ip netns attach` gives one to a container: its past has not happened since the last round."""
    with Namespace() as other:
        other.run(lambda: subprocess.run([sys.executable, "-c", SEND], check=True))
        made = time.monotonic()
        while time.monotonic() < made + 1:  # its age is told to within half a second
            select.select([], [], [], 0.1)
        buffer = Buffer()
        poller = Poller({"snmp": snmp.collect}, buffer, names, namespaces=[f"{namespace}old"])
        poller.take_round()
        subprocess.run(["ip", "netns", "attach", f"{namespace}old", str(other.thread_id)], check=True)
        names.look()
        poller.take_round()
        subprocess.run(["ip", "netns", "del", f"{namespace}old"], check=True)
        names.look()
    batch = buffer.take()
    assert _moved(batch, names) == []
    assert [reading.value for _, reading in batch.starts if reading.key.name == "UdpNoPorts"
            and reading.key.netns != names.at_start.number] == [100]


def test_a_name_that_changes_hands_during_a_round_counts_once(names: NetnsNames, namespace: str) -> None:
    """The new namespace is read under the old one's name, before anybody has looked."""
    buffer = Buffer()
    poller = Poller({"snmp": snmp.collect}, buffer, names, namespaces=[namespace])
    names.look()
    poller.take_round()
    subprocess.run(["ip", "netns", "del", namespace], check=True)
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "netns", "exec", namespace, "python3", "-c", SEND], check=True)
    poller.take_round()
    names.look()
    poller.take_round()
    assert sum(_moved(buffer.take(), names)) == 100


def test_what_is_read_no_longer_is_let_go(names: NetnsNames, namespace: str) -> None:
    """A collector that is switched off, and a namespace that the configuration names no more, end their watches."""
    buffer, links = Buffer(), Links()
    names.look()
    poller = Poller({"snmp": snmp.collect, "softnet": softnet.collect}, buffer, names, links, namespaces=[namespace])
    poller.take_round()
    assert not [watch.ending for watch in buffer.take().watches if watch.ending]
    poller.change({"snmp": snmp.collect}, 10, ())
    poller.take_round()
    ended = {(watch.watching.name, watch.watching.netns == names.at_start.number): watch.ending
             for watch in buffer.take().watches if watch.ending}
    assert ended == dict.fromkeys((("softnet", True), ("softnet", False), ("snmp", False)), "switched off")
    assert not poller._deltas._rounds.keys() ^ {f"snmp@{names.at_start.number}"}
    assert not [what for what in (*poller._noted, *poller._last_ns) if "@" in what and namespace in what]
    assert not links._watches
    links.close()


def test_links_of_named_namespaces_are_watched(names: NetnsNames, namespace: str) -> None:
    """As those of the host: what devices are, and what happens to them; the namespace ends with its name."""
    buffer, links = Buffer(), Links()
    names.look()
    Poller({}, buffer, names, links, namespaces=[namespace]).take_round()
    (number,) = (known.number for known in buffer.take().namespaces.values() if known.name == namespace)
    buffer.add(links.read())
    assert [(d.netns, d.name, d.kind) for d in buffer.take().devices] == [(number, "lo", "loopback")]
    subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "mtu", "1400"], check=True)
    assert select.select([links], [], [], 10)[0]
    (event,) = (record for record in links.read() if isinstance(record, Event))
    assert (event.kind, event.subject, event.detail, event.netns) == (
        "link MTU", "lo", "1400 bytes, was 65536", number)
    links.forget(number)
    assert number not in links
    links.close()


@pytest.mark.parametrize(("path", "told"), [("/run", True), ("/dev/null", False), ("/run/netns/gone", False)])
def test_a_namespace_that_cannot_be_entered_is_in_the_ledger(
        names: NetnsNames, namespace: str, path: str, told: bool) -> None:
    """Its name is known, and its file cannot be used; but one that was unmounted or deleted just now has gone."""
    names.look()
    (name,) = (name for name in names.present() if name.namespace.name == namespace)
    names._held[name.path] = replace(name, path=Path(path))
    buffer = Buffer()
    Poller({"snmp": snmp.collect}, buffer, names, namespaces=[namespace]).take_round()
    gaps = buffer.take().gaps
    assert [gap.scope for gap in gaps] == ([f"counters:@{namespace}"] if told else [])
    assert all("cannot be entered" in gap.detail for gap in gaps)


def test_a_change_is_taken_at_once(names: NetnsNames) -> None:
    """A reload does not wait for the old interval to end."""
    buffer = Buffer()
    rounds = Poller({"rising": _rising()}, buffer, names, interval=3600)
    rounds.start()
    while not buffer.wait(10):
        pass
    buffer.take()
    rounds.change({"other": _rising()}, 3600, ())
    assert buffer.wait(10)
    assert list(buffer.take().collected) == ["other"]
    rounds.stop()
    rounds.join(10)
