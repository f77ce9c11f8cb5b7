"""What comes back from a disk that stalls is as if it had never been taken, and merging loses nothing of a gap."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.history.write.batch import Collected
from dropwatchd.model import (
    NANO,
    CounterKey,
    Device,
    Effect,
    Event,
    Gap,
    GapCause,
    Namespace,
    PacketSample,
    Reading,
    Record,
)
from dropwatchd.pipeline.buffer import Buffer, merged_gaps
from tests.dropwatchd.conftest import KEY, drop, watch

_GAPS = st.lists(st.builds(
    Gap, st.integers(0, 50), st.integers(50, 99), st.sampled_from([GapCause.NESTED, GapCause.MAP_FULL]),
    st.sampled_from([Effect.PARTIAL, Effect.DETAIL]), st.none() | st.integers(0, 9),
    st.sampled_from(["software", "packets"]), st.sampled_from(["", "x"])), max_size=12)


@given(_GAPS)
def test_a_merged_gap_has_all_of_its_parts(gaps: list[Gap]) -> None:
    """As long as all together, in whatever order, with what they lost; each sort stays apart."""
    def sort(gap: Gap) -> tuple[object, ...]:
        return gap.cause, gap.effect, gap.scope, gap.detail, gap.lost is None

    merged = {sort(gap): gap for gap in merged_gaps(gaps)}
    assert len(merged) == len(merged_gaps(gaps)) == len({sort(gap) for gap in gaps})
    for kind, gap in merged.items():
        parts = [part for part in gaps if sort(part) == kind]
        assert (gap.since_ns, gap.until_ns) == (min(p.since_ns for p in parts), max(p.until_ns for p in parts))
        assert gap.lost == (None if kind[-1] else sum(part.lost or 0 for part in parts))


def test_everything_that_comes_back_is_there_with_what_came_since() -> None:
    """In the order of time, and where both say something of one thing, the newer holds."""
    buffer = Buffer()
    reading = Reading(CounterKey("snmp", "UdpInErrors"), 7)
    gap, packet = Gap(1, 2, GapCause.NESTED, Effect.PARTIAL, 3), PacketSample(KEY, 4, 60, b"x")
    event = Event(3, "link up", "eth0")
    device, namespace = Device(1, 1, 2, "eth0", "veth"), Namespace(1, 9, "old")
    older: list[Record] = [drop(1, 2), gap, packet, event, device, Device(1, 1, 3, "eth1", "veth"), namespace]
    buffer.add(older, [watch(1, 10)])
    buffer.add_round("snmp", Collected(1, 0, 6), [], [(5, reading)])
    batch = buffer.take()
    newer: list[Record] = [replace(gap, since_ns=8, until_ns=9), replace(packet, time_ns=9), replace(event, time_ns=9),
                           replace(device, peer="veth1"), Namespace(2, 8, "new")]
    buffer.add(newer)
    buffer.add_round("link", Collected(1, 1, 5), [], [(9, reading)])
    buffer.put_back(batch)
    again = buffer.take()
    assert [one.since_ns for one in again.gaps] == [1, 8]
    assert [one.time_ns for one in again.packets] == [4, 9]
    assert [one.time_ns for one in again.events] == [3, 9]
    assert [time_ns for time_ns, _ in again.starts] == [5, 9]
    assert [(one.ifindex, one.peer) for one in again.devices] == [(2, "veth1"), (3, None)]
    assert again.namespaces == {1: namespace, 2: Namespace(2, 8, "new")}
    assert again.collected == {"snmp": Collected(1, 0, 6), "link": Collected(1, 1, 5)}
    assert again.watches == [watch(1, 10)]
    assert [window.drop.count for window in again.windows] == [2]


def _add_drop(buffer: Buffer) -> None:
    buffer.add([drop(1)])


def _add_round(buffer: Buffer) -> None:
    buffer.add_round("snmp", Collected(1, 0, 6))


def _put_back(buffer: Buffer) -> None:
    buffer.put_back(buffer.take())


@pytest.mark.parametrize("news", [_add_drop, _add_round, _put_back])
def test_news_wake_the_writer(news: Callable[[Buffer], None]) -> None:
    """Whatever there is to write; that something is watched still, and nothing new, may wait for the heartbeat."""
    buffer = Buffer()
    buffer.add([], [watch(1, 10)])
    assert not buffer._urgent
    news(buffer)
    waiting = threading.Thread(target=buffer.wait, args=(3600,), daemon=True)
    waiting.start()
    waiting.join(10)
    assert not waiting.is_alive()
    buffer.take()
    assert not buffer._urgent


def test_a_part_of_a_batch_knows_all_namespaces() -> None:
    """They say what the numbers of rows stand for, in whatever part these are."""
    buffer = Buffer()
    buffer.add([drop(1), drop(2, key=KEY), Namespace(1, 9, "init")], [watch(1, 10)])
    first, second = buffer.take().halves()
    assert [part.namespaces for part in (*first.halves(), second)] == [{1: Namespace(1, 9, "init")}] * 3


def test_what_was_discarded_is_told_once() -> None:
    """Events beyond the bound, from the first that was discarded to the last."""
    buffer = Buffer()
    buffer.add([Event(number * NANO, "link up", "eth0") for number in range(10_003)])
    (gap,) = buffer.take().gaps
    assert (gap.since_ns, gap.until_ns, gap.lost) == (10_000 * NANO, 10_002 * NANO, 3)
    assert not buffer.take().gaps
