"""The qdisc collector."""

import socket
import struct

import pytest

from dropwatchd.collectors import qdisc
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message
from tests.fixtures.namespace import Namespace

_IP_RECVERR = 11
LIMITED = """
qdisc add dev v0 root handle 8: tbf rate 8kbit burst 2000 limit 1000
qdisc add dev v0 clsact
"""


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: str, handle: int, parent: int, statistics: bytes) -> Message:
    """Return an RTM_NEWQDISC message of interface 2."""
    header = struct.pack("=BxxxiIII", 0, 2, handle, parent, 1)
    return Message(36, header + attribute(1, kind.encode() + b"\0") + attribute(7, statistics))


@pytest.mark.parametrize(("handle", "parent", "labels"), [
    (0x80010000, 0xFFFFFFFF, {"handle": "8001:", "parent": "root"}),
    (0xFFFF0000, 0xFFFFFFF1, {"handle": "ffff:", "parent": "ingress"}),
    (0x00020000, 0x0001000A, {"handle": "2:", "parent": "1:a"}),
    (0x00000000, 0x00000003, {"handle": "0:", "parent": ":3"}),
])
def test_place_of_a_qdisc(handle: int, parent: int, labels: dict[str, str]) -> None:
    """A qdisc is known by its handle and by where it hangs, also below an mq that the kernel made."""
    statistics = attribute(1, struct.pack("=QI", 1, 1))
    reading = qdisc.parse([message("fifo", handle, parent, statistics)], {2: "eth0"}, netns=None)[0]
    assert dict(reading.key.labels) == labels | {"kind": "fifo"}
    assert list(reading.key.labels) == sorted(reading.key.labels)


def test_packets_beyond_32_bit() -> None:
    """The number of packets goes on beyond 32 bits where the kernel says so."""
    statistics = attribute(1, struct.pack("=QI", 10, 5)) + attribute(8, struct.pack("=Q", 2**32 + 5))
    readings = qdisc.parse([message("fifo", 0, 0xFFFFFFFF, statistics)], {2: "eth0"}, netns=None)
    assert [(row.key.name, row.value) for row in readings] == [("bytes", 10), ("packets", 2**32 + 5)]


def test_noqueue_has_no_counters() -> None:
    """Virtual devices have a noqueue by default: it never counts."""
    assert qdisc.parse([message("noqueue", 0, 0xFFFFFFFF, b"")], {2: "lo"}, netns=None) == []


@pytest.mark.kernel
def test_drops_of_a_full_queue() -> None:
    """What a full queue refuses is counted: every datagram is either sent, queued or dropped."""
    with Namespace() as namespace:
        namespace.command("ip -batch -", (
            "link add v0 type veth peer name v1\nlink set v0 up\nlink set v1 up\n"
            "addr add 192.0.2.1/24 dev v0\nneigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0\n"
        ))
        namespace.command("sysctl -q net.ipv6.conf.v0.disable_ipv6=1")
        namespace.command("tc -batch -", LIMITED)
        refused = namespace.run(_overfill)
        readings = namespace.run(lambda: list(qdisc.collect(Host())))
    root = {r.key.name: r.value for r in readings if dict(r.key.labels)["parent"] == "root"}
    assert root["drops"] == refused > 0
    assert root["packets"] + root["qlen"] >= 100 - refused
    assert {dict(r.key.labels)["kind"] for r in readings} == {"tbf", "clsact"}


def _overfill() -> int:
    """Send 100 datagrams and return how many the kernel refused, which it says with IP_RECVERR."""
    refused = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        for _ in range(100):
            try:
                sender.sendto(bytes(400), ("192.0.2.2", 9))
            except OSError:
                refused += 1
    return refused
