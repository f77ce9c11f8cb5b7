"""The snmp collector."""

import socket
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, snmp
from dropwatchd.kernel.host import Host
from tests.fixtures.namespace import Namespace


def test_columns_come_and_go() -> None:
    """A column is known by its name, for kernels add columns and print IcmpMsg only once it has some."""
    readings = snmp.parse("Udp: New NoPorts\nUdp: 1 2\nIcmpMsg: InType3\nIcmpMsg: 4\n", netns=7)
    assert {(reading.key.name, reading.value) for reading in readings} == {
        ("UdpNew", 1), ("UdpNoPorts", 2), ("IcmpMsgInType3", 4),
    }
    assert {reading.key.netns for reading in readings} == {7}


def test_truncated_table_is_a_failure() -> None:
    """Values that do not match their names are no data."""
    with pytest.raises(ValueError, match="zip"):
        snmp.parse("Udp: InDatagrams NoPorts\nUdp: 1\n", netns=None)


def test_absent(tmp_path: Path) -> None:
    """A kernel without the file is a host without these counters."""
    with pytest.raises(AbsentError, match="snmp"):
        snmp.collect(Host(proc=tmp_path, netns=1))


@pytest.mark.kernel
def test_closed_port_is_counted_in_the_namespace_of_the_thread() -> None:
    """Each datagram to a closed port counts in UdpNoPorts: of the namespace that the thread is in."""
    with Namespace() as namespace:
        before = namespace.run(_no_ports)
        namespace.run(_send_to_closed_port)
        assert namespace.run(_no_ports) - before == 100


def _no_ports() -> int:
    return next(reading.value for reading in snmp.collect(Host()) if reading.key.name == "UdpNoPorts")


def _send_to_closed_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(100):
            sender.sendto(b"", ("127.0.0.1", 9))
