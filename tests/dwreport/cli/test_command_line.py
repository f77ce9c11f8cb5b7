"""The command line: options, exit codes, and one line for everything that goes wrong."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run
from tests.dwreport.conftest import START_NS, History, Report

WORDS = [sys.executable, "-m", "dwreport"]


def _fails(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = run(list(words))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dwreport: ")
    assert err.count("\n") == 1
    return code, err


@pytest.mark.parametrize(("words", "what"), [
    (["--since", "soon"], 'unreadable --since, "soon" is not a time; write "1h"'),
    (["--until", ""], 'unreadable --until, "" is not a time; write "1h"'),
    (["--since", "1h", "--until", "2h"], "the window is inverted, --since 1h --until 2h; --since must be before"),
    (["--since", "now"], "the window is inverted, --since now --until now; "),
    (["--since", "+1h", "--until", "+2h"], "the window lies in the future, --since +1h; "),
    (["--protocol", "quic"], 'unknown --protocol, "quic" is not a protocol; write a name'),
    (["--format", "xml"], "Invalid value for '--format'"),
    (["--origin", "cloud"], "Invalid value for '--origin'"),
    (["--sinse", "1h"], "No such option"),
    (["dropz"], "No such command 'dropz'; see dwreport --help"),
    (["drops", "extra"], "Got unexpected extra argument"),
    (["explain"], "Missing argument"),
    (["explain", "NO_SOCKET", "--format", "csv"], "explain has no --format csv"),
    (["--width", "10"], "Invalid value for '--width'"),
    (["--format", "csv", "explain", "NO_SOCKET"], "explain has no --format csv"),
    (["--since", "a\nb\x1b[31m"], 'unreadable --since, "a b\\x1b[31m" is not a time'),
])
def test_wrong_usage_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], words: list[str], what: str,
) -> None:
    """What is wrong, where, and what to do."""
    code, line = _fails(capsys, *words)
    assert code == 2
    assert what in line
    assert ";" in line


def test_a_fault_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The history that is not there, whatever its name."""
    code, line = _fails(capsys, "--database", str(tmp_path / "no\x1bne.db"))
    assert code == 1
    assert line == (f"dwreport: no history here, {tmp_path}/no\\x1bne.db; start dropwatchd to record one, "
                    "or name a history of dropwatchd with --database\n")


def test_options_stand_before_or_after_the_view(history: History, report: Report) -> None:
    """The later one wins."""
    history.drop(history.run(), START_NS + NANO, 2)
    assert len(report.json("--reason", "NO_SOCKET", "drops")["drops"]) == 0
    assert len(report.json("drops", "--reason", "NO_SOCKET")["drops"]) == 0
    assert len(report.json("--reason", "NO_SOCKET", "drops", "--reason", "socket_rcvbuff")["drops"]) == 1
    assert len(report.json("--reason", "SKB_DROP_REASON_SOCKET_RCVBUFF", "drops")["drops"]) == 1


def test_every_view_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    """And is named by the program's own."""
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for view in ("drops", "counters", "timeline", "coverage", "packets", "explain", "export", "compare"):
        assert view in out
        assert run([view, "--help"]) == 0
        assert "Usage: dwreport" in capsys.readouterr().out


