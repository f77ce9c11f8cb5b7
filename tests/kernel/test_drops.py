"""Real drops come out of dwreport's JSON as they went in: count, reason, interface, namespace, and nothing beside."""

import time

import pytest

from tests.gallery.recording import Recording, Row
from tests.gallery.scenarios import scenario
from tests.gallery.score import symbol
from tests.gallery.stage import Stage

pytestmark = pytest.mark.kernel


def report(name: str, stage: Stage, recording: Recording) -> tuple[int, Row, list[Row]]:
    """Play a scenario; return how many it dropped, the report, and the drops in the namespace of the host."""
    since_ns = time.time_ns()
    provoked = scenario(name).provoke(stage)
    until_ns = recording.await_written(stage.sender)
    answer = recording.report(since_ns, "--until", f"@{until_ns / 1e9:.9f}", "--netns", stage.host.name)
    return provoked, answer, answer["drops"]


@pytest.mark.parametrize(("name", "said"), [
    ("udp_closed_port", ("NO_SOCKET", "in0", "ipv4")),
    ("udp_receive_buffer_full", ("SOCKET_RCVBUFF", "in0", "ipv4")),
    ("nft_input", ("NETFILTER_DROP", "in0", "ipv4")),
    ("nft_output", ("NETFILTER_DROP", "out0", "ipv4")),
    ("unknown_ethertype", ("UNHANDLED_PROTO", "in0", "0x88b5")),
])
def test_drop(name: str, said: tuple[str, str, str], stage: Stage, recording: Recording) -> None:
    """One row, with the exact count and everything that the kernel knows of it, and no other in that namespace."""
    provoked, answer, rows = report(name, stage, recording)
    assert [row["count"] for row in rows] == [provoked]
    row = rows[0]
    assert (row["reason"], row["interface"], row["protocol"]) == said
    assert (row["netns"], row["ifindex"]) == (stage.host.name, stage.indexes["host", row["interface"]])
    assert (row["origin"], row["trap"]) == ("software", None)
    assert row["first"] <= row["last"]
    assert symbol(row) in scenario(name).locations
    assert answer["coverage"]["status"] == "complete"


def test_bytes(stage: Stage, recording: Recording) -> None:
    """Bytes are those of the packets as the kernel had them when it dropped them: here from the UDP header on."""
    since_ns = time.time_ns()
    with stage.send_all(10):
        stage.send_udp(count=10, payload=bytes(92))
    recording.await_written(stage.sender)
    rows = recording.report(since_ns, "--netns", stage.host.name)["drops"]
    assert [(row["count"], row["bytes"]) for row in rows] == [(10, 1000)]


@pytest.mark.parametrize(("option", "matching", "other"), [
    ("--reason", "NO_SOCKET", "NETFILTER_DROP"),
    ("--interface", "in0", "out0"),
    ("--location", "__udp4*", "tcp_*"),
    ("--protocol", "ipv4", "ipv6"),
    ("--origin", "software", "hardware"),
])
def test_filters(option: str, matching: str, other: str, stage: Stage, recording: Recording) -> None:
    """Each filter keeps what matches and nothing else."""
    since_ns = time.time_ns()
    provoked = scenario("udp_closed_port").provoke(stage)
    recording.await_written(stage.sender)
    own = ("--netns", stage.host.name)
    assert [row["count"] for row in recording.report(since_ns, *own, option, matching)["drops"]] == [provoked]
    assert recording.report(since_ns, *own, option, other)["drops"] == []


def test_packets(stage: Stage, recording: Recording) -> None:
    """Sampled packets are the headers of the wire, and stand for all that were dropped; nobody's data is recorded."""
    since_ns = time.time_ns()
    stage.send_udp(count=3, payload=b"gallery of drops")
    recording.await_written(stage.sender)
    packets = recording.query(
        "SELECT p.length, p.weight, p.link_header, p.data FROM packets p JOIN interfaces i ON i.id = p.interface_id"
        " JOIN namespaces n ON n.id = i.namespace_id WHERE n.inode = ? AND p.time_ns > ?", (stage.host.inode, since_ns))
    assert sum(packet["weight"] for packet in packets) == 3
    for packet in packets:
        assert packet["link_header"]
        assert packet["length"] == len(packet["data"]) + 16 == 14 + 20 + 8 + 16
        assert b"gallery" not in packet["data"]
