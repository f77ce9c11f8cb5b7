"""The conntrack collector."""

import socket
import struct
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, conntrack
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, packed
from tests import fixtures
from tests.fixtures.namespace import Namespace

FIN, SYN = 1, 2
RULES = """
add table t
add chain t c { type filter hook input priority 0; }
add rule t c ct state new
"""
NAMES = [
    "found", "invalid", "insert", "insert_failed", "drop", "early_drop", "error", "search_restart", "clash_resolve",
    "chain_toolong",
]


def test_file_and_netlink_say_the_same() -> None:
    """Both have the same names for the same counters, per CPU and 32 bit wide."""
    columns = (
        "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop "
        "icmp_error  expect_new expect_create expect_delete search_restart\n"
        "0000000f 00000009 00000001 0 00000002 0 0 0000000a 00000003 00000004 00000005 00000006 "
        "00000007 0 0 0 00000008\n"
    )
    order = {2: 1, 4: 2, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 8, 14: 9, 15: 10}
    attributes = b"".join(packed(kind, struct.pack(">I", value)) for kind, value in order.items())
    message = Message(0x0104, struct.pack(">BBH", 0, 0, 0) + attributes)
    by_file = {r.key: r for r in conntrack.parse(columns, netns=7)}
    by_netlink = {r.key: r for r in conntrack.parse_messages([message], netns=7)}
    assert by_file == by_netlink
    assert [key.name for key in by_netlink] == NAMES
    assert [reading.value for reading in by_netlink.values()] == list(range(1, 11))
    assert {(reading.bits, reading.key.labels) for reading in by_file.values()} == {(32, (("cpu", "0"),))}


def test_not_loaded(tmp_path: Path) -> None:
    """Without connection tracking nothing is asked, for asking would load it."""
    with pytest.raises(AbsentError, match="nf_conntrack_count"):
        conntrack.collect(Host(proc=tmp_path, netns=fixtures.NETNS))


@pytest.mark.kernel
def test_invalid_packets() -> None:
    """A segment that ends the connection it opens is invalid: on its way out, and again on its way in."""
    with Namespace() as namespace:
        namespace.command("nft -f -", RULES)
        before = namespace.run(_invalid)
        namespace.run(_wrong_flags)
        assert namespace.run(_invalid) - before == 20


def _invalid() -> int:
    return sum(reading.value for reading in conntrack.collect(Host()) if reading.key.name == "invalid")


def _wrong_flags() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as sender:
        for _ in range(10):
            segment = struct.pack(">HHIIBBHHH", 1000, 1001, 0, 0, 5 << 4, SYN | FIN, 0, 0, 0)
            sender.sendto(segment, ("127.0.0.1", 0))
