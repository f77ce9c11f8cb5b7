"""The link collector."""

import json
import socket
import struct

import pytest

from dropwatchd.collectors import link
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import Link
from dropwatchd.kernel.netlink import Message
from tests.fixtures.namespace import Namespace

ETH0 = Link("eth0", "", enabled=True, running=True)


def statistics(ifindex: int, *values: int) -> Message:
    """Return an RTM_NEWSTATS message."""
    body = struct.pack(f"={len(values)}Q", *values)
    return Message(92, struct.pack("=BxxxiI", 0, ifindex, 1) + struct.pack("=HH", 4 + len(body), 1) + body)


def test_structure_of_another_kernel() -> None:
    """A shorter structure has fewer counters; fields that came later have no name yet and are left out."""
    shorter = link.parse([statistics(1, 5, 6)], {1: ETH0}, netns=None)
    longer = link.parse([statistics(1, *range(30))], {1: ETH0}, netns=None)
    assert [reading.key.name for reading in shorter] == ["rx_packets", "tx_packets"]
    assert [reading.value for reading in longer] == list(range(25))


def test_device_without_a_name_waits() -> None:
    """A device that was made between the two dumps is read in the next round."""
    assert link.parse([statistics(3, 1)], {1: ETH0}, netns=None) == []


def test_hardware_comes_with_what_it_has_counted() -> None:
    """A card that a container gives back is not new; a device that the kernel makes is."""
    veth = ETH0._replace(kind="veth")
    assert {reading.from_zero for reading in link.parse([statistics(1, 5)], {1: ETH0}, netns=None)} == {False}
    assert {reading.from_zero for reading in link.parse([statistics(1, 5)], {1: veth}, netns=None)} == {True}


@pytest.mark.kernel
def test_traffic_of_loopback() -> None:
    """Three datagrams to a closed port and what they are answered with are six packets, as `ip` says too."""
    with Namespace() as namespace:
        namespace.command("ip link add left type veth peer name right")
        namespace.run(_three_datagrams)
        shown = json.loads(namespace.command("ip -s -s -j link show lo"))[0]["stats64"]
        readings = namespace.run(lambda: list(link.collect(Host())))
    assert {reading.key.interface for reading in readings} == {"lo", "left", "right"}
    values = {reading.key.name: reading.value for reading in readings if reading.key.interface == "lo"}
    assert values["rx_packets"] == shown["rx"]["packets"] == 6
    assert values["tx_bytes"] == shown["tx"]["bytes"] == 3 * 28 + 3 * 56


def _three_datagrams() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(3):
            sender.sendto(b"", ("127.0.0.1", 9))
