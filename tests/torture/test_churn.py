"""Namespaces and devices that come and go: each drop is recorded under its namespace's name, and memory stays flat."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gallery.namespace import Namespace, command, wait_for
from tests.gallery.needs import require_kernel
from tests.gallery.recording import Recording
from tests.torture.conftest import LONG, drop_datagrams
from tests.torture.outcome import Outcome

pytestmark = pytest.mark.kernel
NAMESPACES = 300 if LONG else 4
LINKS = 1000 if LONG else 8
SECONDS = 3600 if LONG else 0
WARM = NAMESPACES // 4  # until then caches fill
DROPS = 30
LIFE_S = 0.3 if LONG else 1.0  # what comes and goes between two looks has no name, and others load this machine
GROWTH_KIB = 8192


def test_an_hour_of_churn(fresh_daemon: Recording, outcome: Callable[[str], Outcome]) -> None:
    """All of them are watched and read; what is kept of those that have gone goes as well."""
    require_kernel()
    fresh_daemon.configure('[counters]\nnamespaces = ["*"]\ninterval_seconds = 5.0\n')
    fresh_daemon.start()
    told = outcome("namespaces and devices come and go")
    begun, warm_kib, left = time.monotonic(), 0, LINKS
    for number in range(NAMESPACES):
        pairs = left // (NAMESPACES - number)
        left -= pairs
        _live(number, pairs)
        told.tries += 1
        if number == WARM:
            warm_kib = _resident_kib(fresh_daemon)
        threading.Event().wait(max(0.0, begun + SECONDS * number / NAMESPACES - time.monotonic()))
    told.recover(lambda: wait_for(lambda: len(_counts(fresh_daemon)) == NAMESPACES, "all are on record"))
    grown_kib = _resident_kib(fresh_daemon) - warm_kib
    print(f"resident: {warm_kib} KiB after {WARM} namespaces, {grown_kib:+} KiB since")
    assert fresh_daemon.stop() == 0
    counts = _counts(fresh_daemon)
    told.lost = sum(DROPS - count for count in counts.values()) + DROPS * (NAMESPACES - len(counts))
    assert counts == {f"churn-{number}": DROPS for number in range(NAMESPACES)}
    assert not LONG or grown_kib < GROWTH_KIB  # in less, caches still fill
    assert "Traceback" not in fresh_daemon.log.read_text()


def _live(number: int, pairs: int) -> None:
    """Make a namespace and devices that lead into it, drop something there, and remove it all."""
    with Namespace(f"churn-{number}") as made:
        for pair in range(pairs):
            name = f"c{number}-{pair}"
            command(f"ip link add {name} type veth peer name {name}b netns {made.name}")
        made.run(lambda: drop_datagrams(DROPS))
        threading.Event().wait(LIFE_S)


def _counts(recording: Recording) -> dict[str, int]:
    rows = recording.query("SELECT netns, sum(count) AS count FROM v_drops"
                           " WHERE reason = 'NO_SOCKET' AND netns LIKE 'churn-%' GROUP BY netns")
    return {row["netns"]: row["count"] for row in rows}


def _resident_kib(recording: Recording) -> int:
    status = Path(f"/proc/{recording.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
