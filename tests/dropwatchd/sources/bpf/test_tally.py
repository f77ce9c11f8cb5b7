"""What one read of the kernel's counts gives: every drop once, and what was not counted by its number, once."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from dropwatchd.model import Drop, Effect, Gap, GapCause, Location, Record, Stack
from dropwatchd.sources.bpf.layout import KEY, PLACE, STACK, VALUE, RawKey, Totals, Value
from dropwatchd.sources.bpf.names import Names
from dropwatchd.sources.bpf.program import Program, Table
from dropwatchd.sources.bpf.room import Room
from dropwatchd.sources.bpf.tally import Tally

pytestmark = pytest.mark.kernel  # the names of reasons are the running kernel's
OWNER = 7


def _key(number: int) -> bytes:
    return KEY.pack(*RawKey(number, OWNER, 3, OWNER, 1, 0x0800, b"lo"))


def _value(count: int) -> bytes:
    return VALUE.pack(*Value(count, 10 * count, 1000 + count, 1000, 0, 1, 0, 0, 0))


class Recorded:
    """The program's maps as they were read, one after the other; `reading` is called when they are."""

    def __init__(self) -> None:
        self.control = SimpleNamespace(window=1, armed=0, home=0)
        self.tables: dict[Table, dict[bytes, bytes]] = {"drops": {}, "places": {}}
        self.reasons: dict[int, bytes] = {}
        self.now = Totals(0, 0, 0, 0, 0)
        self.released: list[tuple[int, int]] = []
        self.stacks: dict[bytes, bytes] = {}
        self.reading: Callable[[], object] = lambda: None

    def totals(self) -> Totals:
        return self.now

    def count(self, **totals: int) -> None:
        self.now = self.now._replace(**totals)

    def read(self, table: Table) -> Iterator[tuple[bytes, bytes]]:
        rows = [*self.tables[table].items()]
        self.reading()
        return iter(rows)

    def stack(self, place: bytes) -> bytes | None:
        return self.stacks.get(place)

    def read_reasons(self) -> Iterator[tuple[int, bytes]]:
        return iter([*self.reasons.items()])

    def take(self, table: Table, key: bytes) -> bytes | None:
        return self.tables[table].pop(key, None)

    def release(self, owner: int, keys: int) -> None:
        self.released.append((owner, keys))


@pytest.fixture
def program() -> Recorded:
    return Recorded()


@pytest.fixture
def names() -> Names:
    return Names(lambda address: Location(f"f{address}"))


@pytest.fixture
def tally(program: Recorded, names: Names) -> Tally:
    stands_for: Program = program  # type: ignore[assignment]  # the maps of a program, and nothing that loads one
    return Tally(stands_for, names, Room.of(64))


@pytest.fixture
def take(tally: Tally) -> Callable[[], list[Record]]:
    return lambda: list(tally.take(0))


def _drops(records: list[Record]) -> dict[str | None, int]:
    return {record.key.location.symbol: record.count for record in records if isinstance(record, Drop)}


def _gaps(records: list[Record]) -> list[tuple[GapCause, Effect, int | None, str]]:
    return [(record.cause, record.effect, record.lost, record.scope) for record in records if isinstance(record, Gap)]


def test_a_drop_that_a_read_misses_wakes_us_into_the_next_window(
    program: Recorded, take: Callable[[], list[Record]],
) -> None:
    """Armed, and in the next window, before any count is read."""
    seen: list[tuple[int, int]] = []
    program.reading = lambda: seen.append((program.control.armed, program.control.window))
    program.control.window = 0xFFFFFFFF
    take()
    program.control.armed = 0
    take()
    assert seen == [(1, 0), (1, 1)]


def test_what_the_kernel_did_not_count_is_told_once(program: Recorded, take: Callable[[], list[Record]]) -> None:
    """As much as came since the last read: drops inside of drops, and samples beyond the limit."""
    program.count(misses=4, samples_lost=6)
    assert _gaps(take()) == [(GapCause.NESTED, Effect.PARTIAL, 4, "software"),
                             (GapCause.SAMPLES_LOST, Effect.DETAIL, 6, "packets")]
    assert _gaps(take()) == []
    program.count(misses=5, samples_lost=9)
    assert [lost for _cause, _effect, lost, _scope in _gaps(take())] == [1, 3]


