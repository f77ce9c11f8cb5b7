"""Findings for the journal: a real journald has each once, with its fields."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run
from dwreport.render import journal
from dwreport.views._news import MESSAGE_ID
from tests.dwreport.conftest import History

CI = os.environ.get("CI") == "true"
ROOT = Path(__file__).parents[3]
JOURNALD = "/lib/systemd/systemd-journald"
DEADLINE_S = 30
NOW_NS = 0  # each test's own
# A journald of its own, in a mount namespace in which /run is empty: it reads neither the kernel's log nor audit's.
START = f"""
mount -t tmpfs none /run && mkdir -p /run/systemd/journald.conf.d /run/systemd/journal
mkdir -p /run/log/journal/$(cat /etc/machine-id)
printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\n' > /run/systemd/journald.conf.d/own.conf
exec {JOURNALD}
"""


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test have a now of its own: this module may be read long before they run."""
    monkeypatch.setitem(globals(), "NOW_NS", time.time_ns())


@pytest.fixture
def inside() -> Iterator[Callable[..., str]]:
    """Return what runs a command beside a journald, and gives its output."""
    if os.geteuid() or not Path(JOURNALD).exists() or not shutil.which("nsenter"):
        assert not CI, "CI is root, and installs systemd"
        pytest.skip("needs root, systemd-journald and nsenter")
    process = subprocess.Popen(["unshare", "--mount", "sh", "-c", START])

    def command(*words: str) -> str:
        done = subprocess.run(["nsenter", "--mount", f"--target={process.pid}", f"--wd={ROOT}", "--", *words],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        deadline = time.monotonic() + DEADLINE_S
        while not Path(f"/proc/{process.pid}/root/run/systemd/journal/io.systemd.journal").exists():
            assert time.monotonic() < deadline
            Event().wait(0.05)
        yield command
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def harmed(history: History) -> History:
    """Return a history in which packets were lost on eth0, and others to no harm."""
    lately = history.run(NOW_NS - 1800 * NANO, None, last_seen_ns=NOW_NS)
    history.drop(lately, NOW_NS - 600 * NANO, 15)
    history.drop(lately, NOW_NS - 500 * NANO, 9, symbol="ip_rcv_core", reason="OTHERHOST")
    return history


def test_a_journald_has_each_finding_once(
    inside: Callable[..., str], harmed: History, tmp_path: Path,
) -> None:
    """Not once more when it grows; another place is another finding."""
    words = (sys.executable, "-m", "dwreport", "journal", "--database", str(harmed.path),
             "--state", str(tmp_path / "told"))

    def told(count: int) -> list[dict[str, Any]]:
        """Return the entries when there are as many as that, and what was written before they were asked for."""
        inside("journalctl", "--sync")
        out = inside("journalctl", "--output=json", "--directory=/run/log/journal", f"MESSAGE_ID={MESSAGE_ID}")
        entries = [json.loads(line) for line in out.splitlines()]
        assert len(entries) == count
        return entries

    inside(*words)
    (entry,) = told(1)
    assert entry["MESSAGE"].startswith("15 packets lost: A socket's receive buffer was full; eth0, ")
    assert entry["PRIORITY"] == "4"
    assert entry["SYSLOG_IDENTIFIER"] == "dwreport"
    assert {name.removeprefix("DROPWATCHD_"): value for name, value in entry.items() if "DROPWATCHD" in name} == {
        "CAUSE": "A socket's receive buffer was full", "SEVERITY": "harmful", "PACKETS": "15", "INTERFACE": "eth0",
        "NETNS": "init", "HOST": "web-3", "REASON": "SOCKET_RCVBUFF", "STATE": "over",
        "CONFIDENCE": entry["DROPWATCHD_CONFIDENCE"], "FIRST": entry["DROPWATCHD_FIRST"],
        "LAST": entry["DROPWATCHD_LAST"], "WHO": "eth0", "ADVICE": entry["DROPWATCHD_ADVICE"]}
    inside(*words)
    harmed.drop(1, NOW_NS - 300 * NANO, 30)
    inside(*words)
    told(1)
    harmed.drop(1, NOW_NS - 200 * NANO, 4, name="e\n1", ifindex=3, netns=7, netns_name="blue")
    inside(*words)
    assert {one["DROPWATCHD_INTERFACE"]: one["DROPWATCHD_NETNS"] for one in told(2)} == {
        "eth0": "init", r"e\x0a1": "blue"}
    inside(*words, "--no-benign", "--severity", "benign")
    told(2)


@pytest.fixture
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return a socket in the place of the journal's."""
    path = tmp_path / "socket"
    monkeypatch.setattr(journal, "SOCKET", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.setblocking(False)
        there.bind(str(path))
        yield there


def _entries(there: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(there.recv(1 << 16))
        except BlockingIOError:
            return found


def test_what_was_away_for_as_long_is_new(harmed: History, taken: socket.socket, tmp_path: Path) -> None:
    """And what the journal did not take is told the next time."""
    state = tmp_path / "told"

    def tell(*words: str, code: int = 0) -> int:
        assert run(["journal", "--database", str(harmed.path), "--state", str(state), *words]) == code
        return len(_entries(taken))

    path = Path(taken.getsockname())
    moved = path.rename(path.with_name("away"))
    assert tell(code=1) == 0
    moved.rename(path)
    assert tell() == 1
    assert tell() == 0
    harmed.execute("CREATE TABLE kept AS SELECT * FROM drops")
    harmed.execute("DELETE FROM drops")
    assert tell() == 0
    harmed.execute("INSERT INTO drops SELECT * FROM kept")
    assert tell() == 1
    assert tell("--severity", "harmful", "--severity", "benign") == 1


def test_what_happened_while_no_timer_ran_is_told(
    harmed: History, taken: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the last time on, however long ago that is."""
    state = tmp_path / "told.json"
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    unit = (ROOT / "packaging/journal/dropwatchd-journal.service").read_text()
    (command,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    program, *words = command.partition("=")[2].split()
    assert program == "/usr/bin/dwreport"
    words += ["--database", str(harmed.path), "--since", "1min"]
    state.write_text(json.dumps({"until_ns": NOW_NS - 550 * NANO, "told": []}))
    assert run(words) == 0
    assert _entries(taken) == []
    state.write_text(json.dumps({"until_ns": NOW_NS - 650 * NANO, "told": []}))
    assert run(words) == 0
    assert len(_entries(taken)) == 1
    assert json.loads(state.read_text())["until_ns"] >= NOW_NS


@pytest.mark.parametrize(("words", "said"), [
    (["--by", "reason"], "journal has no --by"), (["--interface", "eth7"], "no interface eth7 is on record")])
def test_wrong_usage_is_told(
    harmed: History, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str,
) -> None:
    options = [*words, "journal"] if "--by" in words else ["journal", *words]
    assert run([*options, "--database", str(harmed.path), "--state", str(tmp_path / "told")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "told").exists()


def test_a_state_that_cannot_be_read_is_a_fault(
    harmed: History, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is told twice for that."""
    (tmp_path / "told").write_text("[]")
    assert run(["journal", "--database", str(harmed.path), "--state", str(tmp_path / "told")]) == 1
    assert "remove it, and all is told once more" in capsys.readouterr().err


def test_values_of_several_lines_have_their_length() -> None:
    """https://systemd.io/JOURNAL_NATIVE_PROTOCOL/."""
    assert journal.entry({"A": "b=c", "D": "é\nf"}) == b"A=b=c\nD\n\x04\0\0\0\0\0\0\0\xc3\xa9\nf\n"


def test_the_page_has_the_message_id() -> None:
    """So have help and the unit's neighbours: it is what people look for."""
    assert MESSAGE_ID in (ROOT / "docs/man/dwreport.1").read_text()
    assert MESSAGE_ID in (ROOT / "dwreport/cli/journal.py").read_text()
