"""What a service manager hears, on a real notification socket; and what the journal does."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dropwatchd import log
from dropwatchd.service import Service


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_a_life_is_told(manager: socket.socket) -> None:
    """Ready, status, alive, reloading with the time that systemd asks for, stopping."""
    service = Service()
    service.ready()
    service.status("bpf, 3 drops")
    service.status("bpf, 3 drops")
    service.alive()
    service.reloading()
    service.stopping()
    heard = [manager.recv(4096).decode() for _ in range(5)]
    assert heard[:3] == ["READY=1", "STATUS=bpf, 3 drops", "WATCHDOG=1"]
    assert heard[3].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert heard[4] == "STOPPING=1"


def test_a_manager_that_does_not_read_is_not_waited_for(manager: socket.socket) -> None:
    """Its queue holds some messages; who reads the kernel has no time for more."""
    service = Service()
    told = [f"{number} drops" for number in range(2000)]
    for text in told:
        service.status(text)
        service.alive()
    manager.settimeout(0)
    heard = []
    with suppress(BlockingIOError):
        while True:
            heard.append(manager.recv(4096).decode())
    assert heard[:2] == ["STATUS=0 drops", "WATCHDOG=1"]
    assert len(heard) < len(told)


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the foreground there is nobody to tell."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Service().ready()


@pytest.mark.parametrize(("usec", "pid", "seconds"), [
    ("60000000", "", 30.0), ("60000000", "own", 30.0), ("60000000", "1", None), ("", "", None), ("junk", "", None)])
def test_signs_of_life_are_due_twice_per_watchdog_interval(
    monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, seconds: float | None,
) -> None:
    """Only if the watchdog is meant for this process."""
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)
    assert Service().watchdog_seconds == seconds


def test_the_journal_gets_priorities(tmp_path: Path) -> None:
    """Where stderr is the journal's stream every line has its priority; elsewhere it has the time."""
    code = ("import logging, os, sys; from dropwatchd import log\n"
            "s = os.fstat(2); os.environ['JOURNAL_STREAM'] = sys.argv[1].format(s.st_dev, s.st_ino); log.set_up()\n"
            "logging.error('two\\nlines'); logging.info('one')")
    for stream, expected in (("{0}:{1}", "<3>two\n<3>lines\n<6>one\n"), ("1:1", None)):
        path = tmp_path / "stderr"
        with path.open("w") as file:
            subprocess.run([sys.executable, "-c", code, stream], stderr=file, check=True)
        if expected:
            assert path.read_text() == expected
        else:
            assert " ERROR   two" in path.read_text()


def test_set_up_is_the_only_handler() -> None:
    """Setting up twice does not log twice."""
    log.set_up()
    log.set_up()
    assert len(logging.getLogger().handlers) == 1
