"""The stage: a sender, the host under test and a far neighbour, each a network namespace, joined by veth pairs."""

import itertools
import os
import re
import socket
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Self, TypeVar

from tests.gallery import packets
from tests.gallery.namespace import Namespace, wait_for

SENDER, HOST = "192.0.2.1", "192.0.2.2"
HOST_FAR, FAR = "198.51.100.1", "198.51.100.2"
STRANGER = "192.0.2.77"  # the sender's address where its own kernel must not answer
SENDER6, HOST6 = "2001:db8:1::1", "2001:db8:1::2"
STRANGER6 = "2001:db8:1::77"
SENDER_MAC, HOST_MAC = "02:00:00:00:01:01", "02:00:00:00:01:02"
HOST_FAR_MAC, FAR_MAC = "02:00:00:00:02:01", "02:00:00:00:02:02"
ROLES = ("sender", "host", "far")
_serial = itertools.count(1)
T = TypeVar("T")


class Stage:
    """sender[wire] --- [in0]host[out0] --- [in0]far.

    Neighbours are permanent entries, so nothing but what a scenario sends is on the wires. No two devices share an
    interface index, so that an index says which device it is even where no namespace is told.
    """

    def __init__(self, label: str = "") -> None:
        number = next(_serial)
        self.label = label or f"gallery-{os.getpid()}-{number}"
        first = 1000 + 10 * number
        self.indexes = {("sender", "wire"): first, ("host", "in0"): first + 1, ("host", "out0"): first + 2,
                        ("far", "in0"): first + 3}
        self.sender, self.host, self.far = (Namespace(f"{self.label}-{role}") for role in ROLES)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for namespace in (self.sender, self.host, self.far):
                stack.enter_context(namespace)
            self.sender.commands(self._join("sender", "wire", self.host, "in0"),
                                 *_address("wire", SENDER, SENDER_MAC, (HOST, HOST_MAC)),
                                 f"route add default via {HOST}")
            self.host.commands(self._join("host", "out0", self.far, "in0"),
                               *_address("in0", HOST, HOST_MAC, (SENDER, SENDER_MAC), (STRANGER, SENDER_MAC)),
                               *_address("out0", HOST_FAR, HOST_FAR_MAC, (FAR, FAR_MAC)))
            self.far.commands(*_address("in0", FAR, FAR_MAC, (HOST_FAR, HOST_FAR_MAC)),
                              f"route add default via {HOST_FAR}")
            for namespace, *devices in ((self.sender, "wire"), (self.host, "in0", "out0"), (self.far, "in0")):
                await_links(namespace, *devices)
            self._wire = stack.enter_context(self.sender.run(_packet_socket))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._stack.close()

    def namespace(self, role: str) -> Namespace:
        return {"sender": self.sender, "host": self.host, "far": self.far}[role]

    def send_frame(self, frame: bytes, count: int = 1) -> None:
        """Put a frame on the sender's wire, `count` times."""
        for _ in range(count):
            self._wire.send(frame)

    def send_ipv4(self, packet: bytes, count: int = 1, *, target: str = HOST_MAC) -> None:
        self.send_frame(packets.ethernet(SENDER_MAC, target, packets.IPV4, packet), count)

    def send_ipv6(self, packet: bytes, count: int = 1) -> None:
        self.send_frame(packets.ethernet(SENDER_MAC, HOST_MAC, packets.IPV6, packet), count)

    def send_udp(self, port: int = 9, count: int = 1, *, target: str = HOST, payload: bytes = b"gallery") -> None:
        """Send well-formed datagrams to a port of the host under test, or of another one behind it."""
        datagram = packets.udp(SENDER, target, port, payload)
        self.send_ipv4(packets.ipv4(SENDER, target, packets.UDP, datagram), count)

    def send_all(self, sends: int, count_name: str = "IpInReceives") -> "_Arrival":
        """Return a context in which `sends` packets are sent; it is left when the host's IP layer has taken them."""
        return _Arrival(self.host, sends, count_name)

    def keep(self, resource: AbstractContextManager[T]) -> T:
        """Enter a context that lasts until the scenario has been judged: counters vanish with what they count for."""
        return self._stack.enter_context(resource)

    def forward(self) -> None:
        """Make the host under test a router."""
        self.host.sysctl("ipv4/ip_forward", 1)

    def enable_ipv6(self) -> None:
        """Give sender and host IPv6 addresses that need no probing, and silence everything that IPv6 says unasked."""
        for namespace, device in ((self.sender, "wire"), (self.host, "in0")):
            for key, value in (("accept_ra", 0), ("router_solicitations", 0), ("accept_dad", 0), ("addr_gen_mode", 1),
                               ("disable_ipv6", 0)):
                namespace.sysctl(f"ipv6/conf/{device}/{key}", value)
        # An address joins a group, and says so to the other side: which has no route for that while it is starting.
        self.sender.command(f"ip address add {SENDER6}/64 dev wire nodad")
        self.host.command(f"ip address add {HOST6}/64 dev in0 nodad")
        self.sender.command(f"ip -6 neighbour replace {HOST6} lladdr {HOST_MAC} dev wire nud permanent")
        for address in (SENDER6, STRANGER6):
            self.host.command(f"ip -6 neighbour replace {address} lladdr {SENDER_MAC} dev in0 nud permanent")
        # The kernel makes the route to an address of its own in a work queue, also where it is not probed.
        for namespace, address in ((self.sender, SENDER6), (self.host, HOST6)):
            wait_for(partial(_is_local, namespace, address), "the route to its own IPv6 address")

    def _join(self, role: str, device: str, other: Namespace, peer: str) -> str:
        index = self.indexes[role, device]
        return (f"link add {device} index {index} numtxqueues 1 numrxqueues 1 type veth"
                f" peer name {peer} index {index + 1} netns {other.name}")


def _is_local(namespace: Namespace, address: str) -> bool:
    return f"local {address} " in namespace.command("ip -6 route show table local")


class _Arrival:
    """Waits at its end until a counter of the host has moved by what was sent."""

    def __init__(self, host: Namespace, sends: int, name: str) -> None:
        self._host, self._sends, self._name = host, sends, name

    def __enter__(self) -> None:
        self._before = self._host.counter("snmp", self._name)

    def __exit__(self, *raised: object) -> None:
        if raised[0] is None:
            expected = self._before + self._sends
            wait_for(lambda: self._host.counter("snmp", self._name) >= expected, f"{self._name} +{self._sends}")


def _address(device: str, address: str, mac: str, *neighbours: tuple[str, str]) -> list[str]:
    return [f"link set {device} address {mac}", f"address add {address}/24 dev {device}", f"link set {device} up",
            *(f"neighbour replace {neighbour} lladdr {its_mac} dev {device} nud permanent"
              for neighbour, its_mac in neighbours)]


def await_links(namespace: Namespace, *devices: str) -> None:
    """Wait until devices may send: a new one drops all with its noop qdisc until its carrier was noticed."""
    def are_up() -> bool:
        up = namespace.command("ip -o link show up")
        return all(re.search(rf"^\d+: {device}\b.* state UP ", up, re.MULTILINE) for device in devices)

    wait_for(are_up, f"{' and '.join(devices)} can send")


def _packet_socket() -> socket.socket:
    """Return a socket that sends frames on `wire` and, made for no protocol, receives none."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind(("wire", 0))
    return wire