def test_h_is_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    """Of 24 lines, with a command for each view; of a view it is all of its help."""
    assert run(["-h"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert run(["--help"]) == 0
    views = re.findall(r"^  ([a-z]+)  ", capsys.readouterr().out.partition("\nCommands:\n")[2], flags=re.MULTILINE)
    assert len(views) > 12
    assert not [view for view in views if not re.search(rf"\b{view}\b", "\n".join(lines))]
    assert run(["drops", "-h"]) == 0
    assert "--since" in capsys.readouterr().out


def test_explain_knows_reasons_locations_and_counters(capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs."""
    for name, what in (("NO_SOCKET", "reason"), ("udp_queue_rcv_one_skb", "location"), ("UdpNoPorts", "counter")):
        assert run(["explain", name]) == 0
        assert f"{name} · {what}" in capsys.readouterr().out
        assert run(["explain", name, "--format", "json"]) == 0
        assert what in [row["what"] for row in json.loads(capsys.readouterr().out)["explanations"]]


def test_explain_says_what_a_counter_means_on_other_devices(capsys: pytest.CaptureFixture[str]) -> None:
    """And does not take each name that looks like a driver's for a counter of one."""
    assert run(["explain", "link collisions"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("collisions · counter of link · link · info")
    assert "Packets of a tunnel whose route leads into the tunnel itself" in out
    assert run(["explain", "skbadded_drop"]) == 0
    assert "skbadded_drop · counter of some driver, by the look of its name" in capsys.readouterr().out


def test_explain_says_why_nobody_loses_anything_by_a_benign_drop(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "DUP_FRAG"]) == 0
    assert "no loss    The same piece had arrived before, and was kept" in capsys.readouterr().out
    assert run(["explain", "NETFILTER_DROP"]) == 0
    out = capsys.readouterr().out
    assert "no loss" not in out
    assert "functions  nf_hook_bridge_pre" in out


def test_explain_offers_what_may_have_been_meant(capsys: pytest.CaptureFixture[str]) -> None:
    """Near matches on a typo, and exit code 1 when nothing is known."""
    code, line = _fails(capsys, "explain", "NO_SOKET")
    assert code == 1
    assert "did you mean NO_SOCKET" in line
    assert _fails(capsys, "explain", "qqqqqqqq")[0] == 1


def test_the_program_ends_with_these_codes(history: History, tmp_path: Path) -> None:
    """As scripts see it."""
    since = ["--since", f"@{START_NS // NANO}"]
    for words, code in ((["--version"], 0), ([*since, "--database", str(history.path)], 0),
                        (["--database", str(tmp_path)], 1), (["--since", "x"], 2)):
        done = subprocess.run([*WORDS, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert bool(done.stderr) is bool(code)


def test_a_reader_that_has_seen_enough_is_no_fault(history: History) -> None:
    """As with head."""
    history.many_drops(history.run(), 3000)
    reading, writing = os.pipe()
    process = subprocess.Popen([*WORDS, "--database", str(history.path), "--since", f"@{START_NS // NANO}", "drops",
                                "--format", "json"], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    _, err = process.communicate()
    assert (process.returncode, err) == (0, b"")


def test_a_full_disk_is_a_fault(history: History) -> None:
    """One line here too."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*WORDS, "--database", str(history.path)], stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False)
    assert done.returncode == 1
    assert done.stderr == ("dwreport: cannot write the report, standard output: No space left on device; "
                           "check where it goes\n")


def test_an_interrupt_ends_quietly(history: History) -> None:
    """While it waits for whoever reads, with the code that shells give to SIGINT; also where the tests ignore that."""
    history.many_drops(history.run(), 3000)
    words = ("env", "--default-signal=INT", *WORDS)
    process = subprocess.Popen([*words, "--database", str(history.path), "--since", f"@{START_NS // NANO}", "drops",
                                "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(1)  # it has begun to write, and cannot end: the pipe holds less than the report
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_a_fault_of_ours_is_one_line_too(history: History) -> None:
    """Whoever runs the program gets no traceback; whoever tests it does, for `run` lets it through."""
    code = ("import sys; from dwreport.cli import request\nfrom dwreport.__main__ import main, run\n"
            "def broken(*_): raise KeyError('a\\nb')\nrequest.read = broken\n"
            "sys.argv[1:] = ['--database', sys.argv[1]]\n"
            "try: run(sys.argv[1:])\nexcept KeyError: main()")
    done = subprocess.run([sys.executable, "-c", code, str(history.path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("dwreport: a fault of dwreport, KeyError: 'a\\nb' at <string>:3; please report it\n")


def test_help_on_a_full_disk_is_a_fault_too() -> None:
    """What click writes by itself is written all the same, or not."""
    for words in (["--help"], ["drops", "-h"], ["--version"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run([*WORDS, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr == ("dwreport: cannot write the report, standard output: No space left on device; check "
                               "where it goes\n")


def test_a_closed_standard_output_is_a_fault(history: History) -> None:
    for words in (["--help"], ["--database", str(history.path)], ["explain", "NO_SOCKET"]):
        done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *WORDS, *words], stderr=subprocess.PIPE, text=True,
                              check=False)
        assert (done.returncode, done.stderr) == (
            1, "dwreport: cannot write the report, standard output is closed; check where it goes\n")


@pytest.mark.parametrize("module", ["click", "dwreport.cli.program", "dwreport.views"])
def test_an_interrupt_while_it_is_imported_ends_quietly(module: str) -> None:
    """Ctrl-C comes when it comes: most of the time that a short report takes goes into this."""
    code = ("import sys\nfrom dwreport.__main__ import main\nclass Finder:\n def find_spec(self, name, *_):\n"
            f"  if name == {module!r}: raise KeyboardInterrupt\n"
            "sys.meta_path.insert(0, Finder())\nsys.argv[1:] = ['--version']\nmain()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_counter_as_it_is_printed_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """With its collector before it and its labels behind, quoted or not."""
    for words in (["link tx_dropped"], ["link", "tx_dropped"], ["qdisc", "drops", "kind=fq", "parent="]):
        assert run(["explain", *words]) == 0
        assert f"counter of {words[0].split()[0]}" in capsys.readouterr().out
