"""The xfrm collector."""

import socket

import pytest

from dropwatchd.collectors import xfrm
from dropwatchd.kernel.host import Host
from tests.fixtures.namespace import Namespace

LINKS = """
link add left type veth peer name right
link set left up
link set right up
addr add 192.0.2.1/24 dev left
"""


@pytest.mark.kernel
def test_blocked_by_a_policy() -> None:
    """What an outgoing policy blocks is counted by that reason."""
    with Namespace() as namespace:
        namespace.command("ip -batch -", LINKS)
        namespace.command("ip xfrm policy add dst 192.0.2.2/32 dir out action block")
        namespace.run(_send)
        found = namespace.run(lambda: {r.key.name: r.value for r in xfrm.collect(Host()) if r.value})
    assert found == {"XfrmOutPolBlock": 10}


def _send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(10):
            with pytest.raises(PermissionError):
                sender.sendto(b"", ("192.0.2.2", 9))
