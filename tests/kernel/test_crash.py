"""A crash costs what happened since the last write, no more, and the next start says from when to when."""

import time

import pytest

from tests.gallery.namespace import wait_for
from tests.gallery.recording import Recording
from tests.gallery.stage import Stage
from tests.kernel.load import Load

pytestmark = pytest.mark.kernel
MANY = 20_000


def recorded(recording: Recording, stage: Stage) -> int:
    """Return the drops on the load's loopback device that are in the history."""
    rows = recording.query(
        "SELECT coalesce(sum(d.count), 0) AS count FROM drops d JOIN interfaces i ON i.id = d.interface_id"
        " JOIN kinds k ON k.id = d.kind_id JOIN namespaces n ON n.id = i.namespace_id"
        " WHERE n.inode = ? AND i.name = 'lo' AND k.reason = 'NO_SOCKET'",
        (stage.far.inode,))
    return int(rows[0]["count"])


def test_killed_under_load(stage: Stage, fresh: Recording) -> None:
    """A killed daemon leaves a whole history: complete up to its last sign of life, and nothing invented."""
    fresh.start()
    with Load(stage.far) as load:
        wait_for(lambda: recorded(fresh, stage) > MANY, "the load is recorded")
        fresh.kill()
        load.await_more(MANY)
    assert fresh.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    seen_ns = fresh.seen_ns()
    assert max(mark.dropped for mark in load.marks if mark.time_ns <= seen_ns) <= recorded(fresh, stage) <= load.dropped
    run = fresh.query("SELECT ended_ns, ending FROM runs")
    assert run == [{"ended_ns": None, "ending": None}]


def test_next_start(stage: Stage, fresh: Recording) -> None:
    """The next start writes the gap, from the last sign of life to its own beginning, and counts go on from there."""
    fresh.start()
    with Load(stage.far):
        wait_for(lambda: recorded(fresh, stage) > MANY, "the load is recorded")
        fresh.kill()
    seen_ns, before = fresh.seen_ns(), recorded(fresh, stage)
    fresh.start()
    gap, = fresh.query("SELECT since_ns, until_ns, effect, scope, lost, run_id FROM gaps WHERE cause = 'daemon down'")
    started = fresh.query("SELECT id, started_ns FROM runs ORDER BY id")[-1]
    assert (gap["since_ns"], gap["effect"], gap["lost"]) == (seen_ns, "blind", None)
    assert seen_ns < gap["until_ns"] <= started["started_ns"] + 1_000_000_000
    assert recorded(fresh, stage) == before
    with Load(stage.far) as load:
        load.await_more(MANY)
    fresh.await_written(stage.sender)
    assert recorded(fresh, stage) == before + load.dropped
    assert fresh.report(seen_ns - 1)["coverage"]["status"] == "partial"


def test_killed_again_and_again(stage: Stage, fresh: Recording) -> None:
    """However often it is killed, the history stays whole and no drop is counted twice."""
    with Load(stage.far) as load:
        for _ in range(3):
            fresh.start()
            goal = recorded(fresh, stage) + 1
            wait_for(lambda goal=goal: recorded(fresh, stage) >= goal, "something is recorded")  # type: ignore[misc]
            fresh.kill()
    assert fresh.query("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert recorded(fresh, stage) <= load.dropped
    assert len(fresh.query("SELECT 1 FROM gaps WHERE cause = 'daemon down'")) == 2


def test_stopped_under_load(stage: Stage, fresh: Recording) -> None:
    """A daemon that is asked to end writes all it saw first: what is recorded is complete up to the run's end."""
    fresh.start()
    with Load(stage.far) as load:
        wait_for(lambda: recorded(fresh, stage) > MANY, "the load is recorded")
        assert fresh.stop() == 0
        load.await_more(1)
    run, = fresh.query("SELECT ended_ns, ending FROM runs")
    assert run["ending"] == "stopped"
    assert run["ended_ns"] <= time.time_ns()
    before_end = max(mark.dropped for mark in load.marks if mark.time_ns <= fresh.seen_ns())
    assert before_end <= recorded(fresh, stage) <= load.dropped
