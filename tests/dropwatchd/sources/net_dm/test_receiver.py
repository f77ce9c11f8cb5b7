"""The alert socket on this machine's kernel: what is sent to the group is received, or counted as lost."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.sources.net_dm.ownership import listening, program_at
from dropwatchd.sources.net_dm.receiver import NETLINK_GENERIC, Receiver

ROOT = Path(__file__).parents[4]
GROUP = 16  # of the family nlctrl, which every kernel has; nothing is registered while we listen
MESSAGE = bytes(16)

pytestmark = [pytest.mark.kernel, pytest.mark.skipif(os.geteuid() != 0, reason="only root may send to a netlink group")]


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)) as opened:
        opened.bind((0, 0))
        yield opened


def port(sender: socket.socket) -> int:
    """Return where it sends from: for these tests, it stands in for the kernel."""
    return int(sender.getsockname()[0])


def send(sender: socket.socket, count: int, size: int = 400) -> None:
    """Send to all listeners; the kernel itself ignores what is no request."""
    header = size.to_bytes(4, "little") + (0x10).to_bytes(2, "little") + bytes(10)
    for _ in range(count):
        sender.sendto(header + bytes(size - len(header)), (0, 1 << (GROUP - 1)))


def test_everything_is_received_in_bounded_batches(sender: socket.socket) -> None:
    """A read takes no more than its limit, and nothing that is left waits for new messages."""
    with closing(Receiver(GROUP, 1 << 20, port(sender))) as receiver:
        send(sender, 50)
        assert [len(list(receiver.receive(30))) for _ in range(3)] == [30, 20, 0]
        assert receiver.lost() == 0


def test_an_overrun_is_counted_exactly_and_needs_no_recovery(sender: socket.socket) -> None:
    """Received and lost are what was sent; after the overrun, messages come again at the first read."""
    with closing(Receiver(GROUP, 1 << 16, port(sender))) as receiver:
        for sent in (1000, 500):
            send(sender, sent)
            received = len(list(receiver.receive(10_000)))
            assert 0 < received < sent
            assert receiver.lost() == sent - received
        send(sender, 5)
        assert len(list(receiver.receive(10))) == 5
        assert receiver.lost() == 0


def test_the_largest_alert_is_received_whole(sender: socket.socket) -> None:
    """A packet of 64 KiB and its attributes arrive in one piece."""
    with closing(Receiver(GROUP, 1 << 20, port(sender))) as receiver:
        send(sender, 1, 70_000)
        assert [len(message) for message in receiver.receive(1)] == [70_000]


def test_only_the_kernel_is_heard(sender: socket.socket) -> None:
    """Alerts that a program sends, to the group or to us alone, are refused and counted; so is what is too short."""
    with closing(Receiver(GROUP, 1 << 20)) as receiver:
        send(sender, 3)
        sender.sendto(bytes(400), (receiver.port, 0))
        assert list(receiver.receive(10)) == []
        assert receiver.refused == 4
    with closing(Receiver(GROUP, 1 << 20, port(sender))) as receiver:
        for size in (1, 19, 20):
            sender.sendto(bytes(size), (receiver.port, 0))
        assert [len(message) for message in receiver.receive(10)] == [20]
        assert receiver.refused == 2


def test_who_has_left_hears_no_more(sender: socket.socket) -> None:
    """What came before is still there."""
    with closing(Receiver(GROUP, 1 << 20, port(sender))) as receiver:
        send(sender, 2)
        receiver.leave()
        send(sender, 3)
        assert len(list(receiver.receive(10))) == 2


def test_a_second_dropwatchd_is_named(tmp_path: Path) -> None:
    """Whoever listens is known by program and process, a script by its own name and not as its interpreter's."""
    script = tmp_path / "dropwatchd"
    script.write_text("import sys\nfrom dropwatchd.sources.net_dm.receiver import Receiver\n"
                      f"receiver = Receiver({GROUP}, 1 << 16)\nprint(receiver.port, flush=True)\nsys.stdin.read()\n")
    with subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}) as other:
        assert other.stdout
        port = int(other.stdout.readline())
        assert port in listening(GROUP)
        assert program_at(port) == f"dropwatchd[{other.pid}]"
        other.communicate()
    with closing(Receiver(GROUP, 1 << 16)) as ours:
        assert f"[{os.getpid()}]" in program_at(ours.port)
    assert program_at(port) == f"netlink port {port}"


def test_other_listeners_are_found() -> None:
    """Each listener sees the others by their netlink ports, and not itself."""
    before = listening(GROUP)
    with closing(Receiver(GROUP, 1 << 16)) as first, closing(Receiver(GROUP, 1 << 16)) as second:
        assert listening(GROUP) - before == {first.port, second.port}
    assert listening(GROUP) == before
