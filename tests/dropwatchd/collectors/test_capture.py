"""The capture collector."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, capture
from dropwatchd.collectors.capture import Known, Seen
from dropwatchd.kernel.captures import Capture
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netns import current_cookie
from tests import fixtures
from tests.dropwatchd.kernel.test_captures import inode_of, send
from tests.fixtures.namespace import Namespace
from tests.fixtures.ring import Ring
from tests.gallery.needs import require_kernel


def _capture(lost: int, *, closed: bool = False) -> Capture:
    return Capture(77, 0, lost, 0, closed, 0, fixtures.NETNS, 0, 1, 0x0003, has_ring=True, process="tcpdump")


def _lost(seen: Seen, known: Known) -> list[int]:
    return [row.value for row in capture.readings(seen, known, fixtures.NETNS) if row.key.name == "lost"]


def test_what_is_just_being_handed_out_is_not_missing() -> None:
    """Where all is seen, a count that falls is one that the owner is taking; elsewhere it has begun anew."""
    known = Known()
    assert _lost(Seen([_capture(50)], [], [77], is_complete=True, untold=0), known) == [50]
    assert _lost(Seen([_capture(3)], [], [77], is_complete=True, untold=0), known) == [50]
    assert _lost(Seen([], [_capture(60, closed=True)], [], is_complete=True, untold=0), known) == [60]
    assert _lost(Seen([_capture(3)], [], [77], is_complete=False, untold=0), known) == [3]


def test_a_capture_that_nobody_has_open_is_told() -> None:
    """One that the kernel lists and no process has open is not seen: its level says so."""
    seen = Seen([_capture(0)], [], [77, 78], is_complete=False, untold=4)
    found = {row.key.name: (row.value, row.bits) for row in capture.readings(seen, Known(), fixtures.NETNS)}
    assert found == {"sockets": (2, 0), "rings": (1, 0), "unfound": (1, 0), "untaken": (1, 0), "untold": (4, 64)}


def test_sockets_that_take_nothing_are_not_listed() -> None:
    """A socket that only sends has the protocol 0."""
    text = ("sk RefCnt Type Proto Iface R Rmem User Inode\n"
            "0 3 3 0003 2 1 0 0 11\n0 3 3 0000 0 0 0 0 12\n0 3 3 0003 2 0 0 0 13\n")
    assert list(capture.parse(text)) == [11]


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    require_kernel()
    with Namespace() as namespace:
        yield namespace


def _read(namespace: Namespace) -> dict[tuple[str, str | None], int]:
    number = namespace.run(_number)
    found = namespace.run(lambda: list(capture.collect(Host(netns=number))))
    return {(row.key.name, dict(row.key.labels).get("inode")): row.value for row in found}


@pytest.mark.kernel
def test_a_ring_of_a_namespace(namespace: Namespace) -> None:
    """A ring that is full is told in its own namespace, with its process; where there is none, that is known, too."""
    assert _read(namespace)["sockets", None] == 0
    with (namespace.run(lambda: Ring("lo", 0x0800)) as ring, Namespace() as other,
          other.run(lambda: Ring("lo", 0x0800))):
        namespace.run(send)
        inode = str(inode_of(ring.socket))
        found = _read(namespace)
        assert (found["sockets", None], found["rings", None], found["unfound", None]) == (1, 1, 0)
        assert not any(name == "lost" for name, _inode in _read(other))
        (row,) = (row for row in namespace.run(lambda: list(capture.collect(Host(netns=_number())))) if row.key.labels)
        assert found["lost", inode] == row.value == ring.statistics()[1] > 0
        labels = dict(row.key.labels)
        assert (labels["local"], labels["pid"], labels["inode"]) == ("lo", str(os.getpid()), inode)
        assert labels["process"] == Path("/proc/self/comm").read_text().strip()


def _number() -> int:
    return current_cookie() or 0


@pytest.mark.kernel
@pytest.mark.usefixtures("no_bpf")
def test_without_rights(namespace: Namespace) -> None:
    """Where BPF is refused, no capture is no trouble, and one is."""
    with pytest.raises(AbsentError, match="no packet socket"):
        _read(namespace)
    with namespace.run(lambda: Ring("lo", 0x0800)), pytest.raises(PermissionError, match="CAP_BPF"):
        _read(namespace)
