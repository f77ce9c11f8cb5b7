"""What the loop makes of what sources say: what is watched, up to when, and what becomes of one that fails."""

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from dropwatchd.kernel import clock
from dropwatchd.kernel.links import LinkWatch
from dropwatchd.model import NANO, Effect, Gap, GapCause, Instant, Mark, Resumed
from tests.dropwatchd.conftest import drop
from tests.dropwatchd.scripted import Looped, Scripted


@pytest.fixture
def loop() -> Iterator[Callable[..., Looped]]:
    made: list[Looped] = []

    def start(*sources: Scripted, before: Sequence[Gap] = ()) -> Looped:
        made.append(Looped(*sources, before=before))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_all_is_watched_up_to_where_the_slowest_source_is_complete(loop: Callable[..., Looped]) -> None:
    """What vouches for a batch must not vouch for drops that a source still holds."""
    slow, fast = Scripted("bpf"), Scripted("net_dm", "hardware")
    running = loop(slow, fast)
    slow.complete_ns = time.time_ns()
    fast.complete_ns = slow.complete_ns + 100
    running.tick()
    for what in ("software", "hardware", "daemon"):
        (watch,) = running.watches(what)
        assert watch.until.wall_ns == slow.complete_ns


def test_a_source_at_rest_is_watched_up_to_now(loop: Callable[..., Looped]) -> None:
    """It is complete up to the moment at which it is asked: on a host without drops coverage goes on."""
    running = loop(Scripted())
    for _ in range(2):
        before_ns = time.time_ns()
        running.tick()
        for what in ("software", "daemon"):
            (watch,) = running.watches(what)
            assert before_ns <= watch.until.wall_ns <= time.time_ns()


def test_links_that_could_not_be_listed_are_asked_for_at_ticks(loop: Callable[..., Looped]) -> None:
    """Nothing wakes the loop for them."""
    running = loop()
    running.daemon._links.add(watch := LinkWatch(1))
    list(running.daemon._links.read())
    watch.stale = True
    running.tick()
    assert not watch.stale
    assert [event.kind for event in running.buffer.take().events] == ["link events lost"]


def test_nothing_is_watched_that_is_yet_to_come(loop: Callable[..., Looped]) -> None:
    """A source that was read before the clock was set back says a time that has not come."""
    source = Scripted()
    running = loop(source)
    running.tick()
    before = running.watches("software")
    source.complete_ns = time.time_ns() + 3600 * NANO
    running.tick()
    assert running.watches("software") == before


@pytest.mark.parametrize("samples", [True, False])
def test_samples_are_watched_where_they_are_taken(loop: Callable[..., Looped], samples: bool) -> None:
    """That none was kept says nothing where none is."""
    running = loop(Scripted(samples=samples), Scripted("net_dm", "hardware"))
    assert len(running.watches("packets")) == samples


def test_a_failed_source_is_blind_from_where_it_was_complete(loop: Callable[..., Looped]) -> None:
    """There the watch ends and the gap begins; other sources are watched on."""
    source, other = Scripted(), Scripted("net_dm", "hardware")
    running = loop(source, other)
    running.tick()
    (watch,) = running.watches("software")
    running.fail(source)
    running.tick()
    first, second = running.watches("software")
    (gap,) = running.gaps()
    assert (first.until, first.ending) == (watch.until, "failed")
    assert (gap.since_ns, gap.scope, gap.effect) == (watch.until.wall_ns, "software", Effect.BLIND)
    assert gap.until_ns <= second.since.wall_ns
    (hardware,) = running.watches("hardware")
    assert hardware.ending == ""


def test_a_source_is_watched_from_when_it_was_opened_again(loop: Callable[..., Looped]) -> None:
    """Though another one may not be complete up to there."""
    source, slow = Scripted(), Scripted("net_dm", "hardware")
    running = loop(source, slow)
    running.fail(source)
    slow.complete_ns = time.time_ns()
    running.tick()
    (gap,) = running.gaps()
    assert slow.complete_ns < gap.until_ns
    slow.complete_ns = None
    running.tick()
    (watch,) = (watch for watch in running.watches("software") if not watch.ending)
    assert watch.since.wall_ns == gap.until_ns
    assert watch.since.boot_ns < watch.until.boot_ns


def test_gaps_of_a_source_that_stays_away_join(loop: Callable[..., Looped]) -> None:
    """Each goes on where the one before ended, and the writer makes them one row."""
    source = Scripted()
    running = loop(source)
    running.fail(source)
    source.missing = "no such module"
    running.tick()
    running.tick()
    first, second = running.gaps()
    assert first.since_ns < second.since_ns <= first.until_ns < second.until_ns
    assert not [watch for watch in running.watches("software") if not watch.ending]


def test_the_last_counts_of_a_source_are_taken(loop: Callable[..., Looped]) -> None:
    """When it has failed, if it can still tell them, and at the end, up to which all is watched then."""
    source = Scripted()
    running = loop(source)
    source.at_close = [drop(1, 3)]
    running.fail(source)
    assert running.dropped() == 3
    running.tick()
    source.at_close = [drop(2, 4)]
    ended = running.daemon.stop_sources()
    assert running.dropped() == 7
    last = [*running.watches("software"), *running.watches("daemon")]
    assert {watch.ending for watch in last} == {"failed", "stopped"}
    assert {watch.until for watch in last if watch.ending == "stopped"} == {ended}


