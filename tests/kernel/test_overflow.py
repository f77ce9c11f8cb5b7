"""More kinds of drops than the kernel's map holds: detail goes, counts stay, and the ledger says so."""

import time

import pytest

from tests.gallery.packets import ethernet
from tests.gallery.recording import Recording
from tests.gallery.stage import HOST_MAC, SENDER_MAC, Stage

pytestmark = pytest.mark.kernel
FIRST_TYPE, TYPES, EACH = 0x9000, 200, 3
ROOM = "[bpf]\nmax_keys = 64\n"


def test_counts_survive(stage: Stage, fresh: Recording) -> None:
    """Of 200 kinds of drops few have room: every drop is counted, those without room by place, reason, namespace."""
    fresh.configure(ROOM)
    fresh.start()
    since_ns = time.time_ns()
    for ethertype in range(FIRST_TYPE, FIRST_TYPE + TYPES):
        stage.send_frame(ethernet(SENDER_MAC, HOST_MAC, ethertype, bytes(46)), EACH)
    fresh.await_written(stage.sender)
    answer = fresh.report(since_ns)
    rows = [row for row in answer["drops"] if row["reason"] == "UNHANDLED_PROTO" and row["netns"] == stage.host.name]
    assert sum(row["count"] for row in rows) == TYPES * EACH
    assert all(row["location"]["symbol"] for row in rows)
    crowded = [row for row in rows if row["interface"] is None]
    assert 0 < sum(row["count"] for row in crowded) < TYPES * EACH
    assert {row["protocol"] for row in crowded} == {None}
    full = [gap for gap in answer["coverage"]["gaps"] if gap["cause"] == "map full"]
    assert sum(gap["lost"] for gap in full) >= sum(row["count"] for row in crowded)
    assert {gap["effect"] for gap in full} == {"detail"}


def test_room_is_made(stage: Stage, fresh: Recording) -> None:
    """Kinds that had no room are still counted exactly when they come again and again."""
    fresh.configure(ROOM)
    fresh.start()
    since_ns = time.time_ns()
    for _ in range(3):
        for ethertype in range(FIRST_TYPE, FIRST_TYPE + TYPES):
            stage.send_frame(ethernet(SENDER_MAC, HOST_MAC, ethertype, bytes(46)))
        fresh.await_written(stage.sender)
    rows = [row for row in fresh.report(since_ns)["drops"] if row["reason"] == "UNHANDLED_PROTO"]
    own = [row for row in rows if row["netns"] == stage.host.name]
    assert sum(row["count"] for row in own) == 3 * TYPES
