"""A daemon that is killed at any moment, again and again: what it recorded and what its ledger says add up."""

import random
import threading
import time
from bisect import bisect
from collections.abc import Callable
from datetime import datetime

import pytest

from dropwatchd.history.schema import REVISION
from dropwatchd.history.write.open import revision
from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.recording import NANO, Recording
from tests.kernel.load import Load
from tests.torture import large
from tests.torture.conftest import LONG
from tests.torture.outcome import Outcome

pytestmark = pytest.mark.kernel
KILLS = 500 if LONG else 2
LONGEST_S = 6.0 if LONG else 1.5
SEED = 1
INTERRUPTIONS = 50 if LONG else 3
MIGRATES_S, FOLDS_S = 6.0, 12.0
FINE_S = 5 * 3600


def test_killed_again_and_again(
    namespace: Namespace, fresh_daemon: Recording, outcome: Callable[[str], Outcome],
) -> None:
    """Batches dropped outside of every gap are all recorded, those within a gap are not, and none is there twice."""
    chance = random.Random(SEED)
    kill, launched_ns = outcome("killed at any moment"), []
    since_ns = time.time_ns()
    with Load(namespace) as load:
        for _ in range(KILLS):
            launched_ns.append(time.time_ns())
            fresh_daemon.launch()
            threading.Event().wait(chance.uniform(0, LONGEST_S))
            fresh_daemon.kill()
            kill.add()
        launched_ns.append(time.time_ns())
        fresh_daemon.start()
        load.await_more(1)
    fresh_daemon.await_written(namespace)
    until_ns = time.time_ns()
    assert fresh_daemon.stop() == 0
    told = fresh_daemon.report(since_ns, "--until", f"@{until_ns // NANO + 1}", "--netns", namespace.name,
                               "--reason", "NO_SOCKET")
    count = sum(row["count"] for row in told["drops"])
    sure, possible = _bounds(load, since_ns, told["coverage"]["gaps"])
    kill.lost = max(0, sure - count)
    kill.recovery_s = _starts_s(fresh_daemon, launched_ns)
    assert sure <= count <= possible
    assert sure
    assert fresh_daemon.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert "Traceback" not in fresh_daemon.log.read_text()


def test_killed_while_it_migrates(fresh_daemon: Recording, outcome: Callable[[str], Outcome]) -> None:
    """Each time the history is as it was before or as it is afterwards; in the end it is the newest."""
    _assert_conserved(fresh_daemon, outcome("killed while it migrates"), large.OLDER, MIGRATES_S)
    assert revision(fresh_daemon.database) == REVISION


def test_killed_while_it_folds(fresh_daemon: Recording, outcome: Callable[[str], Outcome]) -> None:
    """At its size it folds without a pause: in each transaction the sums stay what they are."""
    fresh_daemon.configure("[history]\nmax_mib = 16\n")
    _assert_conserved(fresh_daemon, outcome("killed while it folds"), "", FOLDS_S)
    fresh_daemon.start()
    wait_for(lambda: bool(fresh_daemon.query("SELECT * FROM folded WHERE what = 'drops'")), "it folds")
    assert fresh_daemon.stop() == 0


def _assert_conserved(recording: Recording, told: Outcome, made_as: str, longest_s: float) -> None:
    chance = random.Random(SEED)
    drops = large.make(recording.database, FINE_S, made_as)
    recording.command[recording.command.index("bpf")] = "none"
    for _ in range(INTERRUPTIONS):
        recording.launch()
        threading.Event().wait(chance.uniform(0, longest_s))
        recording.kill()
        told.add(drops - large.count(recording.database))
        assert told.lost == 0
    told.recover(recording.start)
    assert recording.stop() == 0
    assert large.count(recording.database) == drops
    assert recording.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert "Traceback" not in recording.log.read_text()


def _starts_s(recording: Recording, launched_ns: list[int]) -> list[float]:
    """Return how long each run took from its launch until drops were seen."""
    starts = (row["started_ns"] for row in recording.query("SELECT started_ns FROM runs ORDER BY id"))
    return [(ns - launched_ns[bisect(launched_ns, ns) - 1]) / NANO for ns in starts]


def _bounds(load: Load, since_ns: int, gaps: list[dict[str, str]]) -> tuple[int, int]:
    """Return how many drops were outside of all gaps for sure, and how many may have been."""
    blind = [(_ns(gap["since"]), _ns(gap["until"])) for gap in gaps if gap["effect"] == "blind"]
    sure = possible = before = 0
    for mark in load.marks:
        batch, before = mark.dropped - before, mark.dropped
        sure += batch * all(until < since_ns or since > mark.time_ns for since, until in blind)
        possible += batch * (not any(since <= since_ns and mark.time_ns <= until for since, until in blind))
        since_ns = mark.time_ns
    return sure, possible


def _ns(text: str) -> int:
    """Return the nanoseconds of an RFC 3339 time, which dwreport gives in microseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000) * 1000
