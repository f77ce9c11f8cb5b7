"""How far a window was watched."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dropwatchd.history.reader import LedgerGap, Run
from dwreport.evidence.coverage import NO_SOURCE, NOT_RUNNING, assess


def _run(since_ns: int, until_ns: int, source: str = "bpf", host: str = "web-3") -> Run:
    return Run(1, host, "m-1", "6.18.0", source, since_ns, until_ns, until_ns)


def _gap(
    since_ns: int, until_ns: int, effect: str = "blind", scope: str = "drops", lost: int | None = None,
) -> LedgerGap:
    return LedgerGap("web-3", since_ns, until_ns, "map full", effect, scope, lost)


def test_a_window_within_a_run_is_complete() -> None:
    """Nothing is added to an empty ledger."""
    judged = assess([_run(0, 200)], [], (50, 150))
    assert (judged.status, judged.fraction, judged.gaps) == ("complete", 1, [])


def test_time_without_a_run_is_a_gap_of_unknown_loss() -> None:
    """Before the first run, between two, and after the last."""
    judged = assess([_run(20, 40), _run(60, 80)], [], (0, 100))
    assert (judged.status, judged.fraction) == ("partial", 0.4)
    assert [(gap.since_ns, gap.until_ns, gap.cause, gap.lost) for gap in judged.gaps] == [
        (0, 20, NOT_RUNNING, None), (40, 60, NOT_RUNNING, None), (80, 100, NOT_RUNNING, None)]


def test_time_that_the_ledger_explains_is_no_second_gap() -> None:
    """The next start has written that the daemon was down."""
    down = _gap(40, 60)
    judged = assess([_run(0, 40), _run(60, 100)], [down], (0, 100))
    assert (judged.fraction, judged.gaps) == (0.8, [down])


def test_nobody_watching_is_blind() -> None:
    """An empty history says so, and never "none"."""
    judged = assess([], [], (0, 100))
    assert (judged.status, judged.fraction, [gap.cause for gap in judged.gaps]) == ("blind", 0, [NOT_RUNNING])


def test_counters_alone_are_blind_for_drops() -> None:
    """A run without a source is explained even if its ledger is not."""
    judged = assess([_run(0, 100, "none")], [], (0, 100))
    assert (judged.status, [gap.cause for gap in judged.gaps]) == ("blind", [NO_SOURCE])


def test_partial_gaps_cost_completeness_but_no_time() -> None:
    """Monitoring went on; some drops are missing."""
    judged = assess([_run(0, 100)], [_gap(10, 20, "partial", lost=5)], (0, 100))
    assert (judged.status, judged.fraction) == ("partial", 1)


def test_gaps_of_detail_or_of_counters_cost_nothing() -> None:
    """Every drop is counted all the same; the gaps are listed."""
    gaps = [_gap(10, 20, "detail"), _gap(10, 20, "blind", "counters"), _gap(10, 20, "partial", "packets")]
    judged = assess([_run(0, 100)], gaps, (0, 100))
    assert (judged.status, judged.fraction, len(judged.gaps)) == ("complete", 1, 3)


def test_a_gap_that_lost_nothing_costs_nothing() -> None:
    """Looked at, and none missing."""
    assert assess([_run(0, 100)], [_gap(10, 20, "partial", lost=0)], (0, 100)).status == "complete"


def test_a_gap_without_length_is_still_a_gap() -> None:
    """All of the time was watched, and yet something was not seen."""
    judged = assess([_run(0, 100)], [_gap(10, 10)], (0, 100))
    assert (judged.status, judged.fraction) == ("partial", 1)


def test_hardware_counts_where_somebody_watched_it() -> None:
    """A host whose source never looked at hardware is not blind for software drops."""
    gap = _gap(10, 20, scope="hardware")
    assert assess([_run(0, 100, "bpf")], [gap], (0, 100)).status == "complete"
    assert assess([_run(0, 100, "bpf + net_dm (hardware)")], [gap], (0, 100)).status == "partial"


def test_asked_for_hardware_a_software_source_is_blind() -> None:
    """--origin hardware asks what only some sources can answer."""
    assert assess([_run(0, 100, "bpf")], [], (0, 100), "hardware").status == "blind"
    assert assess([_run(0, 100, "bpf + net_dm (hardware)")], [], (0, 100), "hardware").status == "complete"
    assert assess([_run(0, 100, "net_dm (software, hardware)")], [], (0, 100), "hardware").status == "complete"


def test_a_source_of_hardware_drops_is_blind_for_software() -> None:
    """Without --origin software is meant."""
    assert assess([_run(0, 100, "net_dm (hardware)")], [], (0, 100)).status == "blind"
    assert assess([_run(0, 100, "net_dm (software, hardware)")], [], (0, 100)).status == "complete"


def test_hosts_count_alike() -> None:
    """Half of the time of two hosts is half of the coverage, and the gap names its host."""
    judged = assess([_run(0, 100), _run(0, 0, host="web-4")], [], (0, 100))
    assert (judged.status, judged.fraction, judged.gaps[0].host) == ("partial", 0.5, "web-4")


_SPANS = st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 60)), max_size=6)


@settings(deadline=None)
@given(_SPANS, _SPANS)
def test_the_fraction_is_that_of_the_single_moments(runs: list[tuple[int, int]], gaps: list[tuple[int, int]]) -> None:
    """Whatever overlaps: a moment is watched when a run covers it and no blind gap does; each one not is explained."""
    def within(spans: list[tuple[int, int]], moment: int) -> bool:
        return any(since <= moment < since + length for since, length in spans)

    judged = assess([_run(since, since + length) for since, length in runs],
                    [_gap(since, since + length) for since, length in gaps], (0, 100))
    watched = [moment for moment in range(100) if within(runs, moment) and not within(gaps, moment)]
    assert round(judged.fraction * 100) == len(watched)
    explained = [(gap.since_ns, gap.until_ns - gap.since_ns) for gap in judged.gaps]
    assert all(moment in watched or within(explained, moment) for moment in range(100))