def test_a_stack_that_is_being_taken_is_told_at_a_later_read(
    program: Recorded, take: Callable[[], list[Record]],
) -> None:
    """Once, from the place on; nobody asks for one that does not come."""
    place = PLACE.pack(2, 3)
    frames = [99, 98, 2, 5, *[0] * 44]
    program.tables["drops"] = {_key(2): _value(1), _key(4): _value(1)}
    program.count(drops=2)
    program.stacks[place] = STACK.pack(*frames, 0)
    assert not [record for record in take() if isinstance(record, Stack)]
    program.stacks[place] = STACK.pack(*frames, 32)
    (stack,) = take()
    assert isinstance(stack, Stack)
    assert (stack.location, stack.frames) == (Location("f2"), (Location("f2"), Location("f5")))
    program.stacks[PLACE.pack(4, 3)] = STACK.pack(*frames, 32)
    assert [record.location for record in take() if isinstance(record, Stack)] == [Location("f4")]
    program.tables["drops"][_key(2)] = _value(2)
    program.count(drops=3)
    assert not [record for record in take() if isinstance(record, Stack)]


def test_keys_add_up_to_the_programs_own_total(
    program: Recorded, tally: Tally, take: Callable[[], list[Record]],
) -> None:
    """What they lack at rest, after some were removed, is lost, and told once."""
    tally._removed = True
    program.tables["drops"] = {_key(1): _value(4), _key(2): _value(3)}
    program.count(drops=10)
    records = take()
    assert _drops(records) == {"f1": 4, "f2": 3}
    assert _gaps(records) == [(GapCause.MAP_FULL, Effect.PARTIAL, 3, "software")]
    tally._removed = True
    assert take() == []
    tally._removed = True
    program.tables["drops"][_key(1)] = _value(5)
    program.count(drops=12)
    records = take()
    assert (_drops(records), [gap[2] for gap in _gaps(records)]) == ({"f1": 1}, [1])


def test_what_is_dropped_during_a_read_is_not_lost(
    program: Recorded, tally: Tally, take: Callable[[], list[Record]],
) -> None:
    """It is in the total, and its key was read before: the next read has it."""
    tally._removed = True
    program.tables["drops"] = {_key(1): _value(4)}
    program.count(drops=4)
    program.reading = lambda: program.count(drops=9)
    assert _gaps(take()) == []
    program.reading = lambda: None
    program.tables["drops"][_key(1)] = _value(9)
    records = take()
    assert (_drops(records), _gaps(records)) == ({"f1": 5}, [])


@pytest.mark.parametrize(("total", "symbol"), [("by_place", "f1"), ("by_reason", None)])
def test_what_had_no_room_is_counted_with_less_detail_and_told_once(
    program: Recorded, take: Callable[[], list[Record]], total: str, symbol: str | None,
) -> None:
    """Also what came in the midst of a read: the next one has it."""
    if total == "by_place":
        program.tables["places"] = {_key(1): _value(4)}
    else:
        program.reasons = {3: _value(4)}
    program.count(drops=4, **{total: 4})
    program.reading = lambda: program.count(drops=9, **{total: 9})
    records = take()
    assert (_drops(records), _gaps(records)) == ({symbol: 4}, [(GapCause.MAP_FULL, Effect.DETAIL, 4, "software")])
    program.reading = lambda: None
    program.tables["places"] = {key: _value(9) for key in program.tables["places"]}
    program.reasons = dict.fromkeys(program.reasons, _value(9))
    records = take()
    assert (_drops(records), _gaps(records)) == ({symbol: 5}, [(GapCause.MAP_FULL, Effect.DETAIL, 5, "software")])
    assert take() == []


def test_quiet_keys_make_room_with_what_they_counted_to_the_last(
    program: Recorded, names: Names, take: Callable[[], list[Record]],
) -> None:
    """They are forgotten here as in the kernel: should they come again they begin at zero, in room that was free."""
    keys = [_key(number) for number in range(8)]
    program.tables["drops"] = {key: _value(1) for key in keys}
    program.count(drops=8)

    def drop_four_more() -> None:
        program.tables["drops"][keys[0]] = _value(5)
        program.count(drops=12)

    program.reading = drop_four_more
    records = take()
    assert sum(record.count for record in records if isinstance(record, Drop)) == 12
    assert _gaps(records) == []
    assert program.tables["drops"] == {}
    assert program.released == [(OWNER, 8)]
    assert not names._keys
    program.reading = lambda: None
    program.tables["drops"] = {keys[0]: _value(2)}
    program.count(drops=14)
    records = take()
    assert (_drops(records), _gaps(records)) == ({"f0": 2}, [])
