"""The sockets collector, on real sockets."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dropwatchd.collectors import sockets
from dropwatchd.collectors._owners import Owners, _of_group
from dropwatchd.kernel.host import Host
from dropwatchd.model import CounterKey, Reading
from tests import fixtures
from tests.fixtures.namespace import Namespace

DATAGRAMS = 100


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


def labels_of_drops() -> dict[str, dict[str, str]]:
    """Return the labels of each protocol that has dropped, and the number as one of them."""
    found = sockets.collect(Host())
    return {dict(r.key.labels)["protocol"]: dict(r.key.labels) | {"drops": str(r.value)} for r in found}


def small(family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0) -> socket.socket:
    """Return a socket that holds a few packets only."""
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    return made


def send(family: socket.AddressFamily, address: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        for _ in range(DATAGRAMS):
            sender.sendto(bytes(500), address)


def received(full: socket.socket) -> int:
    number = 0
    with suppress(BlockingIOError):
        while full.recv(1000, socket.MSG_DONTWAIT):
            number += 1
    return number


@pytest.mark.kernel
@pytest.mark.parametrize(("family", "address", "protocol", "local"), [
    (socket.AF_INET, "127.0.0.1", "udp", "127.0.0.1:5060"),
    (socket.AF_INET6, "::1", "udp6", "[::1]:5060"),
])
def test_full_receive_buffer(
    namespace: Namespace, family: socket.AddressFamily, address: str, protocol: str, local: str,
) -> None:
    """What does not fit is counted at the socket, with its address, its process and its control group."""
    with namespace.run(lambda: small(family, socket.SOCK_DGRAM)) as full:
        full.bind((address, 5060))
        namespace.run(lambda: send(family, (address, 5060)))
        found = namespace.run(labels_of_drops)[protocol]
        assert int(found["drops"]) + received(full) == DATAGRAMS
        assert found["local"] == local
        assert found["pid"] == str(os.getpid())
        assert found["process"] == Path("/proc/self/comm").read_text().strip()
        assert found["inode"] == str(os.fstat(full.fileno()).st_ino)
        assert found["cgroup"].startswith("/")


@pytest.mark.kernel
def test_raw_and_packet_sockets(namespace: Namespace) -> None:
    """Sockets that see all packets have their own drops, known by what they listen to."""
    with (
        namespace.run(lambda: small(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)),
        namespace.run(lambda: small(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))),
    ):
        namespace.run(lambda: send(socket.AF_INET, ("127.0.0.1", 9)))
        found = namespace.run(labels_of_drops)
    assert {(name, labels["local"]) for name, labels in found.items()} == {
        ("raw", "0.0.0.0:17"), ("packet", "ethertype 0x0800"),
    }


@pytest.mark.kernel
def test_full_listen_queue(namespace: Namespace) -> None:
    """A listener has the drops of connections that it had no room for."""
    with namespace.run(socket.socket) as listener:
        listener.bind(("127.0.0.1", 8080))
        listener.listen(0)
        clients = [namespace.run(socket.socket) for _ in range(5)]
        for client in clients:
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(("127.0.0.1", 8080))
        found = namespace.run(labels_of_drops)["tcp"]
        for client in clients:
            client.close()
    assert found["local"] == "127.0.0.1:8080"
    assert int(found["drops"]) >= 3


@pytest.mark.kernel
def test_netlink_overrun(namespace: Namespace) -> None:
    """A program that does not read its notifications is named."""
    with namespace.run(lambda: small(socket.AF_NETLINK, socket.SOCK_RAW)) as unread:
        unread.bind((0, 1))
        namespace.command("ip -batch -", "".join(f"link set lo mtu {1300 + number}\n" for number in range(20)))
        found = namespace.run(labels_of_drops)["netlink"]
    assert found["local"].startswith("route:")
    assert found["pid"] == str(os.getpid())


def test_socket_that_is_being_closed(tmp_path: Path) -> None:
    """Sockets that no process holds any more are left out: several may look the same."""
    closing = sockets.Socket("udp", "127.0.0.1:5060", 0, 5)
    assert sockets.readings([closing, closing._replace(inode=7)], Host(proc=tmp_path, netns=fixtures.NETNS)) == [
        Reading(CounterKey("sockets", "drops", fixtures.NETNS, labels=(
            ("inode", "7"), ("local", "127.0.0.1:5060"), ("protocol", "udp"),
        )), 5, 32),
    ]


@pytest.mark.kernel
def test_sockets_without_drops_are_left_out(namespace: Namespace) -> None:
    """A host has thousands of sockets; only those that dropped are looked at."""
    with namespace.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as fine:
        fine.bind(("127.0.0.1", 5060))
        assert namespace.run(labels_of_drops) == {}


def test_owner_stays() -> None:
    """Labels are looked up once, so that a counter keeps its identity when its socket is handed on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        inode = os.fstat(own.fileno()).st_ino
        owners = Owners()
        first = owners.of(Path("/proc"), {inode})[inode]
    assert ("pid", str(os.getpid())) in first
    assert owners.of(Path("/proc"), {inode})[inode] == first
    assert owners.of(Path("/proc"), set()) == {}


@pytest.mark.kernel
def test_process_of_another_user(namespace: Namespace, tmp_path: Path) -> None:
    """Where the process cannot be seen, the control group still can: it names the service."""
    with namespace.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as bound:
        bound.bind(("127.0.0.1", 5060))
        inode = os.fstat(bound.fileno()).st_ino
        found = namespace.run(lambda: Owners().of(tmp_path, {inode})[inode])
    groups = Path("/proc/self/cgroup").read_text().splitlines()
    assert found == (("cgroup", next(line[3:] for line in groups if line.startswith("0::"))),)


def test_unreadable_process(tmp_path: Path) -> None:
    """Where no process can be seen to have it, a socket has no owner."""
    (tmp_path / "1234").mkdir()
    assert Owners().of(tmp_path, {77}) == {77: ()}


def test_group_of_a_container() -> None:
    """Its container is told beside the group; that of a service says it all by itself."""
    group = f"/docker/{'0f' * 32}"
    assert _of_group(group) == (("cgroup", group), ("container", "docker:0f0f0f0f0f0f"))
    assert _of_group("/system.slice/named.service") == (("cgroup", "/system.slice/named.service"),)
