"""The collector of sockets that take packets for one address or peer alone, on real sockets."""

import socket
from collections.abc import Iterator

import pytest

from dropwatchd.collectors import bound, sockets
from dropwatchd.kernel.host import Host
from tests.fixtures.namespace import Namespace

pytestmark = pytest.mark.kernel
EVERYBODY = "0.0.0.0"  # noqa: S104 - within a namespace of its own


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


def _found(netns: int) -> dict[tuple[str, str, str], int]:
    readings = bound.collect(Host(netns=netns))
    labels = [(dict(reading.key.labels), reading.value) for reading in readings]
    return {(own["protocol"], own["local"], own["peer"]): value for own, value in labels}


def _sockets() -> dict[str, socket.socket]:
    """Return sockets of each kind, in the namespace of the calling thread."""
    made = {name: socket.socket(family, kind) for name, family, kind in (
        ("connected", socket.AF_INET, socket.SOCK_DGRAM), ("wildcard", socket.AF_INET, socket.SOCK_DGRAM),
        ("client", socket.AF_INET, socket.SOCK_DGRAM), ("listener", socket.AF_INET6, socket.SOCK_STREAM),
        ("everybody", socket.AF_INET, socket.SOCK_STREAM))}
    made["connected"].bind((EVERYBODY, 53))
    made["connected"].connect(("127.0.0.9", 5353))
    made["wildcard"].bind((EVERYBODY, 54))
    made["client"].bind(("127.0.0.1", 40_000))
    for name, address in (("listener", "::1"), ("everybody", EVERYBODY)):
        made[name].bind((address, 80 if name == "listener" else 81))
        made[name].listen()
    return made


def test_sockets_that_do_not_take_everybodys_packets(namespace: Namespace) -> None:
    """Connected ones and such as are bound to an address; clients' ports and those for everybody are no news."""
    made = namespace.run(_sockets)
    there = {("tcp6", "[::1]:80", ""): 1, ("udp", "127.0.0.1:53", "127.0.0.9:5353"): 1}
    assert namespace.run(lambda: _found(1)) == there
    made["listener"].close()
    assert namespace.run(lambda: _found(1)) == {**there, ("tcp6", "[::1]:80", ""): 0}
    assert namespace.run(lambda: _found(1)) == {("udp", "127.0.0.1:53", "127.0.0.9:5353"): 1}
    for one in made.values():
        one.close()


def test_listeners_of_a_kernel_without_sock_diag(namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol 99 is one that no kernel has: the file tells the same."""
    made = namespace.run(_sockets)
    asked = namespace.run(lambda: _found(2))
    monkeypatch.setattr(sockets, "IPPROTO_TCP", 99)
    with pytest.raises(FileNotFoundError):
        namespace.run(lambda: sockets.listeners(socket.AF_INET6))
    assert namespace.run(lambda: _found(2)) == asked
    assert ("tcp6", "[::1]:80", "") in asked
    for one in made.values():
        one.close()


def test_listeners_stand_before_connections() -> None:
    """The first line that is none ends them, and a line that was cut short."""
    lines = ["  sl  local_address rem_address   st", "   0: 0100007F:0050 00000000:0000 0A",
             "   1: 0100007F:0051 0100007F:9000 01", "   2: 0100007F:0052 00000000:0000 0A"]
    assert list(bound.parse("tcp", "\n".join(lines))) == [("127.0.0.1:80", "0.0.0.0:0")]
    assert list(bound.parse("tcp", "\n".join([lines[0], lines[1][:-3]]))) == []
