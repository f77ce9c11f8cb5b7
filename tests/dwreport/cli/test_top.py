"""The command top, on a real terminal: what it shows, that it goes on, and that the terminal is given back."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run
from tests.dwreport.cli.test_follow import MAIN
from tests.dwreport.conftest import History

ROOT = Path(__file__).parents[3]
DEADLINE_S = 60
LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"


class Screen:
    """A terminal of 80x24 with a dwreport top on it."""

    def __init__(self, history: History, *words: str) -> None:
        self.keys, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(end)
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "top", "--database", str(history.path), *words], cwd=ROOT, stdin=end,
            stdout=end, stderr=end, env={**os.environ, "TERM": "xterm", "TZ": "UTC", "NO_COLOR": "1"},
            start_new_session=True)
        self.end, self.seen = end, ""

    def shows(self, pattern: str) -> list[str]:
        """Return the newest screen that matches, as soon as there is one."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            frames = self.seen.split("\x1b[H")[1:]
            for frame in reversed(frames):
                if frame.endswith("\x1b[J") and re.search(pattern, frame):
                    self.seen = ""
                    lines = frame.removesuffix("\x1b[J").replace("\x1b[K", "").split("\n")
                    return [line.rstrip("\r") for line in lines]
            assert select.select([self.keys], [], [], deadline - time.monotonic())[0], self.seen
            self.seen += os.read(self.keys, 65536).decode()

    def ends(self) -> tuple[int, str]:
        """Return how it ended, and what it wrote last; the terminal must be as it was."""
        code = self.process.wait(DEADLINE_S)
        while select.select([self.keys], [], [], 0)[0]:
            self.seen += os.read(self.keys, 65536).decode()
        assert termios.tcgetattr(self.end) == self.before
        assert LEAVE in self.seen
        return code, self.seen.partition(LEAVE)[2]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.keys)
        os.close(self.end)


@pytest.fixture
def losing(history: History) -> History:
    """Return a history whose daemon runs, and has just seen drops of two causes."""
    now_ns = time.time_ns()
    lately = history.run(now_ns - 600 * NANO, None, last_seen_ns=now_ns + 600 * NANO)
    history.drop(lately, now_ns - NANO, 12345)
    history.drop(lately, now_ns - 2 * NANO, 77, symbol="ip_rcv_core", reason="OTHERHOST", name="eth1", ifindex=3)
    return history


@pytest.fixture
def screen(losing: History) -> Iterator[Screen]:
    made = Screen(losing, "--since", "10min")
    yield made
    made.close()


def test_what_is_lost_is_shown_as_it_is_written(losing: History, screen: Screen) -> None:
    """At 80x24: the harmful first, each with its rate, in two lines; another size is drawn at once."""
    lines = screen.shows("12 345")
    assert len(lines) <= 24
    assert lines[0].startswith("web-3 · ")
    (harmful,) = [place for place, line in enumerate(lines) if " HARM " in line]
    assert re.fullmatch(r" *[\d ]+     12 345  HARM A socket's receive buffer was full", lines[harmful])
    assert "eth0" in lines[harmful + 1]
    assert any(" ok  " in line for line in lines[harmful:])
    assert lines[-1] == "q quits"
    losing.drop(1, time.time_ns(), 5)
    screen.shows("12 350")
    fcntl.ioctl(screen.end, termios.TIOCSWINSZ, struct.pack("HHHH", 9, 60, 0, 0))
    screen.process.send_signal(signal.SIGWINCH)
    assert screen.shows("and 1 more; q quits")
    os.write(screen.keys, b"xq")
    assert screen.ends() == (0, "")


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_the_terminal_is_given_back_whatever_ends_it(screen: Screen, how: signal.Signals, code: int) -> None:
    screen.shows("HARM")
    screen.process.send_signal(how)
    ended, left = screen.ends()
    assert ended == code
    assert left.strip() == ""


def test_a_fault_gives_the_terminal_back_too(losing: History, screen: Screen) -> None:
    """And is told where a person can read it."""
    screen.shows("HARM")
    losing.execute("UPDATE watches SET limits = 'no list'")
    code, left = screen.ends()
    assert code == 1
    assert left.startswith("dwreport: ")


@pytest.mark.parametrize(("words", "said"), [
    (["top"], "top needs a terminal; dwreport --follow writes lines"), (["--by", "reason", "top"], "top has no --by")])
def test_wrong_usage_is_told(losing: History, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert run([*words, "--database", str(losing.path)]) == 2
    assert said in capsys.readouterr().err