def test_a_daemon_without_a_source_is_on_record_up_to_its_end(loop: Callable[..., Looped]) -> None:
    """It ran, and read counters."""
    running = loop()
    ended = running.daemon.stop_sources()
    (watch,) = running.watches("daemon")
    assert (watch.until, watch.ending) == (ended, "stopped")


def _gap(effect: Effect, scope: str) -> Gap:
    now_ns = time.time_ns()
    return Gap(now_ns - 20, now_ns - 10, GapCause.KERNEL_QUEUE, effect, None, scope)


@pytest.mark.parametrize(("effect", "scope", "interrupted"), [
    (Effect.BLIND, "drops", {"software", "hardware"}), (Effect.BLIND, "software", {"software"}),
    (Effect.BLIND, "hardware", {"hardware"}), (Effect.BLIND, "packets", set()),
    (Effect.PARTIAL, "drops", set()), (Effect.DETAIL, "software", set()),
])
def test_blind_time_is_not_watched(
    loop: Callable[..., Looped], effect: Effect, scope: str, interrupted: set[str],
) -> None:
    """Of the origin that it was blind for; where only some drops or details are missing somebody watched."""
    source = Scripted("net_dm", "drops")
    running = loop(source)
    gap = _gap(effect, scope)
    source.records = [gap]
    running.daemon._read(source)
    running.tick()
    for what in ("software", "hardware"):
        watches = running.watches(what)
        assert len(watches) == 1 + (what in interrupted)
        if what in interrupted:
            assert abs(watches[0].until.wall_ns - gap.since_ns) < NANO // 100
            assert watches[0].ending == "kernel queue overflow"


def test_between_two_gaps_of_one_read_it_was_watched(
    loop: Callable[..., Looped], monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And up to the first, though nothing was read meanwhile."""
    source = Scripted()
    running = loop(source)
    began, real = clock.now(), clock.now
    monkeypatch.setattr(clock, "now", lambda: Instant(*(passed + 5 * NANO for passed in real())))
    source.complete_ns = began.wall_ns + 5 * NANO
    source.records = [Gap(began.wall_ns + second * NANO, began.wall_ns + (second + 1) * NANO, GapCause.STORM,
                          Effect.BLIND) for second in (3, 1)]
    running.daemon._read(source)
    spans = [(watch.since.boot_ns - began.boot_ns, watch.until.boot_ns - began.boot_ns)
             for watch in running.watches("software")]
    assert [(round(since / NANO), round(until / NANO)) for since, until in spans] == [(0, 1), (2, 3), (4, 5)]


@pytest.mark.parametrize(("effect", "told"), [
    (Effect.BLIND, "1 gaps in coverage"), (Effect.PARTIAL, "1 gaps in coverage"), (Effect.DETAIL, "coverage complete")])
def test_the_status_counts_what_costs_coverage(loop: Callable[..., Looped], effect: Effect, told: str) -> None:
    """Detail that is missing does not."""
    source = Scripted()
    running = loop(source)
    source.records = [_gap(effect, "software")]
    running.daemon._read(source)
    assert told in running.daemon._status(time.monotonic())


def test_a_source_is_read_when_its_time_has_come(loop: Callable[..., Looped]) -> None:
    """Though its descriptor is silent; and not before."""
    source = Scripted()
    running = loop(source)
    source.records, source.due = [drop(1, 3)], time.monotonic() + 3600
    running.daemon._meet_deadlines()
    assert running.dropped() == 0
    source.due = time.monotonic()
    running.daemon._meet_deadlines()
    assert running.dropped() == 3


def _marks(loop: Looped) -> list[Mark | None]:
    loop.gaps()
    return [batch.mark for batch in loop.batches]


def test_what_was_counted_meanwhile_comes_with_the_claim_to_it(loop: Callable[..., Looped]) -> None:
    """Counts, watch, mark and ledger are in one batch, so that none of them is on record without the others."""
    resumed, beside = Scripted(), Scripted("net_dm", "hardware")
    now = clock.now()
    since = Instant(now.wall_ns - 9 * NANO, now.boot_ns - 9 * NANO)
    told = Gap(since.wall_ns, now.wall_ns, GapCause.DAEMON_DOWN, Effect.DETAIL, 0, "software")
    resumed.resumed = Resumed(since, [drop(1, 5)])
    resumed.complete_ns = now.wall_ns - 1000
    resumed.marked = Mark(7)
    running = loop(resumed, beside, before=[told])
    running.gaps()
    (batch,) = running.batches
    assert ([window.drop.count for window in batch.windows], batch.gaps, batch.mark) == ([5], [told], Mark(7))
    (software,), (hardware,), (daemon,) = (running.watches(what) for what in ("software", "hardware", "daemon"))
    assert (software.since, software.until.wall_ns) == (since, resumed.complete_ns)
    assert hardware.since == daemon.since >= now
    resumed.complete_ns = None
    running.tick()
    (software,) = running.watches("software")
    assert software.since == since
    assert software.until >= now


def test_each_claim_has_its_mark(loop: Callable[..., Looped]) -> None:
    """What is taken, at ticks, at the end; and what of a source that failed is of no use to anybody."""
    source = Scripted()
    running = loop(source)
    source.marked = Mark(1)
    running.daemon._read(source)
    assert _marks(running)[-1] == Mark(1)
    source.marked = Mark(2)
    running.tick()
    assert _marks(running)[-1] == Mark(2)
    source.marked = Mark(3)
    running.fail(source)
    assert _marks(running)[-1] == Mark(3)
    running.tick()
    source.marked = Mark(4)
    running.daemon.stop_sources()
    assert _marks(running)[-1] == Mark(4)
