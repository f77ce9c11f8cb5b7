"""What is watched is on record without a break, up to where it was seen, and not a moment beside that."""

from hypothesis import given
from hypothesis import strategies as st

from dropwatchd.kernel import clock
from dropwatchd.model import NANO, Effect, Gap, GapCause, Instant, Watch, Watching
from dropwatchd.pipeline.watches import Watches
from tests.dropwatchd.conftest import at

DROPS = Watching("software", "bpf")
BEGAN = clock.now()


def _at(second: float, set_by: float = 0) -> Instant:
    """Return a moment so long ago, or to come, on a wall clock that was set by so much in between."""
    return Instant(BEGAN.wall_ns + int((second + set_by) * NANO), BEGAN.boot_ns + int(second * NANO))


def _spans(watches: list[Watch]) -> list[tuple[float, float, str]]:
    """Return begin and end on the clock since boot, in seconds, of each watch as it is known last."""
    last = {watch.since.boot_ns: watch for watch in watches}
    return [(_seconds(watch.since), _seconds(watch.until), watch.ending) for watch in last.values()]


def _seconds(moment: Instant) -> float:
    return round((moment.boot_ns - BEGAN.boot_ns) / NANO, 2)


def _gap(since_s: float, until_s: float) -> Gap:
    return Gap(_at(since_s).wall_ns, _at(until_s).wall_ns, GapCause.SOCKET_OVERRUN, Effect.BLIND)


def test_a_watch_grows() -> None:
    """One row, from the first moment to the last; what is older than that is no news."""
    watches = Watches()
    told = [watch for second in (1, 5, 9, 7) for watch in watches.extend(DROPS, _at(second))]
    assert _spans(told) == [(1, 9, "")]
    assert [_seconds(watch.until) for watch in told] == [1, 5, 9]
    assert watches.until(DROPS) == _at(9)
    assert watches.until(Watching("hardware")) is None


@given(st.lists(st.integers(0, 100), min_size=1))
def test_a_watch_never_shrinks(seconds: list[int]) -> None:
    """In whatever order its moments are told: from the first of them to the latest."""
    watches = Watches()
    told = [watch for second in seconds for watch in watches.extend(DROPS, _at(second))]
    assert _spans(told) == [(seconds[0], max(seconds), "")]


@given(st.integers(1, 100), st.integers(1, 100), st.sampled_from([-3600, -0.5, 0.5, 7, 86400]))
def test_a_clock_that_was_set_ends_a_watch_and_the_next_joins_it(before: int, after: int, step: float) -> None:
    """No time since the boot is lost, and the new watch has the new clock from its begin."""
    watches = Watches()
    told = [*watches.extend(DROPS, _at(0)), *watches.extend(DROPS, _at(before)),
            *watches.extend(DROPS, _at(before + after, step))]
    assert _spans(told) == [(0, before, "the clock was set"), (before, before + after, "")]
    assert told[-1].since == _at(before, step)
    assert told[-1].until == _at(before + after, step)


@given(st.floats(-0.49, 0.49))
def test_what_the_clocks_differ_by_otherwise_is_no_step(seconds: float) -> None:
    """They are read one after the other, on a busy machine."""
    watches = Watches()
    told = [*watches.extend(DROPS, _at(1)), *watches.extend(DROPS, _at(5)), *watches.extend(DROPS, _at(9, seconds))]
    assert _spans(told) == [(1, 9, "")]


def test_other_limits_begin_another_watch() -> None:
    """What was not seen by the nature of a source holds from then on, and not for what was before."""
    watches = Watches()
    told = [*watches.extend(DROPS, _at(1), ("a",)), *watches.extend(DROPS, _at(5), ("a",)),
            *watches.extend(DROPS, _at(9), ("b",))]
    assert _spans(told) == [(1, 5, "its limits changed"), (5, 9, "")]
    assert [watch.limits for watch in told if watch.since == _at(5)] == [("b",)]
    assert {watch.limits for watch in told if watch.since == _at(1)} == {("a",)}


def test_a_gap_is_taken_out() -> None:
    """The watch ends before it with its cause, the next begins behind it, and sees no more than the one before."""
    watches = Watches()
    told = [*watches.extend(DROPS, _at(-9), ("a",)), *watches.extend(DROPS, _at(-1), ("a",)),
            *watches.interrupt([_gap(-6, -4), _gap(-3, -2)], DROPS), *watches.extend(DROPS, _at(0), ("a",))]
    assert _spans(told) == [(-9, -6, "socket overrun"), (-4, -3, "socket overrun"), (-2, 0, "")]
    assert {watch.limits for watch in told} == {("a",)}


def test_a_gap_that_is_still_to_be_watched_ends_the_watch_where_it_is() -> None:
    """What was seen ends before the gap begins; nothing is watched up to there."""
    watches = Watches()
    told = [*watches.extend(DROPS, _at(-9)), *watches.extend(DROPS, _at(-7)),
            *watches.interrupt([_gap(-6, -4)], DROPS), *watches.extend(DROPS, _at(0))]
    assert _spans(told) == [(-9, -7, "socket overrun"), (-4, 0, "")]


@given(st.lists(st.tuples(st.integers(-60, -1), st.integers(0, 20)), max_size=5))
def test_only_gaps_are_taken_out(lengths: list[tuple[int, int]]) -> None:
    """Of gaps in any order, within and over each other: each second in one of them is unwatched, each other watched."""
    gaps = [(since, min(since + length, -1)) for since, length in lengths]
    watches = Watches()
    told = [*watches.extend(DROPS, _at(-60)), *watches.extend(DROPS, _at(-1)),
            *watches.interrupt([_gap(*gap) for gap in gaps], DROPS), *watches.extend(DROPS, _at(0))]
    spans = _spans(told)
    for moment in (second + 0.5 for second in range(-60, 0)):
        assert any(since < moment < until for since, until, _ in spans) \
            != any(since < moment < until for since, until in gaps)


def test_a_gap_from_before_the_watch_leaves_nothing_of_it() -> None:
    """No watch ends before it begins."""
    watches = Watches()
    told = [*watches.extend(DROPS, _at(-5)), *watches.interrupt([_gap(-9, -2)], DROPS),
            *watches.extend(DROPS, _at(0))]
    assert _spans(told) == [(-5, -5, "socket overrun"), (-2, 0, "")]


def test_a_gap_before_any_watch_begins_one_behind_it() -> None:
    """A source that begins with a gap has seen nothing until its end."""
    watches = Watches()
    assert _spans([*watches.interrupt([_gap(-9, -2)], DROPS), *watches.extend(DROPS, _at(0))]) == [(-2, 0, "")]


def test_what_has_ended_begins_anew() -> None:
    """As another watch: nothing is on record for the time between, and it ends once."""
    watches = Watches()
    told = [*watches.extend(DROPS, at(1)), *watches.end(DROPS, "failed")]
    assert watches.until(DROPS) is None
    assert list(watches.end(DROPS, "failed again")) == []
    told += [*watches.extend(DROPS, at(5)), *watches.extend(Watching("daemon"), at(5)), *watches.end_all("stopped")]
    assert [(watch.watching.what, watch.since, watch.ending) for watch in told] == [
        ("software", at(1), ""), ("software", at(1), "failed"), ("software", at(5), ""), ("daemon", at(5), ""),
        ("software", at(5), "stopped"), ("daemon", at(5), "stopped")]
