"""The xdp collector."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, xdp
from dropwatchd.kernel.host import Host
from tests.fixtures.namespace import Namespace

PROTOCOLS = Path("/proc/net/protocols").read_text()
AF_XDP = 44


def test_sockets_are_counted() -> None:
    """The kernel counts the sockets of each protocol, in each namespace."""
    assert xdp.count("protocol  size sockets\nPACKET    1600      7\nXDP       1088      2\n") == 2
    assert xdp.count("protocol  size sockets\nPACKET    1600      7\n") == 0


@pytest.mark.kernel
@pytest.mark.skipif("XDP " not in PROTOCOLS, reason="this kernel has no AF_XDP")
def test_sockets_of_a_namespace() -> None:
    """Nothing is asked where no socket is open; one that the kernel tells nothing of is a failure, not silence."""
    with Namespace() as namespace:
        with pytest.raises(AbsentError, match="no AF_XDP socket"):
            namespace.run(lambda: xdp.collect(Host()))
        with namespace.run(lambda: socket.socket(AF_XDP, socket.SOCK_RAW, 0)), suppress(LookupError):
            assert namespace.run(lambda: list(xdp.collect(Host()))) == []
