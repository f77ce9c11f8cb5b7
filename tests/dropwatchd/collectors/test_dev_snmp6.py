"""The dev_snmp6 collector."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, dev_snmp6
from dropwatchd.kernel.host import Host
from tests import fixtures
from tests.fixtures.namespace import Namespace
from tests.gallery import packets

_FOR_EXPERIMENTS = 253  # RFC 3692
SENT = 5


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


def _send() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        for _ in range(SENT):
            sender.sendto(packets.ipv6("::1", "::1", _FOR_EXPERIMENTS, b"unknown"), ("::1", 0))


@pytest.mark.kernel
def test_what_an_interface_lost_is_its_own(namespace: Namespace) -> None:
    """Packets that nothing here handles count at the interface that they came by, and at no other."""
    namespace.command("ip link add left type veth peer name right")

    def read() -> dict[tuple[str | None, str], int]:
        return {(row.key.interface, row.key.name): row.value for row in dev_snmp6.collect(Host()) if row.value}

    before = namespace.run(read)
    namespace.run(_send)
    after = namespace.run(read)
    moved = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    assert moved == {("lo", "InUnknownProtos"): SENT}


def test_what_is_no_loss_is_left_out() -> None:
    """A host has many interfaces, and each some eighty counters; the number of the interface is none of them."""
    text = "ifIndex 7\nIp6InReceives 9\nIp6InDiscards 3\nIp6FragFails 0\nIcmp6InErrors 2\n"
    found = [(row.key.ifindex, row.key.interface, row.key.name, row.value)
             for row in dev_snmp6.parse("eth0", text, fixtures.NETNS)]
    assert found == [(7, "eth0", "InDiscards", 3), (7, "eth0", "FragFails", 0)]


def test_an_interface_may_have_any_name(tmp_path: Path) -> None:
    """One that is not UTF-8 is escaped, as in what the kernel tells of it by netlink."""
    folder = tmp_path / "thread-self/net/dev_snmp6"
    folder.mkdir(parents=True)
    (folder / os.fsdecode(b"a\xff")).write_text("ifIndex 7\nIp6InDiscards 3\n")
    assert [row.key.interface for row in dev_snmp6.collect(Host(proc=tmp_path, netns=1))] == ["a\\xff"]


def test_a_host_without_ipv6(tmp_path: Path) -> None:
    """There are no such counters."""
    with pytest.raises(AbsentError, match="dev_snmp6"):
        dev_snmp6.collect(Host(proc=tmp_path, netns=fixtures.NETNS))
