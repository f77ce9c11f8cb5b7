"""What waits to be written is merged and bounded, and counts survive a batch that comes back."""

from dataclasses import replace

from dropwatchd.history.write.batch import Batch, Collected
from dropwatchd.model import (
    NANO,
    CounterChange,
    CounterKey,
    Device,
    Effect,
    Event,
    Gap,
    GapCause,
    Mark,
    Namespace,
    PacketSample,
    Reading,
    Record,
    Stack,
)
from dropwatchd.pipeline.buffer import Buffer
from tests.dropwatchd.conftest import KEY, drop, watch

STACK = Stack(KEY.location, KEY.kind.reason, (KEY.location,), 5)
COUNTER = CounterKey("snmp", "UdpInErrors")
NESTED = Gap(0, NANO, GapCause.NESTED, Effect.PARTIAL, 5, "software", "x")


def test_a_batch_is_everything_and_leaves_nothing() -> None:
    """All that was added is in one batch, with what vouches for it."""
    buffer = Buffer()
    gap, event = Gap(1, 2, GapCause.MAP_FULL, Effect.DETAIL), Event(3, "link up", "eth0")
    packet, device = PacketSample(KEY, 4, 60, b"x"), Device(1, 1, 2, "eth0", "veth")
    records: list[Record] = [drop(1, 2), drop(1, 3), packet, gap, event, device, STACK, Namespace(1, 9, "init")]
    assert buffer.add(records, [watch(1, 10)]) == 5
    buffer.add_round("snmp", Collected(1, 0, 6), [], [(5, Reading(COUNTER, 7))])
    batch = buffer.take()
    assert [w.drop.count for w in batch.windows] == [5]
    assert (batch.packets, batch.gaps, batch.events, batch.devices) == ([packet], [gap], [event], [device])
    assert (batch.watches, batch.namespaces) == ([watch(1, 10)], {1: Namespace(1, 9, "init")})
    assert batch.starts == [(5, Reading(COUNTER, 7))]
    assert batch.collected == {"snmp": Collected(1, 0, 6)}
    assert batch.stacks == [STACK]
    assert len(batch) == 10
    assert buffer.take() == Batch()


def test_a_batch_that_comes_back_is_merged_with_what_came_since() -> None:
    """Nothing is lost and nothing is counted twice when the disk stalls; changes of a counter become one."""
    buffer = Buffer()
    buffer.add([drop(1, 2), NESTED, STACK, Event(3, "link up", "eth0")], [watch(1, 10)])
    buffer.add_round("snmp", Collected(1, 1, 6), [CounterChange(COUNTER, 1, 5, 3, 103)], [(5, Reading(COUNTER, 7))])
    batch = buffer.take()
    buffer.add([drop(1, 4), drop(2, 1)], [watch(1, 20), watch(15, 20, "software")])
    buffer.add_round("snmp", Collected(1, 0, 4), [CounterChange(COUNTER, 5, 9, 4, 107)], [])
    buffer.put_back(batch)
    again = buffer.take()
    assert sorted((w.start_ns, w.drop.count) for w in again.windows) == [(1_000_000_000, 6), (2_000_000_000, 1)]
    assert again.changes == [CounterChange(COUNTER, 1, 9, 7, 107)]
    assert again.watches == [watch(1, 20), watch(15, 20, "software")]
    assert again.collected == {"snmp": Collected(2, 1, 10)}
    assert (again.gaps, again.stacks, len(again.events), len(again.starts)) == ([NESTED], [STACK], 1, 1)


def test_packets_are_bounded_and_the_loss_is_told() -> None:
    """Detail goes first: beyond the bound packets are let go, and the ledger has their number."""
    buffer = Buffer()
    buffer.add([PacketSample(KEY, n, 60, b"") for n in range(25_000)])
    assert len(buffer.take().packets) == 20_000
    gap = buffer.stalled(1, 2)
    assert (gap.lost, gap.effect, gap.scope) == (5_000, Effect.DETAIL, "packets")
    assert buffer.stalled(1, 2).lost == 0


def test_what_gaps_have_lost_is_never_discarded() -> None:
    """Beyond the bound they become one, from the first to the last; other sorts stay apart."""
    buffer = Buffer()
    buffer.add([Event(n, "link up", "eth0") for n in range(12_000)])
    for n in range(12_000):
        buffer.add([replace(NESTED, since_ns=2 * n * NANO, until_ns=(2 * n + 1) * NANO)])
    buffer.add([replace(NESTED, lost=None)])
    batch = buffer.take()
    nested = [gap for gap in batch.gaps if gap.cause is GapCause.NESTED and gap.lost is not None]
    assert sum(gap.lost or 0 for gap in nested) == 60_000
    assert len(nested) < 10_000
    assert (min(g.since_ns for g in nested), max(g.until_ns for g in nested)) == (0, 23_999 * NANO)
    assert [gap.lost for gap in batch.gaps if gap.cause is GapCause.NESTED][-1] is None


def test_events_that_are_discarded_are_in_the_ledger() -> None:
    """Their bound holds, and their number is told."""
    buffer = Buffer()
    buffer.add([Event(n, "link up", "eth0") for n in range(12_000)])
    batch = buffer.take()
    assert len(batch.events) == 10_000
    (gap,) = batch.gaps
    assert (gap.cause, gap.effect, gap.lost) == (GapCause.NOTES_DISCARDED, Effect.DETAIL, 2_000)
    assert buffer.take() == Batch()


def test_a_batch_is_parted_without_losing_a_row() -> None:
    """Until each row stands alone; what vouches for the others comes last."""
    buffer = Buffer()
    mark = Mark(7, list[int]().append)
    buffer.add([drop(n, n + 1) for n in range(5)] + [NESTED], [watch(1, 10)], mark)
    parts = [buffer.take()]
    while any(len(part) > 1 for part in parts):
        parts = [half for part in parts for half in (part.halves() if len(part) > 1 else [part])]
    assert sorted(w.drop.count for part in parts for w in part.windows) == [1, 2, 3, 4, 5]
    assert [bool(part.watches) for part in parts] == [False] * 6 + [True]
    assert [part.mark for part in parts] == [Mark(7)] * 6 + [mark]


def test_the_newest_mark_is_the_one_that_holds() -> None:
    """It stands for all that was told before it, also in a batch that comes back; without news there is none."""
    buffer = Buffer()
    buffer.add([drop(1)], (), Mark(1))
    buffer.add([Event(1, "link up", "eth0")])
    batch = buffer.take()
    assert batch.mark == Mark(1)
    assert buffer.take().mark is None
    buffer.put_back(batch)
    buffer.add([drop(2)], (), Mark(2))
    batch = buffer.take()
    assert batch.mark == Mark(2)
    buffer.add([drop(3)], (), Mark(3))
    buffer.put_back(batch)
    assert buffer.take().mark == Mark(3)
