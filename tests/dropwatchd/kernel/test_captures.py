"""What captures have lost, on real rings, held against what the kernel tells their owners."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dropwatchd.kernel import bpf
from dropwatchd.kernel.captures import Capture, Captures
from tests.fixtures.namespace import Namespace
from tests.fixtures.ring import Ring
from tests.gallery.needs import require_kernel

pytestmark = pytest.mark.kernel
ROOT = Path(__file__).parents[3]
CI = os.environ.get("CI") == "true"
_IPV4 = 0x0800
SENT = 150  # on the loopback device each is captured twice: as it goes and as it comes


@pytest.fixture(scope="module", autouse=True)
def _needs() -> None:
    require_kernel()


@pytest.fixture
def looked() -> Iterator[Captures]:
    opened = Captures()
    yield opened
    opened.close()


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


def send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(SENT):
            with suppress(ConnectionRefusedError):
                sender.sendto(b"capture", ("127.0.0.1", 9))


def inode_of(one: socket.socket) -> int:
    return os.fstat(one.fileno()).st_ino


def only(found: list[Capture], inode: int) -> Capture:
    (one,) = (one for one in found if one.inode == inode)
    return one


def test_a_ring_that_nobody_reads(looked: Captures, namespace: Namespace) -> None:
    """What is told is what the kernel tells the owner afterwards, and whose it is; nothing is taken from the owner."""
    with namespace.run(lambda: Ring("lo", _IPV4)) as ring:
        inode = inode_of(ring.socket)
        assert only(looked.opened(), inode).lost == 0
        namespace.run(send)
        one = only(looked.opened(), inode)
        assert one == only(looked.opened(), inode)
        came, lost = ring.statistics()
        assert came == lost + ring.captured() == 2 * SENT
        assert (one.lost, one.buffered, one.has_ring, one.protocol) == (lost, 0, True, _IPV4)
        assert (one.pid, one.process) == (os.getpid(), Path("/proc/self/comm").read_text().strip())
        assert one.ifindex == namespace.run(lambda: socket.if_nametoindex("lo"))
        assert one.netns == namespace.run(lambda: Path("/proc/thread-self/ns/net").stat().st_ino)


def test_what_the_owner_takes_away(looked: Captures, namespace: Namespace) -> None:
    """Where the kernel shows it, it is counted on; elsewhere counting begins anew, and that is said."""
    with namespace.run(lambda: Ring("lo", _IPV4)) as ring:
        inode = inode_of(ring.socket)
        namespace.run(send)
        _came, first = ring.statistics()
        namespace.run(send)
        found = only(looked.opened(), inode).lost
        _came, second = ring.statistics()
        assert found == (first + second if looked.is_complete else second)
        assert second == 2 * SENT
    assert looked.untold() == 0
    closed = {one.inode: one.lost for one in looked.closed()}
    assert closed == ({inode: first + second} if looked.is_complete else {})
    looked.forget(inode)
    assert looked.closed() == []


def test_a_full_buffer_is_no_full_ring(looked: Captures, namespace: Namespace) -> None:
    """What does not fit the buffer of a socket without a ring is counted elsewhere, as the socket's drops."""
    with namespace.run(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_IPV4))) as small:
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        namespace.run(send)
        one = only(looked.opened(), inode_of(small))
    assert (one.lost, one.has_ring) == (0, False)
    assert one.buffered > SENT


def test_captures_that_were_there_before(namespace: Namespace) -> None:
    """Of one that has filled its buffer before we look, and fills a ring later, the ring's packets alone are told."""
    with namespace.run(lambda: Ring("lo", _IPV4)) as ring:
        namespace.run(send)
        looked = Captures()
        try:
            assert only(looked.opened(), inode_of(ring.socket)).lost == ring.statistics()[1]
        finally:
            looked.close()


def test_the_committed_object_is_what_the_source_builds(
        tmp_path: Path, namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program rebuilt by Debian's clang loads and tells the same."""
    if not shutil.which("clang") or not shutil.which("llvm-strip"):
        assert not CI, "CI installs clang and llvm"
        pytest.skip("needs clang, llvm and libbpf-dev")
    shutil.copy(ROOT / "dropwatchd/kernel/captures.bpf.c", tmp_path)
    subprocess.run(["make", "-C", str(ROOT), "-s", "bpf", f"BPF={tmp_path / 'captures.bpf'}"], check=True)
    with namespace.run(lambda: Ring("lo", _IPV4)) as ring:
        namespace.run(send)
        found = []
        for folder in (tmp_path, ROOT / "dropwatchd/kernel"):
            monkeypatch.setattr(bpf, "files", lambda _package, folder=folder: folder)
            looked = Captures()
            found.append(only(looked.opened(), inode_of(ring.socket)))
            looked.close()
        assert found[0] == found[1]
        assert found[0].lost == ring.statistics()[1]
