"""Links and what happens to them, on real devices."""

import select
import time
from collections.abc import Iterator

import pytest

from dropwatchd.kernel.links import LinkWatch, link_names
from dropwatchd.kernel.netlink import ROUTE, Netlink
from dropwatchd.model import Device, Event
from tests.fixtures.namespace import Namespace

pytestmark = pytest.mark.kernel
NETNS = 7


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


@pytest.fixture
def watch(namespace: Namespace) -> Iterator[LinkWatch]:
    watch = namespace.run(lambda: LinkWatch(NETNS))
    yield watch
    watch.close()


def told(watch: LinkWatch, last: str, name: str) -> list[Event]:
    """Return the events up to the one that ends the test's change."""
    events: list[Event] = []
    while not any(event.kind == last and event.subject == name for event in events):
        assert select.select([watch], [], [], 10)[0], f"no {last} of {name} among {events}"
        events += [record for record in watch.read() if isinstance(record, Event)]
    return events


def short(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(event.kind, event.subject, event.detail) for event in events]


def test_links_at_the_start(watch: LinkWatch) -> None:
    """What is there at the start is known without events, and reading does not wait."""
    ((_ifindex, loopback),) = watch.links.items()
    assert (loopback.name, loopback.kind, loopback.running) == ("lo", "loopback", True)
    assert list(watch.read()) == []


def test_life_of_a_device(namespace: Namespace, watch: LinkWatch) -> None:
    """A device is added, goes up and down by hand or by its carrier, is renamed, and is removed."""
    namespace.command("ip link add left type veth peer name right")
    assert short(told(watch, "link added", "left")) == [
        ("link added", "right", "veth"), ("link added", "left", "veth"),
    ]
    namespace.command("ip link set left up")
    namespace.command("ip link set right up")
    assert short(told(watch, "link up", "left")) == [
        ("link up", "right", "carrier"), ("link up", "left", "carrier"),
    ]
    namespace.command("ip link set right down")
    assert short(told(watch, "link down", "left")) == [
        ("link down", "right", "administrative"), ("link down", "left", "carrier"),
    ]
    namespace.command("ip link set right name wan")
    assert short(told(watch, "link renamed", "wan")) == [("link renamed", "wan", "was right")]
    namespace.command("ip link del left")
    assert sorted(short(told(watch, "link removed", "left"))) == [
        ("link removed", "left", ""), ("link removed", "wan", ""),
    ]


def test_events_name_their_device(namespace: Namespace, watch: LinkWatch) -> None:
    """An event bears the number of the interface and the namespace that was given."""
    namespace.command("ip link add left type veth peer name right")
    event = told(watch, "link added", "left")[-1]
    assert namespace.run(link_names)[event.ifindex or 0] == "left"
    assert event.netns == NETNS


def test_device_that_leaves_the_namespace(namespace: Namespace, watch: LinkWatch) -> None:
    """A device that moves to another namespace is removed from this one, and the event says so."""
    namespace.command("ip link add left type veth peer name right")
    with Namespace() as other:
        namespace.command(f"ip link set left netns {other.thread_id}")
        (removed,) = [event for event in told(watch, "link removed", "left") if event.kind == "link removed"]
    assert removed.detail == "moved to another namespace"


def test_bridge_port_is_no_device(namespace: Namespace, watch: LinkWatch) -> None:
    """A port that leaves a bridge is not a device that was removed."""
    namespace.command("ip link add name br0 type bridge")
    namespace.command("ip link add left type veth peer name right")
    namespace.command("ip link set left master br0")
    namespace.command("ip link set left nomaster")
    namespace.command("ip link set left name last")
    assert "link removed" not in {event.kind for event in told(watch, "link renamed", "last")}


def test_overrun(namespace: Namespace, watch: LinkWatch) -> None:
    """When the kernel had to leave changes out, the event says so and the list is right again."""
    namespace.command("ip link add left type veth peer name right")
    namespace.command("ip link set left up")
    namespace.command("ip -batch -", "".join(f"link set left alias {number}\n" for number in range(4000)))
    namespace.command("ip link add one type veth peer name two")
    namespace.command("ip link set one up")
    namespace.command("ip link set two up")
    namespace.command("ip link del left")
    events = told(watch, "link up", "two")
    assert {"link events lost", "link added", "link removed"} <= {event.kind for event in events}
    assert {link.name for link in watch.links.values()} == {"lo", "one", "two"}


def test_a_list_that_cannot_be_had_is_asked_for_again(namespace: Namespace, watch: LinkWatch) -> None:
    """After an overrun the kernel may refuse its list as well: that is told, and the next read tries once more."""
    whole, watch._request = watch._request, namespace.run(lambda: Netlink(ROUTE))
    watch._request.close()
    namespace.command("ip -batch -", "".join(f"link set lo alias {number}\n" for number in range(4000)))
    (refused,) = [record for record in watch.read() if isinstance(record, Event)]
    assert (refused.kind, refused.detail.partition(" (")[0]) == ("link events lost", "the links cannot be listed")
    watch._request = whole
    assert short([record for record in watch.read() if isinstance(record, Event)]) == [
        ("link events lost", "", "the socket's queue was full")]


def _devices(watch: LinkWatch, name: str, **wanted: str | None) -> None:
    """Wait until a device is described so."""
    end = time.monotonic() + 10
    while True:
        found = [record for record in watch.read() if isinstance(record, Device) and record.name == name]
        if any(all(getattr(one, field) == value for field, value in wanted.items()) for one in found):
            return
        assert select.select([watch], [], [], end - time.monotonic())[0], f"{name} is not told as {wanted}"


def test_a_device_is_described_anew_when_it_changes(namespace: Namespace, watch: LinkWatch) -> None:
    """Under its new name; counters mean what the device is."""
    namespace.command("ip link add left type veth peer name right")
    _devices(watch, "left", kind="veth", peer="right")
    namespace.command("ip link set left name uplink")
    _devices(watch, "uplink", kind="veth", peer="right")


def test_the_other_end_of_a_pair_may_be_elsewhere(namespace: Namespace, watch: LinkWatch) -> None:
    """Its number is one of that namespace, and no device here is meant, though one has it."""
    namespace.command("ip link add left index 70 type veth peer name right index 71")
    _devices(watch, "left", peer="right")
    with Namespace() as other:
        namespace.command(f"ip link set right netns {other.thread_id}")
        told(watch, "link removed", "right")
        namespace.command("ip link add impostor index 71 type bridge")
        told(watch, "link added", "impostor")
        namespace.command("ip link set left up")
        _devices(watch, "left", peer="#71 in another namespace")
