"""Namespaces that make up keys without end: they fill their own share, and every drop is counted all the same."""

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropwatchd.kernel.netns import current_cookie, own_inode
from dropwatchd.model import Drop, Effect, Gap, GapCause, Record
from dropwatchd.sources.bpf import BpfOptions, BpfSource, tally
from dropwatchd.sources.bpf.layout import RawKey
from dropwatchd.sources.bpf.room import Room
from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.needs import require_kernel
from tests.gallery.stage import await_links

FIRST_TYPE, TYPES = 0x9000, 20_000  # none of these ethertypes is anybody's
CLOSED_PORT = 9
HOME = 0


@settings(deadline=None)
@given(st.integers(64, 100_000))
def test_shares(keys: int) -> None:
    """A quarter of the room is left for our own namespace, and whoever has a share runs short before it is full."""
    room = Room.of(keys)
    assert room.namespace_keys <= room.foreign_keys <= keys - keys // 4
    for owners in ([1] * room.namespace_keys, [*range(1, room.foreign_keys + 1)], [HOME] * keys):
        assert room.is_short(len(owners), owners, HOME)
        few = owners[:len(owners) // 2]
        assert not room.is_short(len(few), few, HOME)


@pytest.fixture
def opened() -> Iterator[Callable[[BpfOptions], BpfSource]]:
    require_kernel()
    with ExitStack() as stack:
        def make(options: BpfOptions) -> BpfSource:
            source = BpfSource(options)
            source.open()
            stack.callback(source.close)
            return source

        yield make


@contextmanager
def _wired(name: str) -> Iterator[Namespace]:
    """Make a namespace with a pair of devices: what is sent on one is dropped on the other."""
    with Namespace(name) as made:
        made.command("ip link add one type veth peer name other")
        for device in ("one", "other"):
            made.command(f"ip link set {device} up")
        await_links(made, "one")
        yield made


def _dropped() -> int:
    """Return what the other end of the pair has dropped: it does so in its own time."""
    lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
    words, = (line.split() for line in lines if line.lstrip().startswith("other:"))
    return int(words[4])


def _send_types(first: int, count: int) -> None:
    goal = _dropped() + count
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind(("one", 0))
        for number in range(first, first + count):
            sock.send(b"\xff" * 6 + b"\2" * 6 + number.to_bytes(2, "big") + bytes(46))
    wait_for(lambda: _dropped() >= goal, "all are dropped")


def _send_udp(count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(count):
            sock.sendto(b"known", ("127.0.0.1", CLOSED_PORT))


def _drops(records: list[Record], reason: str, netns: int | None) -> list[Drop]:
    return [record for record in records if isinstance(record, Drop)
            and record.key.kind.reason == reason and record.key.interface.netns_inode == netns]


def _missing_detail(records: list[Record]) -> int:
    gaps = [record for record in records if isinstance(record, Gap) and record.cause is GapCause.MAP_FULL]
    assert {gap.effect for gap in gaps} <= {Effect.DETAIL}
    return sum(gap.lost or 0 for gap in gaps)


@pytest.mark.kernel
def test_one_namespace_cannot_blind_the_others(opened: Callable[[BpfOptions], BpfSource]) -> None:
    """20,000 ethertypes from one: all counted, with place, reason and namespace; the others' drops have everything."""
    options = BpfOptions(sample_bytes=0)
    source = opened(options)
    with _wired(f"dwhostile-{os.getpid()}") as hostile, Namespace(f"dwvictim-{os.getpid()}") as victim:
        hostile.run(lambda: _send_types(FIRST_TYPE, TYPES))
        victim.run(lambda: _send_udp(1234))
        total = source._program.totals().drops
        records = source.close()
    strange = _drops(records, "UNHANDLED_PROTO", hostile.inode)
    assert sum(drop.count for drop in strange) == TYPES
    assert all(drop.key.location.symbol for drop in strange)
    apart = [drop for drop in strange if drop.key.kind.protocol]
    assert 100 < len(apart) <= Room.of(options.max_keys).namespace_keys
    assert _missing_detail(records) == TYPES - sum(drop.count for drop in apart)
    known, = _drops(records, "NO_SOCKET", victim.inode)
    assert (known.count, known.key.interface.name, known.key.kind.protocol) == (1234, "lo", 0x0800)
    assert sum(record.count for record in records if isinstance(record, Drop)) >= total


@pytest.mark.kernel
def test_many_namespaces_leave_room_for_ours(opened: Callable[[BpfOptions], BpfSource]) -> None:
    """More namespaces than there are places: the last drops are known by reason, each is counted, ours have all."""
    source = opened(BpfOptions(max_keys=64, sample_bytes=0))
    with ExitStack() as stack:
        swarm = [stack.enter_context(_wired(f"dwswarm{number}-{os.getpid()}")) for number in range(24)]
        for namespace in swarm:
            namespace.run(lambda: _send_types(FIRST_TYPE, 20))
        _send_udp(77)
        records = source.close()
        placed = {namespace.inode: _drops(records, "UNHANDLED_PROTO", namespace.inode) for namespace in swarm}
    reasons = _drops(records, "UNHANDLED_PROTO", None)
    assert sum(drop.count for drops in [*placed.values(), reasons] for drop in drops) == 20 * len(swarm)
    assert 0 < sum(drop.count for drop in reasons) < 20 * len(swarm)
    apart = Counter(inode for inode, drops in placed.items() for drop in drops if drop.key.kind.protocol)
    assert max(apart.values()) <= Room.of(64).namespace_keys
    assert apart.total() <= Room.of(64).foreign_keys
    ours = [drop for drop in records if isinstance(drop, Drop) and drop.key.interface.netns_inode == own_inode()
            and drop.key.kind.reason == "NO_SOCKET"]
    assert {drop.key.interface.name for drop in ours if drop.count >= 77} == {"lo"}  # other programs drop here as well


@pytest.mark.kernel
def test_room_comes_back(opened: Callable[[BpfOptions], BpfSource], monkeypatch: pytest.MonkeyPatch) -> None:
    """What has gone quiet makes room in its namespace's share, and the shares add up to the keys that are there."""
    monkeypatch.setattr(tally, "_QUIET_NS", 0)
    source = opened(BpfOptions(max_keys=256, sample_bytes=0))
    records: list[Record] = []
    with _wired(f"dwhostile-{os.getpid()}") as hostile:
        for number in range(10):
            hostile.run(partial(_send_types, FIRST_TYPE + 30 * number, 30))
            records += source._tally.take(0)
            keys = [RawKey.parse(raw) for raw, _ in source._program.read("drops")]
            foreign = [key for key in keys if key.owner != source._program.control.home]
            assert source._program.control.foreign_used == len(foreign)
        records += source.close()
    strange = _drops(records, "UNHANDLED_PROTO", hostile.inode)
    assert sum(drop.count for drop in strange) == 300
    assert len([drop for drop in strange if drop.key.kind.protocol]) == 300


@pytest.mark.kernel
def test_what_a_removed_key_had_counted_unseen_is_in_the_ledger(opened: Callable[[BpfOptions], BpfSource]) -> None:
    """A packet that is counted in a key while that goes is missing, and the program's own total tells of it."""
    source = opened(BpfOptions(sample_bytes=0))
    with Namespace(f"dwlost-{os.getpid()}") as namespace:
        cookie = namespace.run(current_cookie)
        namespace.run(partial(_send_udp, 5))
        records = list(source._tally.take(0))
        namespace.run(partial(_send_udp, 7))
        key, = (raw for raw, _ in source._program.read("drops") if RawKey.parse(raw).cookie == cookie)
        source._program.take("drops", key)
        source._tally._removed = True
        records += source.close()
        assert sum(drop.count for drop in _drops(records, "NO_SOCKET", namespace.inode)) == 5
    gaps = [record for record in records if isinstance(record, Gap) and record.cause is GapCause.MAP_FULL]
    assert [(gap.effect, gap.lost) for gap in gaps] == [(Effect.PARTIAL, 7)]
