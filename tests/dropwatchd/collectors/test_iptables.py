"""The iptables collector, on real legacy tables."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, iptables
from dropwatchd.kernel.host import Host
from tests import fixtures
from tests.fixtures.namespace import Namespace

PACKETS = 10
Labels = dict[str, str]
legacy = pytest.mark.skipif(not shutil.which("iptables-legacy"), reason="the package iptables is not installed")


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


def refused(namespace: Namespace) -> list[tuple[int, Labels]]:
    found = namespace.run(lambda: list(iptables.collect(Host())))
    return [(reading.value, dict(reading.key.labels)) for reading in found if reading.key.name == "packets"]


def send(family: socket.AddressFamily, address: str, *ports: int) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        for port in ports:
            for _ in range(PACKETS):
                with suppress(OSError):
                    sender.sendto(b"", (address, port))


@legacy
@pytest.mark.kernel
@pytest.mark.parametrize(("program", "family", "address", "label"), [
    ("iptables-legacy", socket.AF_INET, "127.0.0.1", "ip"),
    ("ip6tables-legacy", socket.AF_INET6, "::1", "ip6"),
])
def test_rules_and_policy(
    namespace: Namespace, program: str, family: socket.AddressFamily, address: str, label: str,
) -> None:
    """Rules that drop or reject, in any chain, and the policy have their packets."""
    namespace.command(f"{program} -N mine")
    namespace.command(f"{program} -A INPUT -p udp --dport 1001 -j mine")
    namespace.command(f"{program} -A mine -m comment --comment phones -j DROP")
    namespace.command(f"{program} -A INPUT -p udp --dport 1002 -j REJECT")
    namespace.command(f"{program} -A INPUT -p udp --dport 1003 -j ACCEPT")
    namespace.command(f"{program} -A INPUT ! -p udp -j ACCEPT")
    namespace.command(f"{program} -P INPUT DROP")
    namespace.run(lambda: send(family, address, 1001, 1002, 1003, 1004))
    found = refused(namespace)
    assert [(packets, labels["chain"], labels["verdict"]) for packets, labels in found] == [
        (PACKETS, "INPUT", "reject"), (PACKETS, "INPUT", "policy drop"), (PACKETS, "mine", "drop"),
    ]
    assert {labels["family"] for _packets, labels in found} == {label}
    assert found[2][1]["comment"] == "phones"


@legacy
@pytest.mark.kernel
def test_rule_keeps_its_identity(namespace: Namespace) -> None:
    """A rule stays the same when others come before it; rules that say the same are numbered."""
    rule = "iptables-legacy {} INPUT -p udp --dport 1001 -j DROP"
    namespace.command(rule.format("-A"))
    ((_packets, before),) = refused(namespace)
    namespace.command("iptables-legacy -I INPUT -p udp --dport 1000 -j DROP")
    namespace.command(rule.format("-A"))
    namespace.run(lambda: send(socket.AF_INET, "127.0.0.1", 1001))
    same = [(packets, labels) for packets, labels in refused(namespace) if labels["rule"] == before["rule"]]
    assert same == [(PACKETS, before), (0, before | {"twin": "2"})]


def test_no_tables(tmp_path: Path) -> None:
    """Without legacy tables nothing is asked, for asking would make them."""
    with pytest.raises(AbsentError, match="no tables"):
        iptables.collect(Host(proc=tmp_path, netns=fixtures.NETNS))
