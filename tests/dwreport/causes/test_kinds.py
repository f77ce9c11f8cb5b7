"""What counters of the interface mean on devices that are no cards, said by data and shown by real devices."""

import re
import socket
from collections import Counter as Tally
from contextlib import suppress

import pytest

from dropwatchd.collectors import link
from dropwatchd.kernel.host import Host
from dwreport import causes
from dwreport.causes import kinds
from tests.fixtures.namespace import Namespace

SOURCE = re.compile(r"(net|drivers|include)/[\w./-]+\.[ch]( \w+(, \w+)*)?")


def test_what_an_entry_does_not_say_is_the_counters_own() -> None:
    """On a tunnel `collisions` is a route into itself; on a card it stays what it was."""
    plain, tunnel = causes.counter("link", "collisions"), kinds.counter("collisions", "vxlan")
    assert plain is not None
    assert tunnel is not None
    assert tunnel.title != plain.title
    assert (tunnel.harm, tunnel.name, tunnel.layer) == ("harmful", "collisions", "link")
    assert [kinds.counter("collisions", kind) for kind in ("", None, "dummy")] == [plain] * 3
    assert kinds.counter("no_such_counter", "vxlan") is None


def test_each_kind_and_counter_has_one_meaning() -> None:
    places = Tally((kind, name) for one in kinds.meanings() for kind in one.kinds for name in one.counters)
    assert [place for place, times in places.items() if times > 1] == []
    assert {name for _kind, name in places if causes.counter("link", name) is None} == set()


def test_entries_are_complete_and_plain() -> None:
    """An entry says what happened, why and what to do, and cites the kernel's source."""
    for one in kinds.meanings():
        assert 0 < len(one.title) <= 80, one
        assert one.meaning.endswith("."), one
        assert one.usual, one
        assert one.next, one
        assert one.harm in {None, "benign", "suspect", "harmful"}, one
        assert one.kind in {None, "drop", "error", "pressure", "info"}, one
        assert all(map(SOURCE.fullmatch, one.source.split("; "))), one
        assert set(re.findall(r"\{\w+\}", " ".join((one.next, *one.look)))) <= {"{interface}", "{remote}"}, one


def test_headlines_are_their_own() -> None:
    """A device of another kind is another cause: its headline is none of a card's."""
    titles = [one.title for one in kinds.meanings()]
    assert len(set(titles)) == len(titles)
    taken = {found.title for name in link._FIELDS if (found := causes.counter("link", name))}
    assert taken.isdisjoint(titles)


def _moved(namespace: Namespace, device: str, address: str, size: int = 0) -> set[str]:
    """Return the counters of a device that a datagram to an address moves, but for traffic's own."""
    def read() -> dict[str, int]:
        return {row.key.name: row.value for row in link.collect(Host()) if row.key.interface == device}

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, suppress(OSError):
            sender.sendto(bytes(size), (address, 9))

    before = namespace.run(read)
    namespace.run(send)
    return {name for name, value in namespace.run(read).items() if value > before[name]} - {
        "tx_packets", "tx_bytes", "rx_packets", "rx_bytes", "multicast"}


TUNNEL = """
link add wire type veth peer name far
link set wire up
link set far up
addr add 192.0.2.1/24 dev wire
link add tunnel type vxlan id 7 remote 198.51.100.1 dstport 4789
link set tunnel up
addr add 10.99.0.1/24 dev tunnel
neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev tunnel
"""


@pytest.mark.kernel
def test_a_tunnel_into_itself_and_one_without_a_route() -> None:
    """A vxlan counts a route through itself as a collision, and no route as a carrier error."""
    with Namespace() as namespace:
        namespace.command("ip -batch -", TUNNEL)
        assert _moved(namespace, "tunnel", "10.99.0.2") == {"tx_errors", "tx_carrier_errors"}
        namespace.command("ip route add 198.51.100.0/24 dev tunnel")
        assert _moved(namespace, "tunnel", "10.99.0.2") == {"tx_errors", "collisions"}


@pytest.mark.kernel
def test_a_pair_whose_other_end_takes_less() -> None:
    """A veth counts what its other end cannot take as dropped on sending."""
    with Namespace() as namespace:
        namespace.command("ip -batch -", TUNNEL)
        namespace.command("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev wire")
        assert _moved(namespace, "wire", "192.0.2.2", 1400) == set()
        namespace.command("ip link set far mtu 1280")
        assert _moved(namespace, "wire", "192.0.2.2", 1400) == {"tx_dropped"}
