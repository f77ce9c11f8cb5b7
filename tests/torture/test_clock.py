"""A wall clock that is set to and fro under a running daemon: each drop is counted once, and nothing expires of it."""

import os
import threading
from collections.abc import Callable
from random import Random

import pytest

from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.recording import Recording
from tests.torture.conftest import LONG, drop_datagrams
from tests.torture.fault import Disk
from tests.torture.outcome import Outcome

pytestmark = pytest.mark.kernel
HOUR_S, DAY_S = 3600, 86_400
STEPS = (91 * DAY_S, 0, -91 * DAY_S, 2, HOUR_S, HOUR_S + 3, -2, -DAY_S, 3650 * DAY_S, 0)
ROUNDS = 20 if LONG else 1
HELD_S = 640
DROPS = 300

Make = Callable[[], tuple[Recording, Disk]]


def test_a_clock_that_is_set(namespace: Namespace, recording_on: Make, outcome: Callable[[str], Outcome]) -> None:
    """By seconds, hours, months and years, ahead and behind, while drops go on; at each the daemon may be restarted."""
    recording, disk = recording_on()
    recording.configure("[history]\ndays = 2\nfine_days = 1\npacket_days = 1\n")
    told, chance = outcome("the wall clock is set"), Random(1)
    recording.start()
    for _ in range(ROUNDS):
        for step_s in STEPS:
            disk.set_clock(step_s)
            namespace.run(lambda: drop_datagrams(DROPS))
            told.tries += 1
            told.recover(lambda: _await(recording, namespace, told.tries * DROPS))
            if LONG and chance.random() < 0.2:
                assert recording.stop() == 0
                recording.start()
    assert not _expired(recording)
    assert recording.stop() == 0
    told.lost = told.tries * DROPS - _count(recording, namespace)
    assert told.lost == 0
    assert "Traceback" not in recording.log.read_text()


def test_names_that_came_before_the_clock_was_set(recording_on: Make) -> None:
    """The first drops after it, which wake the daemon, have them as well: that happens by the new clock."""
    recording, disk = recording_on()
    recording.start()
    with Namespace(f"torture-named-{os.getpid()}") as late:
        late.run(lambda: drop_datagrams(DROPS))
        _await(recording, late, DROPS)
        for number, step_s in enumerate((HOUR_S, 0), 2):
            disk.set_clock(step_s)
            late.run(lambda: drop_datagrams(DROPS))
            _await(recording, late, number * DROPS)
    assert recording.stop() == 0


@pytest.mark.long  # the history is tidied every ten minutes
def test_a_tidy_under_a_clock_that_is_ahead(
    namespace: Namespace, recording_on: Make, outcome: Callable[[str], Outcome],
) -> None:
    """By three months, for longer than from one tidy to the next: it is all still there, and nothing claims else."""
    recording, disk = recording_on()
    told = outcome("the wall clock is ahead by 91 days when the history is tidied")
    recording.start()
    namespace.run(lambda: drop_datagrams(DROPS))
    _await(recording, namespace, DROPS)
    disk.set_clock(91 * DAY_S)
    threading.Event().wait(HELD_S)
    namespace.run(lambda: drop_datagrams(DROPS))
    _await(recording, namespace, 2 * DROPS)
    told.add(2 * DROPS - _count(recording, namespace))
    assert told.lost == 0
    assert not _expired(recording)
    assert recording.stop() == 0


def _await(recording: Recording, namespace: Namespace, count: int) -> None:
    wait_for(lambda: _count(recording, namespace) >= count, "all drops are on record")


def _count(recording: Recording, namespace: Namespace) -> int:
    (row,) = recording.query("SELECT sum(count) AS found FROM v_drops WHERE netns = ? AND reason = 'NO_SOCKET'",
                             (namespace.name,))
    return int(row["found"] or 0)


def _expired(recording: Recording) -> list[object]:
    return [*recording.query("SELECT * FROM gaps WHERE cause IN ('expired', 'history at its size limit')")]
