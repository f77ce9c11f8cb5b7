"""The bridge collector."""

import struct

import pytest

from dropwatchd.collectors import AbsentError, bridge
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, packed
from tests import fixtures
from tests.fixtures.namespace import Namespace


def test_vlans_of_a_port() -> None:
    """Each VLAN of a port has what came and went by it, and the port how often it was blocked."""
    vlans = b"".join(packed(1, struct.pack("=QQQQHH4x", vlan, 1, 2, 3, vlan, 0)) for vlan in (10, 20))
    spanning = packed(4, struct.pack("=6Q", 5, 0, 0, 0, 0, 0))
    payload = struct.pack("=BxxxiI", 0, 3, 4) + packed(3, packed(1, vlans + spanning))
    assert fixtures.describe(bridge.parse_statistics([Message(92, payload)], {3: "port"}, netns=None)).splitlines() == [
        "port vlan=10 vlan_rx_bytes 10",
        "port vlan=10 vlan_rx_packets 1",
        "port vlan=10 vlan_tx_bytes 2",
        "port vlan=10 vlan_tx_packets 3",
        "port vlan=20 vlan_rx_bytes 20",
        "port vlan=20 vlan_rx_packets 1",
        "port vlan=20 vlan_tx_bytes 2",
        "port vlan=20 vlan_tx_packets 3",
        "port transition_blk 5",
        "zero: 0",
    ]


@pytest.mark.kernel
def test_port_of_a_bridge() -> None:
    """A port has a state, 0 as long as it is down; devices that are no ports have none. Some kernels count VLANs."""
    with Namespace() as namespace:
        with pytest.raises(AbsentError, match="port"):
            namespace.run(lambda: bridge.collect(Host()))
        namespace.command("ip link add name br0 type bridge")
        namespace.command("ip link add left type veth peer name right")
        namespace.command("ip link set left master br0")
        found = namespace.run(lambda: list(bridge.collect(Host())))
    assert {reading.key.interface for reading in found} == {"left"}
    assert {(r.key.name, r.value, r.bits) for r in found} >= {
        ("state", 0, 0), ("transition_blk", 0, 64),
    }
