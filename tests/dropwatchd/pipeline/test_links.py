"""Links of all namespaces that are watched: each is told, and one that cannot be read costs no other."""

import select
from collections.abc import Iterator
from errno import EIO
from typing import NoReturn

import pytest

from dropwatchd.kernel.links import LinkWatch
from dropwatchd.kernel.netlink import ROUTE, Netlink
from dropwatchd.model import Device, Event
from dropwatchd.pipeline.links import Links
from tests.fixtures.namespace import Namespace

pytestmark = pytest.mark.kernel
ONE, OTHER = 7, 8


@pytest.fixture
def links() -> Iterator[Links]:
    links = Links()
    yield links
    links.close()


def _devices(links: Links) -> list[tuple[int, str]]:
    return [(record.netns, record.name) for record in links.read() if isinstance(record, Device)]


def _failing() -> NoReturn:
    raise OSError(EIO, "input/output error")


def test_devices_are_told_once(links: Links) -> None:
    """Those that are there when a namespace is added, at once: nothing need happen to them; nothing is waiting then."""
    with Namespace() as one, Namespace() as other:
        links.add(one.run(lambda: LinkWatch(ONE)))
        links.add(other.run(lambda: LinkWatch(OTHER)))
        assert select.select([links], [], [], 0)[0]
        assert _devices(links) == [(ONE, "lo"), (OTHER, "lo")]
        assert not select.select([links], [], [], 0)[0]
        assert not list(links.read())
        other.command("ip link add left type veth peer name right")
        assert select.select([links], [], [], 10)[0]
        assert {netns for netns, _ in _devices(links)} == {OTHER}


def test_a_watch_that_cannot_be_read_is_given_up_and_said_so(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are read on, and the descriptor falls silent."""
    with Namespace() as one, Namespace() as other:
        failing = one.run(lambda: LinkWatch(ONE))
        links.add(failing)
        links.add(other.run(lambda: LinkWatch(OTHER)))
        list(links.read())
        one.command("ip link add left type veth peer name right")
        monkeypatch.setattr(failing, "read", _failing)
        other.command("ip link set lo mtu 1400")
        assert select.select([links], [], [], 10)[0]
        events = [record for record in links.read() if isinstance(record, Event)]
        assert sorted((event.netns, event.kind) for event in events) == [
            (ONE, "link events lost"), (OTHER, "link MTU")]
        assert ONE not in links
        assert OTHER in links
        assert not list(links.read())


def test_a_list_that_could_not_be_had_is_asked_for_though_nothing_happens(links: Links) -> None:
    """Else what was lost with the events would be missing until a link changes once more."""
    with Namespace() as one:
        watch = one.run(lambda: LinkWatch(ONE))
        links.add(watch)
        list(links.read())
        whole, watch._request = watch._request, one.run(lambda: Netlink(ROUTE))
        watch._request.close()
        one.command("ip -batch -", "".join(f"link set lo alias {number}\n" for number in range(4000)))
        assert [record.detail[:30] for record in links.read() if isinstance(record, Event)] == [
            "the links cannot be listed (Ba"]
        assert not select.select([links], [], [], 0)[0]
        watch._request = whole
        assert [record.detail for record in links.read() if isinstance(record, Event)] == [
            "the socket's queue was full"]
        assert not list(links.read())


def test_a_namespace_that_is_forgotten_is_let_go(links: Links) -> None:
    """Its sockets would keep it alive; what is not known may be forgotten as well."""
    with Namespace() as one:
        watch = one.run(lambda: LinkWatch(ONE))
        links.add(watch)
        links.forget(ONE)
        links.forget(ONE)
    assert ONE not in links
    assert watch.fileno() == -1
