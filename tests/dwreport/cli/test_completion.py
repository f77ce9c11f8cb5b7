"""What a shell offers behind dwreport: options, commands, and names that the history bears."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dwreport.cli.found import names
from tests.dwreport.conftest import START_NS, History

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "docs/completions"
CI = os.environ.get("CI") == "true"
# Each shell reads its script as it would when somebody presses Tab, and shows what it would offer.
SHELLS = {
    "bash": ". {scripts}/dwreport; COMP_WORDS=({words} e); COMP_CWORD=4; _dwreport_completion dwreport; "
            'printf "%s\\n" "${{COMPREPLY[@]}}"',
    "zsh": "fpath=({scripts} $fpath); autoload -Uz _dwreport; compdef() {{ }}; compadd() {{ print -l $completions }}; "
           "words=({words} e); CURRENT=5; _dwreport; _dwreport_completion",  # by its own name from the second time on
    "fish": ". {scripts}/dwreport.fish; complete -C '{words} e'",
}


def _offered(*words: str) -> list[str]:
    """Return what is offered for the last word, as bash asks for it."""
    asked = {"COMP_WORDS": "\n".join(("dwreport", *words)), "COMP_CWORD": str(len(words)),
             "_DWREPORT_COMPLETE": "bash_complete"}
    done = subprocess.run([sys.executable, "-c", "from dwreport.__main__ import main; main()"], cwd=ROOT, check=True,
                          env={**os.environ, **asked}, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def there(history: History) -> str:
    """Return a history in which two interfaces, three reasons and two namespaces are on record."""
    run = history.run()
    history.drop(run, START_NS)
    history.drop(run, START_NS + 1, name="eth1", reason="NO_SOCKET", netns=77, netns_name="blue")
    history.drop(run, START_NS + 2, reason=None, trap="ttl_value_is_too_small")
    history.counter(run, "drops", 1, collector="sockets", labels={
        "process": "sipd", "container": "docker:web", "cgroup": "/system.slice/sip.service"})
    return str(history.path)


@pytest.mark.parametrize(("option", "word", "found"), [
    ("--interface", "", ["eth0", "eth1"]),
    ("--interface", "!eth1", ["!eth1"]),
    ("--reason", "", ["NO_SOCKET", "SOCKET_RCVBUFF", "TTL_VALUE_IS_TOO_SMALL"]),
    ("--netns", "", ["blue", "init"]),
    ("--process", "", ["sipd"]),
    ("--unit", "!", ["!sip.service"]),
    ("--container", "d", ["docker:web"]),
    ("--host", "", ["web-3"]),
    ("--location", "udp", ["udp_queue_rcv_one_skb"]),
    ("--protocol", "", ["ipv4"]),
    ("--by", "inter", ["interface"]),
    ("--by", "reason,ho", ["reason,host", "reason,hour"]),
    ("--by", "host,ho", ["host,hour"]),
])
def test_filters_offer_what_is_on_record(there: str, option: str, word: str, found: list[str]) -> None:
    """Of the history that is named, wherever its name stands."""
    for words in (["--database", there, option], ["drops", "--database", there, option],
                  ["--database", there, "counters", option]):
        assert _offered(*words, word) == [f"plain,{name}" for name in found]


def test_options_and_commands_are_offered() -> None:
    assert _offered("cov") == ["plain,coverage"]
    assert _offered("--interf") == ["plain,--interface"]
    assert _offered("drops", "--severity", "h") == ["plain,harmful"]
    assert _offered("--database", "/va") == ["file,/va"]
    for option in ("--html", "--pcapng"):
        assert _offered("export", option, "/va") == ["file,/va"]


@pytest.mark.parametrize("name", ["$(reboot)", "`id`", "a b", "a\nplain,b", "*", "-rf", "a;b", "a'b", "é\x1b[2J"])
def test_a_name_that_means_something_to_a_shell_is_not_offered(history: History, name: str) -> None:
    """Whoever may make an interface chooses its name; it lands in the line of whoever presses Tab."""
    run = history.run()
    history.drop(run, START_NS, name=name, netns_name=name)
    assert names(str(history.path), "interface", "") == []
    assert names(str(history.path), "netns", "") == ["init"]


def test_what_cannot_be_read_offers_nothing(tmp_path: Path, there: str) -> None:
    """No file, a folder, no database, another program's, a damaged one: no word on either stream."""
    (tmp_path / "text").write_text("none of ours, and longer than the header of a database would be" * 9)
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE kinds (x)").connection.close()
    torn = Path(there).read_bytes()
    (tmp_path / "torn").write_bytes(torn[:4096] + b"\xff" * (len(torn) - 4096))
    for name in ("nowhere", ".", "text", "other", "torn"):
        assert _offered("--database", str(tmp_path / name), "--reason", "") == []


def test_a_history_is_read_beside_its_writer_and_nothing_is_left(there: str) -> None:
    """What is in the log alone is offered; after a crash without its index nothing is, and no file is made."""
    with sqlite3.connect(there, isolation_level=None) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("UPDATE interfaces SET name = 'wan0' WHERE name = 'eth1'")
        assert names(there, "interface", "w") == ["wan0"]
        crashed = Path(there).parent / "crashed" / "history.db"
        crashed.parent.mkdir()
        for suffix in ("", "-wal"):
            shutil.copyfile(there + suffix, f"{crashed}{suffix}")
    writer.close()
    assert names(str(crashed), "interface", "") == []
    assert sorted(path.name for path in crashed.parent.iterdir()) == ["history.db", "history.db-wal"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_work_in_their_shells(there: str, tmp_path: Path, shell: str) -> None:
    """Each asks the dwreport that is found in PATH."""
    if not shutil.which(shell):
        assert not CI, f"CI installs {shell}"
        pytest.skip(f"needs {shell}")
    program = tmp_path / "dwreport"
    program.write_text(f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec '{sys.executable}' -c "
                       "'from dwreport.__main__ import main; main()' \"$@\"\n")
    program.chmod(0o755)
    text = SHELLS[shell].format(scripts=SCRIPTS, words=f"dwreport --database {there} --interface")
    done = subprocess.run([shell, "-c", text], check=True, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)})
    assert list(dict.fromkeys(done.stdout.split())) == ["eth0", "eth1"], done.stderr
    assert done.stderr == ""


def test_without_a_shell_that_asks_nothing_of_it_is_imported() -> None:
    """A version is answered as before: completion costs whoever presses Tab."""
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "dwreport", "--version"],
                          capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "dwreport.cli.options" in imported
    assert not {"dwreport.cli.found", "click.shell_completion", "sqlite3"} & imported
