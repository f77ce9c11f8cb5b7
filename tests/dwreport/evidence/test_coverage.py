"""How far a window was watched: as far as watches say, and nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropwatchd.history.read.reader import LedgerGap, Run, WatchRow
from dropwatchd.model import NANO, GapCause
from dropwatchd.sources.bpf import BpfSource
from dropwatchd.sources.net_dm import source as net_dm
from dwreport.evidence import coverage
from dwreport.evidence.coverage import (
    LIMITS,
    NEVER_WAS,
    NO_SOURCE,
    NOT_RUNNING,
    NOT_WATCHED,
    NOT_WRITTEN,
    SET_BACK,
    TO_AND_FRO,
    Coverage,
    assess,
)
from dwreport.evidence.recorded import Recorded

_NO_MAC = "packets without a MAC header"


def _run(since_ns: int = 0, until_ns: int = 200 * NANO, host: str = "web-3", *, ended: bool = True) -> Run:
    return Run(1, host, "m-1", "6.18.0", since_ns, until_ns, ended)


def test_watches_that_touch_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clocks cannot be read at once: some microseconds between two watches are no hole."""
    monkeypatch.undo()
    assert _judged([_watch(0, 500_000), _watch(500_900, NANO)], window=(0, NANO)).status == "complete"
    assert _judged([_watch(0, 500_000), _watch(900_000, NANO)], window=(0, NANO)).status == "partial"


def _watch(since_ns: int, until_ns: int, what: str = "software", host: str = "web-3", **more: Any) -> WatchRow:
    return WatchRow(host, 1, what, "bpf", None, since_ns, until_ns, **more)


def _gap(since_ns: int, until_ns: int, effect: str = "blind", scope: str = "drops", lost: int | None = None,
         **more: Any) -> LedgerGap:
    row = {"cause": "map full", "effect": effect, "scope": scope, "lost": lost, **more}
    return LedgerGap("web-3", since_ns, until_ns, **row)


def _judged(watches: list[WatchRow], gaps: list[LedgerGap] | None = None, window: tuple[int, int] = (0, 100),
            asked: str | None = None, runs: list[Run] | None = None) -> Coverage:
    return assess(Recorded([_run()] if runs is None else runs, watches, gaps or []), window, asked)


def _told(judged: Coverage) -> list[tuple[int, int, str]]:
    return [(gap.since_ns, gap.until_ns, gap.cause) for gap in judged.gaps]


def test_what_no_source_watches_is_not_to_be_written() -> None:
    """Of counters alone, the last seconds are no more than the others; unless a source is to be tried again."""
    runs, alive = [_run(0, 90 * NANO, ended=False)], _watch(0, 90 * NANO, "daemon")
    window = 50 * NANO, 100 * NANO

    def told(*ever: tuple[int, str], watches: Sequence[WatchRow] = (alive,), until_ns: int = window[1],
             asked: str | None = None) -> list[tuple[int, int, str]]:
        return _told(assess(Recorded(runs, watches, [], None, False, ever), (window[0], until_ns), asked))

    assert told() == told(asked="hardware") == [(*window, NO_SOURCE)]
    written = [(50 * NANO, 90 * NANO, NO_SOURCE), (90 * NANO, 100 * NANO, NOT_WRITTEN)]
    assert told((1, "software")) == told(watches=[alive, _watch(0, 40 * NANO, ending="failed")]) == written
    assert told(asked="counters") == [(50 * NANO, 90 * NANO, NOT_WATCHED), *written[1:]]
    read = _watch(92 * NANO, 92 * NANO, "counters")  # at that moment it ran
    assert told(watches=[alive, read], asked="counters") == [
        (50 * NANO, 92 * NANO, NOT_WATCHED), (92 * NANO, 100 * NANO, NOT_WRITTEN)]
    assert told(until_ns=200 * NANO) == [(50 * NANO, 90 * NANO, NO_SOURCE), (90 * NANO, 200 * NANO, NOT_WRITTEN)]
    assert told(watches=[])[-1] == (90 * NANO, 100 * NANO, NOT_WRITTEN)



