"""Pages and pagers, on real terminals and in pipes."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from dropwatchd.model import NANO
from tests.dwreport.conftest import START_NS, History

SINCE = ("--since", f"@{START_NS // NANO}", "--until", f"@{START_NS // NANO + 3600}")


def _words(history: History, *words: str) -> list[str]:
    return [sys.executable, "-m", "dwreport", "--database", str(history.path), *SINCE, *words]


def _environment(**values: str) -> dict[str, str]:
    unwanted = {"COLUMNS", "NO_COLOR", "PAGER", "LESS", "LINES"}
    return {**{name: value for name, value in os.environ.items() if name not in unwanted}, "TZ": "UTC", **values}


def _on_terminal(words: list[str], columns: int, rows: int, **environment: str) -> str:
    """Return what a program writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                          env=_environment(TERM="xterm", **environment)) as process:
        os.close(theirs)
        found = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # EIO: nobody has it open any more (pty(7))
                break
            found += more
        assert process.wait() == 0, found
    os.close(ours)
    return found.decode().replace("\r\n", "\n")


@pytest.fixture
def four(history: History) -> History:
    """Four findings, one of a long name in a namespace, with a hole in the record."""
    run = history.run()
    for place, reason in enumerate(("SOCKET_RCVBUFF", "TCP_CSUM", "NO_SOCKET", "IP_INADDRERRORS")):
        history.drop(run, START_NS + 60 * place * NANO, 1000 - place, reason=reason, name="enp193s0f1np1", netns=7,
                     netns_name="a-container", symbol=f"function_{place}")
    history.drop(run, START_NS + NANO, 8, reason="UNHANDLED_PROTO")
    history.gap(run, START_NS + 10 * NANO, START_NS + 11 * NANO)
    return history


def test_four_findings_fit_on_one_screen(four: History) -> None:
    """Of 80 times 24 characters: with the coverage, when, where, and the next steps; then the tables."""
    text = _on_terminal(_words(four, "--no-pager"), 80, 24, NO_COLOR="1")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    screen = lines[:23]  # the last line is the pager's
    assert [line.split()[0] for line in screen if "HARMFUL" in line or "SUSPECT" in line] == ["1", "2", "3", "4"]
    assert sum("enp193s0f1np1 (a-container)" in line for line in screen) == 4
    assert sum("next: " in line for line in screen) == 4
    assert any(line.startswith("benign: 8 packets") for line in screen)
    assert screen[1].startswith("coverage 99.97 %: blind 1.0 s at 10:00:10 (map full); drops may be missing")
    assert " FIRST " in text


def test_four_findings_fit_beside_what_filters_leave_open(four: History) -> None:
    """What a report is narrowed to and what may match it stand above; who is hit then takes one line."""
    run = four.run()
    four.drop(run, START_NS + NANO, 3, netns=None, netns_name=None, name=None, ifindex=None)
    four.drop(run, START_NS + NANO, 5, reason="UNHANDLED_PROTO", name="enp193s0f1np1", netns=7,
              netns_name="a-container")
    text = _on_terminal(_words(four, "--no-pager", "--netns", "a-container", "--interface", "enp*"), 80, 24,
                        NO_COLOR="1")
    screen = text.splitlines()[:23]
    assert max(map(len, screen)) <= 80
    assert "--interface 'enp*' · --netns a-container" in " · ".join(screen[:2])
    assert any("3 more drops may match" in line for line in screen), text
    assert [line.split()[0] for line in screen if "HARMFUL" in line or "SUSPECT" in line] == ["1", "2", "3", "4"]
    assert sum("next: " in line for line in screen) == 4
    assert any(line.startswith("benign: 5 packets") for line in screen), text
    assert "tcpdump -l -Q in -vvni enp193s0f1np1 \\\n      'tcp and less 1514' | grep incorrect\n" in text


def test_colour_is_for_terminals_alone(four: History) -> None:
    """And not where NO_COLOR asks for none."""
    words = _words(four, "--no-pager")
    assert "\x1b[31m1 HARMFUL" in _on_terminal(words, 80, 24)
    assert "\x1b" not in _on_terminal(words, 80, 24, NO_COLOR="1")
    assert "\x1b" not in subprocess.run(words, capture_output=True, text=True, check=True, env=_environment()).stdout


@pytest.mark.parametrize(("words", "environment", "longest"), [
    ((), {}, None), (("--width", "80"), {}, 80), ((), {"COLUMNS": "90"}, 90),
    (("--width", "80"), {"COLUMNS": "90"}, 80),
])
def test_a_pipe_has_no_limit_but_one_that_is_given(
        four: History, words: tuple[str, ...], environment: dict[str, str], longest: int | None) -> None:
    done = subprocess.run(_words(four, *words), capture_output=True, text=True, check=True,
                          env=_environment(**environment))
    most = max(map(len, done.stdout.splitlines()))
    assert most > 100 if longest is None else most <= longest
    assert " FIRST" in done.stdout


def test_a_terminal_has_a_pager(four: History, tmp_path: Path) -> None:
    """$PAGER with its words, coloured as the terminal is; none with --no-pager, for cat, and in a pipe."""
    seen = tmp_path / "seen"
    pager = f"tee {seen}"
    assert _on_terminal(_words(four), 80, 24, PAGER=pager) == seen.read_text()
    assert "\x1b[31m1 HARMFUL" in seen.read_text()
    seen.unlink()
    for words, environment in ((["--no-pager"], {"PAGER": pager}), ([], {"PAGER": "cat"}), ([], {"PAGER": ""}),
                               ([], {"PAGER": "no-such-program"}), ([], {"PAGER": "tee 'unclosed"})):
        assert "1 HARMFUL" in _on_terminal(_words(four, *words), 80, 24, **environment)
    subprocess.run(_words(four), capture_output=True, check=True, env=_environment(PAGER=pager, TERM="xterm"))
    assert not seen.exists()


def test_who_leaves_the_pager_has_seen_enough(history: History) -> None:
    """As with git: no message, exit code 0, though most was not written."""
    history.many_drops(history.run(), 3000)
    assert _on_terminal(_words(history, "drops"), 80, 24, PAGER="head -n 3").count("\n") == 3


def test_less_quits_where_one_screen_suffices(history: History) -> None:
    """With git's options, unless LESS has others."""
    history.run()
    assert "No packet was dropped: all of" in _on_terminal(_words(history), 80, 24, PAGER="less")
