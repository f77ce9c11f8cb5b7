"""What documents say exists: the tests that they name, the files that they link to, the commands that they show."""

import ast
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from dropwatchd.arguments import arguments as daemon_arguments
from dropwatchd.model import NANO
from dropwatchd.upload.arguments import arguments as upload_arguments
from dwreport.__main__ import run
from tests.dwreport.conftest import HOUR_NS, History

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "systemd/config.toml").read_text())
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_is_there(document: Path) -> None:
    """A fault is held by a test as long as there is that test."""
    for path, name in NAMED.findall(document.read_text()):
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"


def test_each_line_of_the_table_of_faults_names_a_test() -> None:
    """A claim without a test is none."""
    lines = (ROOT / "docs" / "trust.md").read_text().partition("## What holds")[2].partition("\n## ")[0].splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| fault ")]
    assert len(rows) > 30
    assert not [row for row in rows if not NAMED.search(row)]


FILES = [ROOT / name for name in subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()]
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")  # neither an address nor a place in the same document
# In a block, behind a prompt, times of cron, or nothing; an explanation stands apart.
COMMAND = re.compile(r"^    (?:[$#] |(?:\S+ ){5}(?:root )?|ExecStart=/usr/bin/)?dwreport(?!:)((?: \S+)*)")
PROGRAM = re.compile(r"^ *(?:[$#] )?(?:[A-Z]+=\S+ )*(?:\S+/)?"
                     r"(dwreport|dropwatchd|dropwatchd-upload|make|pytest|python -m) (?! )(.*)$")
PARSERS: dict[str, Callable[[list[str]], object]] = {
    "dropwatchd": daemon_arguments,
    "dropwatchd-upload": lambda words: upload_arguments([*words, *(() if "--to" in words else ("--to", "URL"))]),
    "dwreport": lambda words: sys.exit(run([*words, "--help"]))}  # it is not to read a history
ENDLESS = {"top", "--follow", "-f"}
ELSEWHERE = "postgresql://"
MINUTE_NS = HOUR_NS // 60
PLACES = (("init", "eth0"), ("blue", "eth0"), ("shop-web", "eth0"), ("docker:3f2a9c1b7d20", "lo"))
DROPS = (("NO_SOCKET", "udpv6_queue_rcv_one_skb", 0x86DD), ("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 0x0800))
NOW_NS = 1_795_968_270 * NANO  # 2026-11-29 16:04:30 UTC, when the documents' reports were made


def _commands(document: Path) -> list[list[str]]:
    """Return the words of each, up to a pipe or a redirection."""
    found = (match[1].replace(r"\%", "%")  # cron takes a % for the end of a line
             for match in map(COMMAND.match, document.read_text().splitlines()) if match)
    return [_words(command) for command in found]


def _words(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|>&;")
    lexer.whitespace_split, lexer.commenters = True, ""
    return [*takewhile(lambda word: word[0] not in "|>&;", lexer)]


@pytest.mark.parametrize("document", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """To a file or a folder of this repository, and there to a heading."""
    text = document.read_text()
    assert not [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    for name, place in re.findall(r"\]\((?!\w+:)([^)#\s]*)#([^)\s]+)\)", text):
        target = document.parent / name if name else document
        headings = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.MULTILINE)
        assert place in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_a_line_of_text_are_understood(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    """Targets of make, tests, modules, and options of the three programs; those of dwreport in blocks are run below."""
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for program, words in _told(document.read_text()):
        if program == "make":
            assert next(word for word in words if "=" not in word) in phony.split(), words
        elif program in {"pytest", "python -m"}:
            place = ROOT / (words[0] if program == "pytest" else words[0].replace(".", "/"))
            assert place.exists() or place.with_suffix(".py").exists(), words
        else:
            monkeypatch.chdir(tmp_path)
            monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
            faults = [_fault(program, [*words, *value], capsys) for value in ((), ("VALUE",))]
            assert "" in faults, f"{words}: {faults}"


def _fault(program: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a program has against the words; nothing, where it understands them."""
    try:
        PARSERS[program](words)
    except SystemExit as ended:
        told = capsys.readouterr()
        return told.err if ended.code else "" if "sage: " in told.out or "--version" in words else "no usage"
    return ""


def _told(text: str) -> list[tuple[str, list[str]]]:
    """Return the program and the words of each command: in text all, and in blocks those that are not of dwreport."""
    blocks = [line for line in text.splitlines() if line.startswith("    ")]
    spans = re.findall(r"`([^`\n]+)`", "\n".join(line for line in text.splitlines() if line not in blocks))
    found = []
    for command in (*spans, *(line for line in blocks if not COMMAND.match(line))):
        if match := PROGRAM.match(command):
            words = _words(match[2].partition("  ")[0])
            found.append((match[1], words))
    return [(program, words) for program, words in found if words and not any("<" in word for word in words)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a history with all that documents ask for by name."""
    folder = tmp_path_factory.mktemp("state")
    history = History(folder / "history.db")
    boot_ns = NOW_NS - 30 * 24 * HOUR_NS
    run = history.run(boot_ns, None, last_seen_ns=NOW_NS, ending=None)
    for netns, (name, interface) in enumerate(PLACES, 2):
        for reason, symbol, protocol in DROPS:
            for ago_ns in (24 * HOUR_NS, 23 * MINUTE_NS // 2, NANO):
                history.drop(run, NOW_NS - ago_ns, 5, netns=netns, netns_name=name, name=interface, reason=reason,
                             symbol=symbol, protocol=protocol)
    history.packet(run, NOW_NS - NANO, bytes(64))
    history.counter(run, "UdpRcvbufErrors", 5, NOW_NS)
    history.close()
    return folder


def test_every_key_of_the_configuration_has_its_line_on_tuning() -> None:
    """And no line is about a key that there is not."""
    def keys(section: dict[str, Any], path: str = "") -> set[str]:
        return {name for key, value in section.items() for name in (
            keys(value, f"{path}{key}.") if isinstance(value, dict) else {path + key})}

    lines = (ROOT / "docs/tuning.md").read_text().splitlines()
    first = [line.split(" | ")[0] for line in lines if line.startswith("| `")]
    named = [name for cell in first for name in re.findall(r"`([\w.]+)`", cell)]
    assert sorted(named) == sorted(keys(CONFIG))


def test_commands_are_found() -> None:
    """Those of the first page are, with their options alone."""
    found = _commands(ROOT / "README.md")
    assert all(shlex.split(one) in found for one in ("--since 1h", "explain '#1' --since 2m", "export --pcapng FILE"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_command_that_a_document_shows_is_understood(
    document: Path, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    """And answered: by the exit code of a condition, where it has one.

    Of what never ends, and of what is on a server, options alone are looked at.
    """
    monkeypatch.setenv("STATE_DIRECTORY", str(recorded))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr("time.time_ns", lambda: NOW_NS)
    monkeypatch.chdir(tmp_path)
    for words in _commands(document):
        options_alone = bool(ENDLESS & {*words}) or any(word.startswith(ELSEWHERE) for word in words)
        code = run([*words, "--help"] if options_alone else words)
        assert code in ({0, 3} if "--fail-if" in words else {0}), f"{words}: {capsys.readouterr().err}"
        capsys.readouterr()
    monkeypatch.undo()
    time.tzset()
