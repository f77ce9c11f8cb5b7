"""Differences between rounds of readings."""

from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.model import CounterChange, CounterKey, Instant, Reading
from dropwatchd.pipeline.deltas import Deltas

KEY = CounterKey("snmp", "UdpNoPorts", netns=1)
CPU1 = CounterKey("softnet", "dropped", labels=(("cpu", "1"),))
ETH0 = CounterKey("link", "rx_dropped", netns=1, ifindex=2, interface="eth0")


def _at(time_ns: int) -> Instant:
    return Instant(time_ns, time_ns)


def changes(*rounds: list[Reading]) -> list[list[CounterChange]]:
    """Return what changed in each round; rounds are at 0, 10, 20..."""
    differ = Deltas()
    return [differ.advance("x", readings, _at(10 * number))[0] for number, readings in enumerate(rounds)]


def deltas(key: CounterKey, bits: int, *values: int) -> list[int]:
    found = changes(*([Reading(key, value, bits)] for value in values))
    return [change.delta for round_ in found for change in round_]


def test_first_round_only_says_where_counters_start() -> None:
    """What was counted before the run is no change."""
    readings = [Reading(KEY, 5), Reading(CPU1, 0, 32)]
    assert Deltas().advance("x", readings, _at(7)) == ([], [(7, reading) for reading in readings])


def test_a_round_that_was_begun_says_that_its_counters_start_at_zero() -> None:
    """All of them, moved or not: that a counter rested is knowledge too."""
    differ = Deltas()
    differ.begin("x", _at(3))
    moved, starts = differ.advance("x", [Reading(KEY, 5), Reading(CPU1, 0, 32)], _at(7))
    assert moved == [CounterChange(KEY, 3, 7, 5, 5)]
    assert starts == [(3, Reading(KEY, 0)), (3, Reading(CPU1, 0, 32))]
    assert differ.advance("x", [Reading(KEY, 5), Reading(CPU1, 0, 32)], _at(9)) == ([], [])


def test_only_what_moved_is_a_change() -> None:
    """A counter at rest yields nothing, one that moved says from when to when and how far."""
    found = changes(
        [Reading(KEY, 5), Reading(ETH0, 1)],
        [Reading(KEY, 5), Reading(ETH0, 4)],
        [Reading(KEY, 6), Reading(ETH0, 4)],
    )
    assert found == [[], [CounterChange(ETH0, 0, 10, 3, 4)], [CounterChange(KEY, 10, 20, 1, 6)]]


def test_later_counter_began_at_zero() -> None:
    """A device, a qdisc or an ICMP type that is new counts from its beginning."""
    assert changes([], [Reading(ETH0, 4)], [Reading(ETH0, 4)]) == [[], [CounterChange(ETH0, 0, 10, 4, 4)], []]


def test_later_counter_that_did_not_begin_at_zero() -> None:
    """A card that comes from another namespace starts with what it has, in a round that was only begun as well."""
    card = [Reading(ETH0, 900, from_zero=False)]
    read, begun = Deltas(), Deltas()
    read.advance("x", [], _at(0))
    begun.begin("x", _at(0))
    for differ in (read, begun):
        assert differ.advance("x", card, _at(10)) == ([], [(10, card[0])])
        assert differ.advance("x", [Reading(ETH0, 903, from_zero=False)], _at(20)) == (
            [CounterChange(ETH0, 10, 20, 3, 903)], [])


def test_32_bit_wrap() -> None:
    """A 32-bit counter that passes its end goes on."""
    assert deltas(CPU1, 32, 2**32 - 3, 4) == [7]


def test_reset() -> None:
    """A counter that falls otherwise was set to zero: it counted its value since then, or nothing."""
    assert deltas(CPU1, 32, 1000, 10, 0, 3) == [10, 3]
    assert deltas(KEY, 64, 2**40, 7) == [7]


def test_gauge_falls() -> None:
    """A gauge has changes below zero, and is marked as one."""
    ((), (change,)) = changes([Reading(KEY, 5, 0)], [Reading(KEY, -1, 0)])
    assert (change.delta, change.value, change.gauge) == (-6, -1, True)


def test_rename_goes_on() -> None:
    """An interface is known by its number; the change bears the name that it has now."""
    renamed = ETH0._replace(interface="wan")
    assert changes([Reading(ETH0, 5)], [Reading(renamed, 8)])[1] == [CounterChange(renamed, 0, 10, 3, 8)]


def test_offline_cpu_goes_on() -> None:
    """A CPU that comes back has counted since it was last seen."""
    found = changes([Reading(CPU1, 5, 32)], [], [], [Reading(CPU1, 7, 32)])
    assert found == [[], [], [], [CounterChange(CPU1, 0, 30, 2, 7)]]


def test_new_device_of_an_old_number() -> None:
    """A device with the number of one that is gone counts from zero, even beyond the old one's value."""
    assert changes([Reading(ETH0, 5)], [], [Reading(ETH0, 9)])[2] == [CounterChange(ETH0, 10, 20, 9, 9)]


