"""The storm guard: every storm is answered at once, and the mode changes seldom."""

from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.sources.net_dm.guard import Guard
from dropwatchd.sources.net_dm.options import StormLimits
from tests.dropwatchd.sources.net_dm.encode import untimed

LIMITS = StormLimits(alerts=1000, calm_s=30, changes_per_hour=4)
SECONDS, RATES = st.sampled_from([1, 10, 40, 900]), st.sampled_from([0, 400, 600, 900, 1001, 5000])
STEPS = st.lists(st.tuples(SECONDS, RATES), max_size=80)


@untimed
@given(STEPS)
def test_no_storm_is_recorded_in_packet_mode(steps: list[tuple[int, int]]) -> None:
    """Whatever came before, a rate above the limit leaves the guard in summary mode."""
    guard, now = Guard(LIMITS), 0
    for seconds, rate in steps:
        now += seconds
        assert guard.observe(now, rate) == "summary" or rate <= LIMITS.alerts


@untimed
@given(STEPS)
def test_the_mode_changes_at_most_so_often_in_any_hour(steps: list[tuple[int, int]]) -> None:
    """No sequence of rates makes more changes in an hour than are allowed."""
    guard, now, changes = Guard(LIMITS), 0, list[int]()
    for seconds, rate in steps:
        now += seconds
        before = guard.mode
        if guard.observe(now, rate) != before:
            changes.append(now)
    assert all(later - first >= 3600
               for first, later in zip(changes, changes[LIMITS.changes_per_hour:], strict=False))


@untimed
@given(STEPS)
def test_packet_mode_returns_only_after_calm(steps: list[tuple[int, int]]) -> None:
    """Half the limit must not have been passed for the whole time of calm."""
    guard, now, last_loud = Guard(LIMITS), 0, 0
    for seconds, rate in steps:
        now += seconds
        before = guard.mode
        after = guard.observe(now, rate)
        if rate > LIMITS.alerts / 2:
            last_loud = now
        if (before, after) == ("summary", "packet"):
            assert now - last_loud >= LIMITS.calm_s


def test_a_storm_and_its_end() -> None:
    """Summary mode begins with the storm and ends when it has been quiet for long enough."""
    guard = Guard(LIMITS)
    seen = [guard.observe(now, rate) for now, rate in ((1, 900), (2, 1001), (3, 700), (4, 10), (33, 10), (34, 10))]
    assert seen == ["packet", "summary", "summary", "summary", "summary", "packet"]


def test_without_a_limit_nothing_is_a_storm() -> None:
    """A limit of 0 switches the guard off."""
    assert Guard(StormLimits(alerts=0)).observe(1, 1e9) == "packet"
