"""Under a service manager drops are counted while nobody reads them, each is recorded once, and a report says so."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dropwatchd.sources.bpf.hold import NAMES
from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.recording import Recording, at
from tests.kernel.load import Load
from tests.kernel.manager import Manager, Supervised
from tests.torture.conftest import LONG

pytestmark = pytest.mark.kernel
KILLS = 100 if LONG else 6
LONGEST_S = 5.0
COUNTED = "drops were counted meanwhile, but when is not known"


@pytest.fixture
def namespace(kernel: None) -> Iterator[Namespace]:  # noqa: ARG001
    with Namespace(f"dwrestart-{os.getpid()}") as made:
        yield made


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Supervised]:
    """The daemon, running, and its program kept by the manager: a mark of it is written."""
    with Manager(tmp_path) as manager:
        made = Supervised(tmp_path, manager)
        try:
            made.start()
            wait_for(lambda: bool(made.query("SELECT 1 FROM checkpoints")), "a mark is written")
            assert _keeps_all(manager)
            yield made
        finally:
            made.end()


def _keeps_all(manager: Manager) -> bool:
    return len(manager.store) == len(NAMES) + 1


def _recorded(daemon: Recording, namespace: Namespace) -> int:
    (row,) = daemon.query("SELECT coalesce(sum(count), 0) AS count FROM drops"
                          " JOIN interfaces i ON i.id = interface_id JOIN namespaces n ON n.id = namespace_id"
                          " JOIN kinds k ON k.id = kind_id WHERE reason = 'NO_SOCKET'"
                          " AND n.entity IN (SELECT entity FROM namespaces WHERE name = ?)", (namespace.name,))
    return int(row["count"])


def _gaps(daemon: Supervised) -> list[tuple[str, str, int | None, str]]:
    """Return what the ledger says of the times between runs."""
    return [(row["effect"], row["scope"], row["lost"], row["detail"]) for row in daemon.query(
        "SELECT effect, scope, lost, detail FROM gaps WHERE cause = 'daemon down' ORDER BY id")]


def _first_ns(daemon: Supervised) -> int:
    (row,) = daemon.query("SELECT min(since_ns) AS first FROM watches WHERE what = 'software'")
    return int(row["first"])


def test_killed_under_load(daemon: Supervised, namespace: Namespace) -> None:
    """At any moment, of the start too: in the end each drop is recorded once, and there is nothing but less detail."""
    chance = random.Random(11)
    with Load(namespace) as load:
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(0, LONGEST_S))
            daemon.kill()
            load.await_more(chance.randrange(1, 5000))
            daemon.launch()
        load.await_more(1)
    wait_for(daemon.manager.is_ready.is_set, "it is ready")
    until_ns = daemon.await_written(namespace)
    assert _recorded(daemon, namespace) == load.dropped
    told = daemon.report(_first_ns(daemon), "--until", at(until_ns), "--netns", namespace.name, "--reason", "NO_SOCKET")
    assert sum(row["count"] for row in told["drops"]) == load.dropped
    assert (told["coverage"]["status"], told["coverage"]["fraction"]) == ("complete", 1.0)
    assert set(_gaps(daemon)) == {("detail", "software", 0, f"crashed; {COUNTED}")}
    assert not daemon.query("SELECT 1 FROM drops WHERE first_ns > last_ns")
    assert "Traceback" not in daemon.log.read_text()
    assert _keeps_all(daemon.manager)


def test_restarted_under_load(daemon: Supervised, namespace: Namespace) -> None:
    """Asked to end, it writes all that it has read: the next run tells what came after that, and nothing twice."""
    with Load(namespace) as load:
        for _ in range(3):
            load.await_more(2000)
            assert daemon.stop() == 0
            load.await_more(2000)
            daemon.start()
        load.await_more(1)
    daemon.await_written(namespace)
    assert _recorded(daemon, namespace) == load.dropped
    assert _gaps(daemon) == [("detail", "software", 0, f"stopped; {COUNTED}")] * 3
    assert [row["ending"] for row in daemon.query("SELECT ending FROM runs ORDER BY id")] == ["stopped"] * 3 + [None]


def _stopped_by_the_administrator(daemon: Supervised) -> None:
    assert daemon.stop() == 0
    daemon.manager.empty()


def _another_layout(daemon: Supervised) -> None:
    daemon.kill()
    daemon.configure("[bpf]\nmax_keys = 4096\n")


def _another_history(daemon: Supervised) -> None:
    daemon.kill()
    for path in daemon.database.parent.glob("history.db*"):
        path.unlink()


@pytest.mark.parametrize("end", [_stopped_by_the_administrator, _another_layout, _another_history])
def test_what_is_not_taken_over_was_not_seen(
    end: Callable[[Supervised], None], daemon: Supervised, namespace: Namespace,
) -> None:
    """After a stop, with another program, for another history: the time between is blind, and nothing of it is told."""
    with Load(namespace) as before:
        before.await_more(2000)
    daemon.await_written(namespace)
    recorded = _recorded(daemon, namespace)
    assert recorded == before.dropped
    end(daemon)
    kept = set(daemon.manager.store)
    with Load(namespace) as load:
        load.await_more(2000)
    daemon.start()
    with Load(namespace) as after:
        after.await_more(2000)
    daemon.await_written(namespace)
    assert _recorded(daemon, namespace) == after.dropped + (0 if end is _another_history else recorded)
    assert [gap[:3] for gap in _gaps(daemon)] == ([] if end is _another_history else [("blind", "drops", None)])
    assert _keeps_all(daemon.manager)
    assert end is _another_history or not kept & set(daemon.manager.store)


def test_a_run_without_the_source_keeps_nothing(daemon: Supervised, namespace: Namespace) -> None:
    """Nobody would tell what the program counts: it goes, and later runs do not tell either."""
    daemon.kill()
    daemon.command = [*daemon.command[:-1], "none"]
    daemon.start()
    assert daemon.stop() == 0
    assert not daemon.manager.store
    daemon.command = [*daemon.command[:-1], "bpf"]
    with Load(namespace) as load:
        load.await_more(2000)
    daemon.start()
    daemon.await_written(namespace)
    assert _recorded(daemon, namespace) == 0


def test_a_person_reads_that_times_are_missing_and_nothing_else(daemon: Supervised, namespace: Namespace) -> None:
    """The report counts all, its first line says that it does, and the view of coverage what is not known."""
    since_ns = time.time_ns()
    daemon.await_written(namespace)
    with Load(namespace) as load:
        daemon.kill()
        load.await_more(1000)
        daemon.start()
    until_ns = daemon.await_written(namespace)
    window = ["--since", at(since_ns), "--until", at(until_ns)]
    report = " ".join(daemon.dwreport(*window, "--netns", namespace.name).split())
    assert "coverage complete" in report
    assert "Every drop was counted, some with less detail" in report
    assert "What was not seen" not in report
    told = " ".join(daemon.dwreport("coverage", "--width", "200", *window).split())
    assert "daemon down (software)" in told
    assert "counted, with less" in told
    assert f"crashed; {COUNTED}" in told


def test_nobody_listens(fresh: Recording, namespace: Namespace) -> None:
    """A manager that is gone costs a line in the log, and nothing else."""
    fresh.launch({"NOTIFY_SOCKET": str(fresh.database.with_name("nobody"))})
    wait_for(lambda: "ready after" in fresh.log.read_text(), "it is ready")
    with Load(namespace) as load:
        load.await_more(1000)
    fresh.await_written(namespace)
    assert _recorded(fresh, namespace) == load.dropped
    assert "keeps nothing for the next start" in fresh.log.read_text()
