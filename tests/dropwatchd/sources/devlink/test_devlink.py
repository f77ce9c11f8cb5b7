"""What hardware has reported becomes drops, each once; the gallery's guests provoke real reports."""

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from dropwatchd.kernel.clock import boot_ns
from dropwatchd.kernel.traps import KEY, VALUE, Trapped, parse
from dropwatchd.model import Drop, Effect, Gap, GapCause, Interface, Kind, Location
from dropwatchd.sources import UnavailableError
from dropwatchd.sources.devlink import DevlinkSource, source

NETNS, COOKIE = 4026532000, 7
KIND = Kind(None, 0x0800, "hardware", "blackhole_route", "l3_drops")


def _key(trap: bytes = b"blackhole_route", ifindex: int = 3) -> bytes:
    return KEY.pack(COOKIE, NETNS, ifindex, b"swp1", trap, b"l3_drops", 0x0800)


class Recorded:
    """The maps of the program as they were read, one after the other."""

    def __init__(self) -> None:
        self.rows: dict[bytes, list[tuple[int, int, int]]] = {}
        self.first_ns, self.armed, self.closed = 0, False, False
        self._reader, self._writer = os.pipe()

    def fileno(self) -> int:
        return self._reader

    def arm(self) -> int:
        first_ns, self.first_ns, self.armed = self.first_ns, 0, True
        return first_ns

    def is_armed(self) -> bool:
        return self.armed

    def hear(self) -> None:
        pass

    def detach(self) -> None:
        self.armed = False

    def close(self) -> None:
        self.closed = True
        os.close(self._reader)
        os.close(self._writer)

    def counts(self) -> Iterator[Trapped]:
        for key, values in self.rows.items():
            yield parse(key, b"".join(VALUE.pack(*value) for value in values))


@pytest.fixture
def traps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    recorded = Recorded()
    monkeypatch.setattr(source, "Traps", lambda: recorded)
    yield recorded
    if not recorded.closed:
        recorded.close()


@pytest.fixture
def read(traps: Recorded) -> Callable[[], list[Drop]]:
    """Open a source, and return what reads all of a window that has ended."""
    opened = DevlinkSource(window_ns=1)
    opened.open()
    assert traps.armed

    def drops() -> list[Drop]:
        records = [*opened.read(), *opened.read()]
        return [record for record in records if isinstance(record, Drop)]

    return drops


def test_what_is_reported_is_told_once(traps: Recorded, read: Callable[[], list[Drop]]) -> None:
    """The counts of all CPUs, from the first report since the last look to the last one."""
    begun = boot_ns()
    traps.rows[_key()] = [(3, 300, begun + 5), (2, 200, begun + 9)]
    traps.first_ns = begun + 2
    (drop,) = read()
    assert (drop.count, drop.octets, drop.last_ns - drop.first_ns) == (5, 500, 7)
    assert (drop.key.location, drop.key.kind) == (Location(None), KIND)
    assert drop.key.interface == Interface(COOKIE, 3, "swp1", None, NETNS)
    assert read() == []
    traps.rows[_key()][0] = (4, 380, boot_ns())
    (drop,) = read()
    assert (drop.count, drop.octets) == (1, 80)
    assert drop.first_ns <= drop.last_ns


def test_the_end_has_the_rest(traps: Recorded) -> None:
    """Whatever was counted before it; the second time nothing."""
    opened = DevlinkSource()
    opened.open()
    traps.rows[_key(ifindex=0)] = [(1, 60, boot_ns())]
    (drop,) = opened.close()
    assert isinstance(drop, Drop)
    assert drop.count == 1
    assert traps.closed
    assert opened.close() == []


def test_what_had_no_room_is_counted_and_said(traps: Recorded) -> None:
    """As hardware's drops without a trap, and in the ledger."""
    opened = DevlinkSource()
    opened.open()
    traps.rows[bytes(KEY.size)] = [(9, 900, boot_ns())]
    drop, gap = opened.close()
    assert isinstance(drop, Drop)
    assert (drop.count, drop.key) == (9, drop.key._replace(kind=Kind(None, origin="hardware"), interface=Interface()))
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.effect, gap.lost, gap.scope) == (GapCause.MAP_FULL, Effect.DETAIL, 9, "hardware")


def test_at_rest_it_is_complete_up_to_now(traps: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """While no report has disarmed us; else up to the last look."""
    monkeypatch.setattr(source, "boot_ns", count(100).__next__)
    monkeypatch.setattr(source, "to_wall_ns", lambda: 1000)
    opened = DevlinkSource()
    opened.open()
    assert [opened.complete_until() for _ in range(2)] == [1101, 1102]
    traps.armed = False
    assert [opened.complete_until() for _ in range(2)] == [1102, 1102]


def test_a_kernel_that_reports_none_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Recorded:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(source, "Traps", refuse)
    with pytest.raises(UnavailableError, match="use a kernel with devlink"):
        DevlinkSource().open()
