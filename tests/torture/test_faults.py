"""A disk that fails at any one call, of a daemon's whole life: no drop is lost, counted twice, or missed in silence."""

import errno
import time
from collections.abc import Callable

import pytest

from tests.gallery.namespace import Namespace, wait_for
from tests.gallery.recording import NANO, Recording
from tests.torture.conftest import LONG, drop_datagrams
from tests.torture.fault import Call, Disk
from tests.torture.outcome import Outcome

pytestmark = pytest.mark.kernel
DROPS = 300
STALL_MS = 2500
FAULTS = {"EIO": {"error": errno.EIO}, "ENOSPC": {"error": errno.ENOSPC}, "stall": {"stall_ms": STALL_MS},
          "EIO ten times": {"error": errno.EIO, "times": 10}}
# Until it is ready a daemon makes some 160 calls where it makes its history, and from then to its end as many.
SHORT = [("EIO", "start", 20), ("ENOSPC", "start", 150), ("EIO ten times", "life", 5), ("ENOSPC", "life", 70),
         ("stall", "life", 30)]
CALLS = [(name, phase, first) for phase in ("life", "start") for first in range(1, 171) for name in FAULTS]

Make = Callable[[], tuple[Recording, Disk]]


def _counted(recording: Recording, namespace: Namespace, since_ns: int, until_ns: int) -> tuple[int, str]:
    """Return how many drops a report shows, and what it says of its coverage."""
    at = f"@{until_ns // NANO}.{until_ns % NANO:09d}"
    told = recording.report(since_ns, "--until", at, "--netns", namespace.name, "--reason", "NO_SOCKET")
    return sum(row["count"] for row in told["drops"]), told["coverage"]["status"]


def _refused(recording: Recording) -> str:
    """Start; return what is said where that fails."""
    try:
        recording.start()
    except RuntimeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("kind", "phase", "first"), CALLS if LONG else SHORT)
def test_a_call_that_fails(
    namespace: Namespace, recording_on: Make, outcome: Callable[[str], Outcome], *, kind: str, phase: str, first: int,
) -> None:
    """Either the daemon does not start, or it counts all, or the ledger says after the next start what is missing."""
    recording, disk = recording_on()
    told = outcome(f"a call to the disk: {kind}, {'in the start' if phase == 'start' else 'when it records'}")
    told.tries = 1

    def arm() -> None:
        fault = FAULTS[kind]
        disk.fail(Call.ANY, first, times=fault.get("times", 1), error=fault.get("error", 0),
                  stall_ms=fault.get("stall_ms", 0))

    if phase == "start":
        arm()
    if refused := _refused(recording):
        assert "ended with 1" in refused
        assert "Traceback" not in refused
        assert disk.failed
        return
    if phase == "life":
        arm()
    since_ns = time.time_ns()
    namespace.run(lambda: drop_datagrams(DROPS))
    until_ns = time.time_ns()
    told.recover(lambda: recording.await_written(namespace))
    stopped = recording.stop()
    disk.count(Call.ANY)
    count, status = _counted(recording, namespace, since_ns, until_ns)
    if count < DROPS:
        recording.start()
        recording.stop()
        count, status = _counted(recording, namespace, since_ns, until_ns)
    told.lost = (DROPS - count) * (status == "complete")
    said = f"{count} of {DROPS}, {status}, exit {stopped}: {recording.log.read_text()}"
    assert count <= DROPS, said
    assert count == DROPS or status != "complete", said
    assert "Traceback" not in said


def test_calls_that_fail_one_after_the_other(namespace: Namespace, recording_on: Make) -> None:
    """A daemon that lives through fault after fault counts all drops, each once, and never says less than all."""
    recording, disk = recording_on()
    recording.start()
    since_ns = time.time_ns()
    rounds = 60 if LONG else 2
    for number in range(rounds):
        disk.fail(Call.ANY, 1 + number % 20, error=(errno.EIO, errno.ENOSPC)[number % 2], times=1 + number % 3)
        namespace.run(lambda: drop_datagrams(DROPS))
        recording.await_written(namespace)
        wait_for(lambda: not disk.failed or disk.counted >= disk.failed, "the fault is over")
    until_ns = time.time_ns()
    disk.count(Call.ANY)
    assert recording.stop() == 0
    assert _counted(recording, namespace, since_ns, until_ns) == (rounds * DROPS, "complete")
    assert "Traceback" not in recording.log.read_text()