def test_card_that_could_not_be_read_goes_on() -> None:
    """What it counted meanwhile is a change; one that was away for longer was elsewhere, and starts anew."""
    def card(value: int) -> list[Reading]:
        return [Reading(ETH0, value, from_zero=False)]

    assert changes(card(1_000_000), [], card(1_000_050))[2] == [CounterChange(ETH0, 0, 20, 50, 1_000_050)]
    assert changes(card(1_000_000), [], [], card(1_000_050), card(1_000_053))[3:] == [
        [], [CounterChange(ETH0, 30, 40, 3, 1_000_053)]]


def test_rounds_have_names() -> None:
    """Collectors, and namespaces read one by one, do not disturb each other."""
    differ = Deltas()
    differ.advance("a", [Reading(KEY, 5)], _at(0))
    differ.advance("b", [], _at(10))
    assert differ.advance("a", [Reading(KEY, 6)], _at(20))[0] == [CounterChange(KEY, 0, 20, 1, 6)]


def test_a_clock_that_was_set_makes_no_change_longer() -> None:
    """A change is as long as the time since boot between two readings, on the wall clock as it is set at its end."""
    differ = Deltas()
    differ.advance("x", [Reading(KEY, 5)], Instant(1000, 100))
    assert differ.advance("x", [Reading(KEY, 6)], Instant(5010, 110))[0] == [CounterChange(KEY, 5000, 5010, 1, 6)]
    differ.begin("y", Instant(1000, 100))
    changes, starts = differ.advance("y", [Reading(KEY, 6)], Instant(5010, 110))
    assert changes == [CounterChange(KEY, 5000, 5010, 6, 6)]
    assert starts == [(5000, Reading(KEY, 0))]


def test_what_was_forgotten_is_new() -> None:
    """Counters that are not read again go; should they be, their first round says where they start."""
    differ = Deltas()
    differ.advance("x", [Reading(KEY, 5)], _at(0))
    differ.forget("x")
    differ.forget("never read")
    assert differ.advance("x", [Reading(KEY, 9)], _at(10)) == ([], [(10, Reading(KEY, 9))])


def test_vanished_counters_are_bounded() -> None:
    """Of labels that never come back, as many are remembered as a large host has; the newest are."""
    differ = Deltas()
    cpus = [CPU1._replace(labels=(("cpu", str(cpu)),)) for cpu in range(20_000)]
    differ.advance("x", [], _at(0))
    for number, some in enumerate((cpus[:10_000], cpus[10_000:], [])):
        differ.advance("x", [Reading(cpu, 5, 32) for cpu in some], _at(10 * number + 10))
    changes, _ = differ.advance("x", [Reading(cpu, 7, 32) for cpu in cpus], _at(50))
    found = {change.key: change.delta for change in changes}
    assert [found[cpu] for cpu in cpus[10_000:]] == [2] * 10_000
    assert 2 < sum(delta == 7 for delta in found.values()) < 10_000


STEPS = st.lists(st.integers(0, 2**31 - 1), min_size=1)


@given(start=st.integers(0, 2**63), steps=STEPS)
def test_deltas_add_up(start: int, steps: list[int]) -> None:
    """Without a reset, the start and all deltas make the last value."""
    values = [start]
    for step in steps:
        values.append(values[-1] + step)
    assert start + sum(deltas(KEY, 64, *values)) == values[-1]


@given(start=st.integers(0, 2**32 - 1), steps=STEPS)
def test_deltas_add_up_over_wraps(start: int, steps: list[int]) -> None:
    """A 32-bit counter loses nothing over any number of wraps."""
    values = [start]
    for step in steps:
        values.append((values[-1] + step) % 2**32)
    assert sum(deltas(CPU1, 32, *values)) == sum(steps)


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1))
def test_gauge_adds_up(values: list[int]) -> None:
    """A gauge's start and changes make its last value, whatever it does."""
    assert values[0] + sum(deltas(KEY, 0, *values)) == values[-1]


@given(st.lists(st.integers(0, 2**64 - 1)), st.sampled_from([32, 64]))
def test_counters_never_go_back(values: list[int], bits: int) -> None:
    """Whatever a counter does, no change is negative or nothing."""
    assert all(delta > 0 for delta in deltas(KEY, bits, *(value % 2**bits for value in values)))


PRESENT = st.lists(st.sets(st.sampled_from(range(6))), min_size=2)


@given(PRESENT)
def test_coming_and_going(rounds: list[set[int]]) -> None:
    """CPUs that come and go in any order lose no count and count nothing twice.

    Each counter stands at 10 times the number of the round when it is seen.
    """
    cpus = [CPU1._replace(labels=(("cpu", str(cpu)),)) for cpu in range(6)]
    found = changes(*(
        [Reading(cpus[cpu], 10 * number, 32) for cpu in present] for number, present in enumerate(rounds)
    ))
    for cpu, key in enumerate(cpus):
        last = max((number for number, present in enumerate(rounds) if cpu in present), default=0)
        assert sum(change.delta for round_ in found for change in round_ if change.key == key) == 10 * last
