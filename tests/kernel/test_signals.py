"""SIGTERM ends the daemon cleanly in whatever phase it is, and one database has one daemon."""

import random
import signal
import subprocess
import threading

import pytest

from tests.gallery.namespace import wait_for
from tests.gallery.recording import Recording
from tests.gallery.stage import Stage
from tests.kernel.load import Load

pytestmark = pytest.mark.kernel
TRIES, START_S = 20, 1.5
END_S = 20.0
"""Far beyond the two seconds that are promised: this tells a daemon that hangs from one on a busy machine."""


def assert_ended(recording: Recording) -> None:
    """The log has no traceback, and each run that began has ended."""
    assert "Traceback" not in recording.log.read_text()
    if recording.database.exists():
        tables = {row["name"] for row in recording.query("SELECT name FROM sqlite_master")}
        runs = recording.query("SELECT ended_ns, ending FROM runs") if "runs" in tables else []
        assert all(run["ended_ns"] is not None and run["ending"] == "stopped" for run in runs)


@pytest.mark.parametrize("attempt", range(TRIES))
def test_during_start(attempt: int, fresh: Recording) -> None:
    """At any moment of the start: exit code 0, except where Python itself was not yet up and nothing had begun."""
    moment = random.Random(attempt).uniform(0, START_S)
    fresh.launch()
    threading.Event().wait(moment)
    fresh.process.send_signal(signal.SIGTERM)
    code = fresh.process.wait(END_S)
    if code == -signal.SIGTERM:
        assert not fresh.log.read_text()
        assert not fresh.database.exists()
    else:
        assert code == 0
    assert_ended(fresh)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle(number: signal.Signals, fresh: Recording) -> None:
    """A daemon with nothing to do ends at once, and says that it was stopped."""
    fresh.start()
    fresh.process.send_signal(number)
    assert fresh.process.wait(END_S) == 0
    assert_ended(fresh)
    assert len(fresh.query("SELECT 1 FROM runs")) == 1


def test_under_load(stage: Stage, fresh: Recording) -> None:
    """A daemon that is busy ends as well."""
    fresh.start()
    with Load(stage.far) as load:
        load.await_more(10_000)
        assert fresh.stop() == 0
    assert_ended(fresh)


def test_twice(fresh: Recording) -> None:
    """A second signal while it is ending changes nothing."""
    fresh.start()
    fresh.process.send_signal(signal.SIGTERM)
    fresh.process.send_signal(signal.SIGTERM)
    assert fresh.process.wait(END_S) == 0
    assert_ended(fresh)


def test_reload(fresh: Recording) -> None:
    """SIGHUP is no end: the configuration is read again, and what is wrong in it is said."""
    fresh.start()
    fresh.configure("[counters]\ninterval_seconds = 0\n")
    fresh.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "interval_seconds" in fresh.log.read_text(), "the wrong key is named")
    assert fresh.stop() == 0
    assert_ended(fresh)


def test_second_daemon(fresh: Recording) -> None:
    """A second daemon on the same database is refused in one line that names the first, which goes on."""
    fresh.start()
    refused = subprocess.run(fresh.command, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    message, = refused.stderr.splitlines()
    assert str(fresh.process.pid) in message
    assert str(fresh.database) in message
    assert fresh.process.poll() is None
    assert fresh.stop() == 0
    assert len(fresh.query("SELECT 1 FROM runs")) == 1
