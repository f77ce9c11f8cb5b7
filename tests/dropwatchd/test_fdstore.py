"""The service manager's descriptor store: what it is told, and what is taken from it."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd.fdstore import FdStore


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return the socket that a service manager listens at."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@dropwatchd-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.settimeout(10)
        yield listening


def test_what_is_kept_comes_with_its_name(manager: socket.socket) -> None:
    """And is not polled: a map of BPF answers that with an error, and systemd would let go of it."""
    store = FdStore()
    assert store.listens
    with Path("/dev/zero").open("rb") as file:
        store.keep("zero", file.fileno())
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):  # nothing is told before we are settled
        manager.recv(4096)
    manager.settimeout(10)
    store.settle()
    said, (fd,), _flags, _address = socket.recv_fds(manager, 4096, 1)
    assert said.split(b"\n") == [b"FDSTORE=1", b"FDPOLL=0", b"FDNAME=zero"]
    assert os.fstat(fd).st_rdev == Path("/dev/zero").stat().st_rdev
    os.close(fd)
    store.discard("zero")
    assert manager.recv(4096).split(b"\n") == [b"FDSTOREREMOVE=1", b"FDNAME=zero"]


@pytest.mark.parametrize("address", ["", "/nonexistent/notify"])
def test_nobody_listens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept, and nothing fails."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    store = FdStore()
    assert store.listens == bool(address)
    store.keep("zero", 0)
    store.settle()
    store.discard("zero")
    assert not store.listens


def test_a_unit_without_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service manager says so, where it is new enough."""
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("FDSTORE", "0")
    assert not FdStore().listens


def test_what_another_process_was_given_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment may be that of a parent; ours is handed on to nobody."""
    for name, value in (("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "zero"), ("LISTEN_PID", str(os.getppid()))):
        monkeypatch.setenv(name, value)
    store = FdStore()
    assert store.take("") == {}
    store.settle()
    assert not [name for name in os.environ if name.startswith("LISTEN_")]
