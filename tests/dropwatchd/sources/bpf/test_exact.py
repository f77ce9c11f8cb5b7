"""Times and weights of the program on the running kernel, to the packet, in a namespace that nobody else drops in."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from dropwatchd.kernel.clock import to_wall_ns
from dropwatchd.model import Drop, Gap, GapCause, Location, PacketSample, Record, Stack
from dropwatchd.sources.bpf import BpfOptions, BpfSource
from tests.fixtures.namespace import Namespace
from tests.gallery.needs import require_kernel

pytestmark = pytest.mark.kernel
CLOSED_PORT = 9
SIZE = 61


def _send(count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(count):
            sock.sendto(bytes(SIZE), ("127.0.0.1", CLOSED_PORT))


def _stay_on_one_cpu() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


@pytest.fixture
def send() -> Iterator[Callable[[int], None]]:
    """Return what has so many packets dropped, all on one CPU, on the loopback device of a namespace."""
    require_kernel()
    with Namespace() as namespace:
        namespace.run(_stay_on_one_cpu)
        yield lambda count: namespace.run(partial(_send, count))


@pytest.fixture
def opened() -> Iterator[Callable[[BpfOptions], BpfSource]]:
    sources: list[BpfSource] = []

    def make(options: BpfOptions) -> BpfSource:
        sources.append(BpfSource(options))
        sources[-1].open()
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def _ours(records: list[Record]) -> list[Drop]:
    return [record for record in records if isinstance(record, Drop) and record.key.kind.reason == "NO_SOCKET"
            and record.octets == record.count * (SIZE + 8) and record.key.interface.name == "lo"]


def test_first_and_last_are_those_of_the_packets(
    send: Callable[[int], None], opened: Callable[[BpfOptions], BpfSource],
) -> None:
    """Within a window from the first to the last; in the next they are the next one's, whatever was before."""
    source = opened(BpfOptions())
    times = []
    reads = []
    for _read in range(2):
        for _ in range(2):
            times.append(time.time_ns())
            send(3)
        times.append(time.time_ns())
        reads.append([drop for drop in _ours(list(source._tally.take(to_wall_ns()))) if drop.count == 6])
    for number, (drop,) in enumerate(reads):
        begin, between, end = times[3 * number:3 * number + 3]
        assert begin < drop.first_ns < between < drop.last_ns < end


@pytest.mark.parametrize("count", [1, 8, 32, 1024])
def test_weights_add_up_to_the_count(
    send: Callable[[int], None], opened: Callable[[BpfOptions], BpfSource], count: int,
) -> None:
    """Exactly, where the last group of packets, of which one is drawn, is full."""
    source = opened(BpfOptions(sample_first=4))
    send(count)
    records = source.close()
    (drop,) = (drop for drop in _ours(records) if drop.count == count)
    weights = [record.weight for record in records if isinstance(record, PacketSample) and record.key == drop.key]
    assert sum(weights) == count
    assert weights[:4] == [1] * min(count, 4)


def test_samples_beyond_the_limit_are_told(
    send: Callable[[int], None], opened: Callable[[BpfOptions], BpfSource],
) -> None:
    """With their number: of eight packets that would have been kept, two were."""
    source = opened(BpfOptions(sample_first=8, sample_limit=2))
    send(8)
    records = source.close()
    assert len([record for record in records if isinstance(record, PacketSample)]) >= 2
    (gap,) = (record for record in records if isinstance(record, Gap) and record.cause is GapCause.SAMPLES_LOST)
    assert (gap.lost or 0) >= 6
    assert gap.scope == "packets"


def _functions(frames: tuple[Location, ...]) -> list[str]:
    return [frame.symbol.partition(".")[0] for frame in frames if frame.symbol]


def test_the_first_drop_of_a_place_and_reason_tells_how_the_kernel_came_to_it(
    send: Callable[[int], None], opened: Callable[[BpfOptions], BpfSource],
) -> None:
    """Once: from the place itself down to the system call, whatever else is dropped there later."""
    source = opened(BpfOptions())
    stacks: list[Stack] = []
    for _read in range(2):
        send(3)
        records = list(source._tally.take(to_wall_ns()))
        (drop,) = (drop for drop in _ours(records) if drop.count == 3)
        stacks += [record for record in records if isinstance(record, Stack) and record.location == drop.key.location]
    (stack,) = stacks
    assert (stack.reason, stack.frames[0]) == ("NO_SOCKET", stack.location)
    functions = _functions(stack.frames)
    assert functions.index("ip_local_deliver_finish") < functions.index("udp_sendmsg")
    assert functions[-1].startswith("entry_SYSCALL_64")
    assert not [name for name in functions if name.startswith("bpf_") or "kfree_skb" in name]
