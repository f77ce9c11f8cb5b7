"""What waits to be written is merged and bounded, and counts survive a batch that comes back."""

from dropwatchd.history.batch import Batch, Round
from dropwatchd.model import CounterChange, CounterKey, Effect, Event, Gap, GapCause, PacketSample, Reading
from dropwatchd.pipeline.buffer import Buffer
from tests.dropwatchd.conftest import KEY, drop

COUNTER = CounterKey("snmp", "UdpInErrors")


def test_a_batch_is_everything_and_leaves_nothing() -> None:
    """All that was added is in one batch, complete up to the latest time that a source vouched for."""
    buffer = Buffer()
    gap, event = Gap(1, 2, GapCause.MAP_FULL, Effect.DETAIL), Event(3, "link up", "eth0")
    packet = PacketSample(KEY, 4, 60, b"x")
    assert buffer.add([drop(1, 2), drop(1, 3), packet, gap, event], 10) == 5
    buffer.add_round(Round("snmp", 5, 6), [], [(5, Reading(COUNTER, 7))])
    batch = buffer.take()
    assert [w.drop.count for w in batch.windows] == [5]
    assert (batch.packets, batch.gaps, batch.events, batch.seen_ns) == ([packet], [gap], [event], 10)
    assert batch.starts == [(5, Reading(COUNTER, 7))]
    empty = buffer.take()
    assert empty == Batch(seen_ns=10)


def test_a_batch_that_comes_back_is_merged_with_what_came_since() -> None:
    """Nothing is lost and nothing is counted twice when the disk stalls; changes of a counter become one."""
    buffer = Buffer()
    buffer.add([drop(1, 2)], 10)
    buffer.add_round(Round("snmp", 5, 6), [CounterChange(COUNTER, 1, 5, 3, 103)], [])
    buffer.add_visit(7, 4, 6)
    batch = buffer.take()
    buffer.add([drop(1, 4), drop(2, 1)], 20)
    buffer.add_round(Round("snmp", 9, 6), [CounterChange(COUNTER, 5, 9, 4, 107)], [])
    buffer.add_visit(7, 8, 10)
    buffer.put_back(batch)
    again = buffer.take()
    assert sorted((w.start_ns, w.drop.count) for w in again.windows) == [(1_000_000_000, 6), (2_000_000_000, 1)]
    assert again.changes == [CounterChange(COUNTER, 1, 9, 7, 107)]
    assert again.visits == {7: (6, 8)}
    assert again.seen_ns == 20


def test_packets_are_bounded_and_the_loss_is_told() -> None:
    """Detail goes first: beyond the bound packets are let go, and the ledger has their number."""
    buffer = Buffer()
    buffer.add([PacketSample(KEY, n, 60, b"") for n in range(25_000)], 1)
    assert len(buffer.take().packets) == 20_000
    gap = buffer.stalled(1, 2)
    assert (gap.lost, gap.effect, gap.scope) == (5_000, Effect.DETAIL, "packets")
    assert buffer.stalled(1, 2).lost == 0