@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The times of these tests are counted, not read."""
    monkeypatch.setattr(coverage, "_AT_ONCE_NS", 0)


def test_a_window_within_a_watch_is_complete() -> None:
    """Nothing is added to an empty ledger."""
    judged = _judged([_watch(0, 200)], window=(50, 150))
    assert (judged.status, judged.fraction, judged.gaps) == ("complete", 1, [])


def test_time_without_a_watch_is_a_gap_of_unknown_loss() -> None:
    """Before the first, between two, and after the last: whatever the runs say."""
    judged = _judged([_watch(20, 40), _watch(60, 80)])
    assert (judged.status, judged.fraction) == ("partial", 0.4)
    assert _told(judged) == [(0, 20, NOT_RUNNING), (40, 60, NOT_RUNNING), (80, 100, NOT_RUNNING)]
    assert {gap.lost for gap in judged.gaps} == {None}


def test_time_that_the_ledger_explains_is_no_second_gap() -> None:
    """The next start has written that the daemon was down."""
    down = _gap(40, 60)
    judged = _judged([_watch(0, 40), _watch(60, 100)], [down])
    assert (judged.fraction, judged.gaps) == (0.8, [down])


def test_nobody_watching_is_blind() -> None:
    """An empty history says so, and never "none"."""
    judged = _judged([], runs=[])
    assert (judged.status, judged.fraction, _told(judged)) == ("blind", 0, [(0, 100, NOT_RUNNING)])


def test_a_daemon_without_a_source_is_blind_for_drops() -> None:
    """It ran, it read counters, and it did not see drops."""
    judged = _judged([_watch(0, 100, "daemon"), _watch(0, 100, "counters")])
    assert (judged.status, _told(judged)) == ("blind", [(0, 100, NO_SOURCE)])


@pytest.mark.parametrize("silent_s", [1, 3600])
def test_what_a_living_run_has_not_written_yet_is_unknown(silent_s: int) -> None:
    """In the seconds after a kill, a stall, or a stop signal nobody can tell whether it lives: nothing is claimed."""
    end = (100 + silent_s) * NANO
    watches = [_watch(0, 100 * NANO), _watch(0, 100 * NANO, "daemon")]
    living = [_run(0, 100 * NANO, ended=False)]
    wholly = _judged(watches, window=(100 * NANO, end), runs=living)
    assert (wholly.status, wholly.fraction, _told(wholly)) == ("blind", 0, [(100 * NANO, end, NOT_WRITTEN)])
    partly = _judged(watches, window=(0, end), runs=living)
    assert (partly.status, partly.fraction < 1) == ("partial", True)
    assert partly.only_unwritten == (silent_s < 30)
    assert bool(partly.gaps[0].detail) == (silent_s > 30)


def test_a_run_that_was_replaced_is_not_awaited() -> None:
    """A crash is known as one when the next run has begun."""
    watches = [_watch(0, 40), _watch(0, 40, "daemon")]
    assert _told(_judged(watches, runs=[_run(0, 40, ended=True)])) == [(40, 100, NOT_RUNNING)]


def test_expired_time_is_not_empty_time() -> None:
    """The watches were shortened with what they vouched for, and the ledger says since when."""
    expired = _gap(0, 60, cause=GapCause.EXPIRED)
    judged = _judged([_watch(60, 100), _watch(0, 100, "daemon"), _watch(80, 100, "packets")], [expired])
    assert (judged.status, judged.fraction, judged.gaps) == ("partial", 0.4, [expired])
    inside = _judged([_watch(60, 100), _watch(0, 100, "daemon")], [expired], window=(10, 50))
    assert (inside.status, inside.fraction) == ("blind", 0)
    packets = _judged([_watch(0, 100), _watch(80, 100, "packets")], asked="packets")
    assert (packets.status, packets.fraction) == ("partial", 0.2)


def test_a_clock_set_forward_leaves_out_time_that_never_was() -> None:
    """It is neither watched nor missed: a window within it is blind, one around it is as complete as the rest."""
    step = _gap(40, 90, "detail", lost=0, cause=GapCause.CLOCK_STEP, detail="+50.000 s")
    watches = [_watch(0, 40), _watch(90, 100)]
    around = _judged(watches, [step])
    assert (around.status, around.fraction) == ("complete", 1)
    assert (40, 90, NEVER_WAS) in _told(around)
    within = _judged(watches, [step], window=(50, 80))
    assert (within.status, within.fraction) == ("blind", 0)


def test_a_clock_set_back_has_times_that_come_twice() -> None:
    """Watched is what either pass has watched."""
    step = _gap(40, 60, "detail", lost=0, cause=GapCause.CLOCK_STEP, detail="-20.000 s")
    judged = _judged([_watch(0, 60), _watch(40, 100)], [step])
    assert (judged.status, judged.fraction) == ("complete", 1)


_FORWARD: dict[str, Any] = {"effect": "detail", "lost": 0, "cause": GapCause.CLOCK_STEP, "detail": "+50.000 s"}
_BACK: dict[str, Any] = {**_FORWARD, "detail": "-50.000 s"}


def test_time_that_was_left_out_and_came_after_all_was() -> None:
    """The clock was set forward over it, and back: what nobody watched then is no time that never was."""
    steps = [_gap(40, 90, **_FORWARD), _gap(45, 95, **_BACK)]
    judged = _judged([_watch(0, 40), _watch(90, 95), _watch(45, 60)], steps, window=(0, 80), runs=[_run(0, 60)])
    assert judged.status == "partial"
    assert [span for span in _told(judged) if span[2] != GapCause.CLOCK_STEP] == [
        (40, 45, NEVER_WAS), (60, 80, NOT_RUNNING)]
    watches = [_watch(0, 40), _watch(90, 95, ending="the clock was set"), _watch(45, 60)]
    living = _judged(watches, steps, window=(60, 80), runs=[_run(0, 60, ended=False)])
    assert (living.status, _told(living)[-1]) == ("blind", (60, 80, NOT_WRITTEN))


def test_a_daemon_that_ran_is_not_said_to_have_been_down() -> None:
    """Two seconds ahead, three back, two ahead: nobody watched 42 to 44, for the clock never showed it."""
    steps = [_gap(40, 60, **_FORWARD), _gap(30, 62, **_BACK), _gap(33, 64, **_FORWARD)]
    watches = [watch for since, until in ((0, 40), (60, 62), (30, 33), (64, 90))
               for watch in (_watch(since, until), _watch(since, until, "daemon"))]
    judged = _judged(watches, steps, window=(0, 90), runs=[_run(0, 90)])
    assert [span for span in _told(judged) if span[2] != GapCause.CLOCK_STEP] == [
        (40, 60, TO_AND_FRO), (62, 64, NEVER_WAS)]


def test_what_was_watched_while_the_clock_was_ahead_vouches_for_no_later_time() -> None:
    """The run ended on a clock that had been set back: the hour that was on record then comes only now."""
    watches = [watch for what in ("daemon", "software") for watch in (_watch(100, 150, what), _watch(50, 60, what))]
    judged = _judged(watches, [_gap(50, 150, **_BACK)], window=(100, 150), runs=[_run(100, 60)])
    assert (judged.status, _told(judged)[-1]) == ("blind", (100, 150, NOT_RUNNING))


def test_a_record_that_ends_in_the_future_speaks_of_nothing() -> None:
    """The clock was set back after the run, nobody knows how far: its times may come once more, unseen."""
    runs = [_run(10 * NANO, 90 * NANO)]
    watches = [_watch(10 * NANO, 90 * NANO)]
    step = _gap(20 * NANO, 70 * NANO, **_FORWARD)
    judged = assess(Recorded(runs, watches, [step], now_ns=40 * NANO), (30 * NANO, 40 * NANO))
    assert (judged.status, _told(judged)[-1]) == ("blind", (30 * NANO, 40 * NANO, SET_BACK))
    later = assess(Recorded(runs, watches, [step], now_ns=90 * NANO), (30 * NANO, 40 * NANO))
    assert later.status == "complete"


def test_what_a_living_run_has_yet_to_write_of_one_kind_is_not_another_kinds_end() -> None:
    """Counters are read every ten seconds, drops every second: neither tells that the daemon does not run."""
    living = [_run(0, 90, ended=False)]
    watches = [_watch(0, 80, "daemon"), _watch(0, 80), _watch(0, 90, "counters")]
    drops = _judged(watches, runs=living)
    assert (drops.only_unwritten, _told(drops)) == (True, [(80, 100, NOT_WRITTEN)])
    assert drops.written_until_ns == 80
    watches = [_watch(0, 95, "daemon"), _watch(0, 95), _watch(0, 90, "counters")]
    counters = _judged(watches, asked="counters", runs=living)
    assert (counters.only_unwritten, _told(counters)) == (True, [(90, 100, NOT_WRITTEN)])
    assert counters.written_until_ns == 90
    failed = _judged([_watch(0, 95, "daemon"), _watch(0, 50, ending="failed")], runs=[_run(0, 95, ended=False)])
    assert _told(failed) == [(50, 95, NO_SOURCE), (95, 100, NOT_WRITTEN)]


def test_what_a_source_cannot_see_by_its_nature_is_a_hole() -> None:
    """Packet mode skips packets without a MAC header from its first moment on, and nobody counts them."""
    judged = _judged([_watch(0, 100, limits=(_NO_MAC,))])
    assert (judged.status, judged.fraction, judged.limits) == ("partial", 1, (_NO_MAC,))
    assert _told(judged) == [(0, 100, LIMITS[_NO_MAC][0])]
    assert _judged([_watch(0, 100, limits=("nested drops",))]).status == "complete"


def test_every_limit_of_a_source_is_explained() -> None:
    """What a source says of itself must not be passed over by a report."""
    assert {*BpfSource.limits, *(limit for limits in net_dm.LIMITS.values() for limit in limits)} == LIMITS.keys()


def test_partial_gaps_cost_completeness_but_no_time() -> None:
    """Monitoring went on; some drops are missing."""
    judged = _judged([_watch(0, 100)], [_gap(10, 20, "partial", lost=5)])
    assert (judged.status, judged.fraction) == ("partial", 1)


def test_gaps_of_detail_or_of_counters_cost_nothing() -> None:
    """Every drop is counted all the same; the gaps are listed."""
    gaps = [_gap(10, 20, "detail"), _gap(10, 20, "blind", "counters:link"), _gap(10, 20, "partial", "packets")]
    judged = _judged([_watch(0, 100)], gaps)
    assert (judged.status, judged.fraction, len(judged.gaps)) == ("complete", 1, 3)


def test_a_gap_that_lost_nothing_costs_nothing() -> None:
    """Looked at, and none missing."""
    assert _judged([_watch(0, 100)], [_gap(10, 20, "partial", lost=0)]).status == "complete"


def test_a_gap_without_length_is_still_a_gap() -> None:
    """All of the time was watched, and yet something was not seen."""
    judged = _judged([_watch(0, 100)], [_gap(10, 10)])
    assert (judged.status, judged.fraction) == ("partial", 1)


def test_a_gap_that_ends_where_the_window_begins_is_none_of_it() -> None:
    """A run is watched from its first moment on, at which the time ends that nobody watched."""
    judged = _judged([_watch(0, 100)], [_gap(-50, 0), _gap(100, 150), _gap(-50, -50)])
    assert (judged.status, judged.gaps) == ("complete", [])
    assert _judged([_watch(0, 100)], [_gap(0, 0)]).status == "partial"


def test_hardware_counts_where_somebody_watched_it() -> None:
    """A host whose source never looked at hardware is not blind for software drops."""
    gap = _gap(10, 20, scope="hardware")
    assert _judged([_watch(0, 100)], [gap]).status == "complete"
    assert _judged([_watch(0, 100), _watch(0, 100, "hardware")], [gap]).status == "partial"
    assert _judged([_watch(0, 100)], asked="hardware").status == "blind"
    assert _judged([_watch(0, 100), _watch(0, 100, "hardware")], asked="hardware").status == "complete"
    assert _judged([_watch(0, 100, "hardware")]).status == "blind"


def test_sources_say_what_they_see() -> None:
    """Software drops alone are not mentioned."""
    watches = [_watch(0, 100), WatchRow("web-3", 1, "hardware", "net_dm", None, 0, 100),
               WatchRow("web-3", 1, "software", "net_dm", None, 0, 100)]
    assert _judged(watches).sources == ("bpf", "net_dm (software, hardware)")
    assert _judged(watches[:2]).sources == ("bpf", "net_dm (hardware)")


@pytest.mark.parametrize("until_ns", [0, 200 * NANO])
def test_hosts_count_alike(until_ns: int) -> None:
    """Half of the time of two hosts is half of the coverage, and the gap names its host: no other watches for it."""
    judged = _judged([_watch(0, 100)], runs=[_run(), _run(0, until_ns, host="web-4")])
    assert (judged.status, judged.fraction, judged.gaps[0].host) == ("partial", 0.5, "web-4")


_SPANS = st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 60)), max_size=6)


@settings(deadline=None)
@given(_SPANS, _SPANS)
def test_the_fraction_is_that_of_the_single_moments(
    watches: list[tuple[int, int]], gaps: list[tuple[int, int]],
) -> None:
    """Whatever overlaps: a moment is watched when a watch covers it, and each one that is not is explained."""
    def within(spans: Sequence[tuple[float, float]], moment: int) -> bool:
        return any(since <= moment < since + length for since, length in spans)

    judged = _judged([_watch(since * NANO, (since + length) * NANO) for since, length in watches],
                     [_gap(since * NANO, (since + length) * NANO) for since, length in gaps], (0, 100 * NANO))
    watched = [moment for moment in range(100) if within(watches, moment)]
    assert round(judged.fraction * 100) == len(watched)
    explained = [(gap.since_ns / NANO, (gap.until_ns - gap.since_ns) / NANO) for gap in judged.gaps]
    assert all(moment in watched or within(explained, moment) for moment in range(100))


def test_drops_that_were_counted_while_the_daemon_was_down_were_not_missed() -> None:
    """But samples and counters of that time were, and where somebody watched them, drops by hardware."""
    away = _gap(40, 60, effect="detail", scope="software", lost=0, cause=GapCause.DAEMON_DOWN)
    watches = [_watch(0, 40), _watch(40, 100)]
    watches += [_watch(*span, what) for what in ("daemon", "packets", "counters") for span in ((0, 40), (60, 100))]
    assert (_judged(watches, [away]).status, _judged(watches, [away]).fraction) == ("complete", 1)
    for asked in ("packets", "counters"):
        assert (40, 60, NOT_RUNNING) in _told(_judged(watches, [away], asked=asked))
        assert _judged(watches, [away], asked=asked).status == "partial"
    hardware = [_watch(0, 40, "hardware"), _watch(60, 100, "hardware")]
    missed = _gap(40, 60, scope="hardware", cause=GapCause.DAEMON_DOWN)
    assert _judged([*watches, *hardware], [away, missed]).status == "partial"
    assert _judged([*watches, *hardware], [away, missed], asked="software").status == "complete"
