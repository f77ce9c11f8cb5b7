"""Names of interfaces and namespaces: as they were when the packet was dropped, and harmless whatever they are."""

import sys
import time

import pytest

from tests.fixtures.container import container
from tests.gallery.packets import ethernet
from tests.gallery.recording import Recording, Row
from tests.gallery.stage import HOST_MAC, SENDER_MAC, Stage, await_links

pytestmark = pytest.mark.kernel
EXPERIMENTAL = 0x88B5


def provoke(stage: Stage, count: int) -> None:
    """Drop frames that nobody receives on the host's interface towards the sender, whatever it is called."""
    stage.send_frame(ethernet(SENDER_MAC, HOST_MAC, EXPERIMENTAL, bytes(46)), count)


def rename(stage: Stage, old: str, new: str) -> None:
    for action in (("down",), ("name", new)):
        stage.host.command_words("ip", "link", "set", old, *action)
    stage.host.command_words("ip", "link", "set", new, "up")
    await_links(stage.sender, "wire")


def rows_of(recording: Recording, stage: Stage, since_ns: int) -> list[Row]:
    recording.await_written(stage.sender)
    rows: list[Row] = recording.report(since_ns, "--netns", stage.host.name, "--reason", "UNHANDLED_PROTO")["drops"]
    return sorted(rows, key=lambda row: str(row["interface"]))


def test_renamed(stage: Stage, recording: Recording) -> None:
    """What was dropped before an interface was renamed keeps the old name, what came after has the new one."""
    since_ns = time.time_ns()
    provoke(stage, 7)
    rename(stage, "in0", "uplink")
    provoke(stage, 5)
    rows = rows_of(recording, stage, since_ns)
    assert [(row["interface"], row["count"]) for row in rows] == [("in0", 7), ("uplink", 5)]
    assert {row["ifindex"] for row in rows} == {stage.indexes["host", "in0"]}


def test_deleted(stage: Stage, recording: Recording) -> None:
    """An interface that is deleted right after the drop is named all the same."""
    since_ns = time.time_ns()
    provoke(stage, 7)
    stage.host.command("ip link delete in0")
    rows = rows_of(recording, stage, since_ns)
    assert [(row["interface"], row["count"]) for row in rows] == [("in0", 7)]


def test_deleted_namespace(recording: Recording) -> None:
    """Drops in a namespace that is gone before they are read are recorded under its name, or at least its number."""
    since_ns = time.time_ns()
    with Stage() as gone:
        provoke(gone, 7)
        host, inode = gone.host.name, gone.host.inode
    with Stage() as other:
        recording.await_written(other.sender)
    rows = [row for row in recording.report(since_ns)["drops"] if row["netns"] in {host, f"net:[{inode}]"}]
    assert [(row["count"], row["interface"]) for row in rows if row["reason"] == "UNHANDLED_PROTO"] == [(7, "in0")]


@pytest.mark.parametrize(
    "name", ["a\x1b[31mred", "\x1b]0;title\x07", "\u202eoht\x1b[2J", "=1+1", "--help", "\x9b31m"])
def test_hostile(name: str, stage: Stage, recording: Recording) -> None:
    """Whatever an interface is called reaches JSON as it is, and a terminal without anything that it would obey."""
    since_ns = time.time_ns()
    rename(stage, "in0", name)
    provoke(stage, 3)
    assert [(row["interface"], row["count"]) for row in rows_of(recording, stage, since_ns)] == [(name, 3)]
    for format_ in ("table", "json"):
        text = recording.dwreport("--since", f"@{since_ns / 1e9:.9f}", "--format", format_)
        assert not {character for character in text if not character.isprintable() and character != "\n"}


def test_not_text(stage: Stage, recording: Recording) -> None:
    """A name that is no UTF-8 is recorded byte by byte, as its counters are."""
    since_ns = time.time_ns()
    rename(stage, "in0", "in\udcff0")  # the byte 0xff, as Python passes it on
    provoke(stage, 3)
    assert [(row["interface"], row["count"]) for row in rows_of(recording, stage, since_ns)] == [("in\\xff0", 3)]


SEND = "import socket; one = socket.socket(2, 2); one.sendto(b'', ('127.0.0.1', 9))"


def test_a_namespace_without_a_file_is_named_by_the_container_in_it(stage: Stage, recording: Recording) -> None:
    """Engines keep no file of it where `ip netns` looks: what lives there is known by its control group."""
    since_ns = time.time_ns()
    with container(f"system.slice/docker-{'3f2a9c1b7d20' + 'e' * 52}.scope") as made:
        made.command("ip", "link", "set", "lo", "up")
        for _ in range(7):
            made.command(sys.executable, "-c", SEND)
        recording.await_written(stage.sender)
    rows = recording.report(since_ns, "--netns", "docker:3f2a9c1b7d20", "--reason", "NO_SOCKET")["drops"]
    assert [(row["count"], row["netns"], row["interface"]) for row in rows] == [(7, "docker:3f2a9c1b7d20", "lo")]
