"""Whether a loss is over: said only where the record tells."""

import pytest

from dropwatchd.history.read.reader import Run, WatchRow
from dropwatchd.model import NANO
from dwreport.evidence.recorded import Recorded
from dwreport.evidence.tally import Place
from dwreport.findings.finding import Basis, Finding, State
from dwreport.findings.lasting import Lasting

END_NS = 3600 * NANO
STEP_NS = 150 * NANO


def _state(first_s: int, last_s: int, count: int, steps: tuple[int, ...] = (), watched_s: int = 3600) -> State | None:
    run = Run(1, "web-3", "m-1", "6.18.0", 0, watched_s * NANO, ended=True)
    watch = WatchRow("web-3", 1, "software", "bpf", None, 0, watched_s * NANO)
    finding = Finding("A loss", "harmful", count, first_s * NANO, last_s * NANO, [], [], None, "high", ["web-3"],
                      Basis(Place("web-3"), "software", count, count), dict.fromkeys(steps, 1))
    return Lasting(Recorded([run], [watch], []), END_NS, STEP_NS).state(finding)


@pytest.mark.parametrize(("first_s", "last_s", "count", "state"), [
    (3000, 3595, 100, "going on"),
    (3000, 3580, 100, None),        # six seconds apart before, and twenty since
    (3000, 3580, 30, "going on"),   # twenty seconds apart before
    (0, 3500, 2, None),             # two are no rhythm
    (3594, 3595, 100, None),        # a burst, and more than as long since
    (3590, 3590, 1, None),
    (3530, 3531, 100, "over"),
    (3541, 3542, 100, None),        # less than a minute since
    (3000, 3900, 100, None),        # later than all that is known of
])
def test_what_is_over_has_paused_for_longer_than_ever(first_s: int, last_s: int, count: int, state: str) -> None:
    assert _state(first_s, last_s, count, (last_s * NANO // STEP_NS,)) == state


def test_bursts_that_come_again_are_not_over_between_two() -> None:
    """Every ten minutes for half an hour; after twenty minutes, they are."""
    assert _state(1000, 3000, 30, (6, 10, 14, 18, 20)) is None
    assert _state(100, 1900, 30, (0, 4, 8, 12)) == "over"


def test_what_was_not_watched_since_is_not_over() -> None:
    assert _state(1000, 1001, 100, (6,)) == "over"
    assert _state(1000, 1001, 100, (6,), watched_s=3000) is None
