"""The man pages: they say what the programs say of themselves, no more and no less."""

import csv
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import msgspec.inspect
import pytest

from dropwatchd import cli
from dropwatchd.arguments import arguments
from dropwatchd.config import Config, parse
from dropwatchd.data import data_folder
from dropwatchd.model import Effect, GapCause
from dropwatchd.upload.arguments import arguments as upload_arguments
from dwreport.__main__ import ANSWERED, INTERRUPTED, run
from dwreport.cli.conditions import NAMES, ConditionError, UndecidedError
from tests.dwreport.conftest import START_NS, History

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs/man").iterdir())
PROGRAMS = {"dwreport": "dwreport.1", "dropwatchd": "dropwatchd.8", "dropwatchd.upload": "dropwatchd-upload.8"}
"""Each by its module."""
CI = os.environ.get("CI") == "true"


def _page(name: str) -> str:
    """Return a page's source with its characters as they are read: mandoc_char(7)."""
    text = (ROOT / "docs/man" / name).read_text()
    for escape, char in ((r"\(aq", "'"), (r"\(dq", '"'), (r"\(ti", "~"), (r"\-", "-"), (r"\&", "")):
        text = text.replace(escape, char)
    return text


def _parts(text: str, macro: str) -> dict[str, str]:
    """Return the sections (Sh) or subsections (Ss) of a page, by their title."""
    _head, *parts = re.split(rf"^\.{macro} ", text, flags=re.MULTILINE)
    return {title: body for title, _, body in (part.partition("\n") for part in parts)}


def _items(text: str, macro: str) -> list[str]:
    """Return what stands behind the macro of each item of lists."""
    return re.findall(rf"^\.It {macro} (.*)$", text, flags=re.MULTILINE)


def _examples(text: str) -> list[str]:
    return re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", text, flags=re.MULTILINE | re.DOTALL)


@cache
def _help(program: str, *command: str) -> str:
    done = subprocess.run([sys.executable, "-m", program, *command, "--help"], cwd=ROOT, check=True, timeout=60,
                          capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"})
    return done.stdout


def _told(text: str) -> dict[str, set[str]]:
    """Return the options of a --help, each with the values that it allows."""
    heads = [re.split(r"\s{2,}", line.strip())[0] for line in text.splitlines() if line.startswith("  -")]
    return {option: set(re.split(r"[|,]", allowed[1])) if (allowed := re.search(r"[\[{](.*)[\]}]", head)) else set()
            for head in heads for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", head)}


def _commands(program: str) -> list[str]:
    return re.findall(r"^  ([a-z]+)  ", _help(program).partition("\nCommands:\n")[2], flags=re.MULTILINE)


def _options(program: str) -> dict[str, set[str]]:
    """Return the options of a program and of its commands, which have their own besides."""
    told = _told(_help(program))
    for command in _commands(program):
        told |= _told(_help(program, command))
    return told


def _written(text: str) -> dict[str, set[str]]:
    """Return the options of a page in the same way."""
    found = {}
    for item in _items(text, "Fl"):
        names, _, allowed = item.partition(" Cm ")
        for name in names.partition(" Ar ")[0].split(" , "):
            found[f"-{name}"] = {*allowed.split(" | ")} if allowed else set()
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """An empty history, with the schema of the daemon."""
    history = History(tmp_path_factory.mktemp("history") / "history.db")
    history.close()
    with closing(sqlite3.connect(history.path)) as connection:
        yield connection


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_page_has_the_options_that_help_tells(program: str) -> None:
    """Each with the same values, and no other."""
    told = _options(program)
    assert {"--help", "--version", "--database"} <= told.keys()
    assert _written(_page(PROGRAMS[program])) == told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_an_option_that_is_not_there(page: Path) -> None:
    """Neither in its prose, nor in examples, nor in the synopsis."""
    known = {program: {*_options(program)} for program in PROGRAMS}
    text = _page(page.name)
    own = next((known[program] for program, name in PROGRAMS.items() if name == page.name), set())
    macros = [line for line in text.splitlines() if re.match(r"\..*\bFl ", line)]
    assert {f"-{name}" for line in macros for name in re.findall(r"(?<=\s)-[a-z][a-z-]*", line)} <= own
    assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)} <= set().union(*known.values())


def test_every_command_stands_in_its_page() -> None:
    told = _commands("dwreport")
    commands = _items(_parts(_page("dwreport.1"), "Sh")["COMMANDS"], "Cm")
    assert [command.split()[0] for command in commands] == told
    assert "explain" in told


def test_numbers_that_conditions_take_stand_in_the_page() -> None:
    text = _page("dwreport.1").partition(".It Fl -fail-if")[2].partition(".It ")[0]
    assert {name for name in NAMES if re.search(rf"\b{name}\b", text)} == {*NAMES}


def test_exit_codes_are_those_of_the_code() -> None:
    codes = {program: {int(code) for code in re.findall(r"^\.It (\d+)$", _parts(_page(name), "Sh")["EXIT STATUS"],
                                                        flags=re.MULTILINE)} for program, name in PROGRAMS.items()}
    assert codes["dropwatchd"] == codes["dropwatchd.upload"] == {0, cli._FAULT, cli._USAGE}
    assert codes["dwreport"] == {ANSWERED, 1, 2, ConditionError.exit_code, UndecidedError.exit_code, INTERRUPTED}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_read_from_the_environment_stands_in_the_page(program: str) -> None:
    code = "".join(path.read_text() for path in ROOT.joinpath(*program.split(".")).rglob("*.py"))
    read = {*re.findall(r'environ\.(?:get|pop)\("(\w+)"', code)}
    assert read
    assert read <= {name for item in _items(_page(PROGRAMS[program]), "Ev") for name in item.split(" , ")}


def test_every_key_of_the_configuration_stands_in_the_page_with_its_default() -> None:
    """No key is missing, none is stale, each is in its section."""
    keys = "\n".join(f"[{title[1:-1]}]\n{body}" if title.startswith("[") else body
                     for title, body in _parts(_parts(_page("dropwatchd.toml.5"), "Sh")["KEYS"], "Ss").items())
    lines = (line.removeprefix(".It Va ").replace(" No = ", " = ") for line in keys.splitlines())
    written = "\n".join(line for line in lines if line.startswith("[") or re.match(r"\w+ = ", line))
    assert tomllib.loads(written) == tomllib.loads((data_folder("systemd") / "config.toml").read_text())


def test_ranges_of_keys_are_those_of_the_code() -> None:
    sections = _parts(_page("dropwatchd.toml.5"), "Ss")

    def check(section: str, kind: msgspec.inspect.Type) -> int:
        assert isinstance(kind, msgspec.inspect.StructType)
        found = 0
        for field in kind.fields:
            if isinstance(field.type, msgspec.inspect.StructType):
                found += check(f"{section}.{field.name}".removeprefix("General."), field.type)
            elif isinstance(field.type, msgspec.inspect.IntType | msgspec.inspect.FloatType) and field.type.le:
                body = sections["General" if section == "General" else f"[{section}]"]
                text = body.partition(f".It Va {field.name} No = ")[2].partition(".It ")[0]
                assert re.search(rf"\b{field.type.ge} to {field.type.le}\b", text), f"{section}.{field.name}"
                found += 1
        return found

    assert check("General", msgspec.inspect.type_info(Config)) > 15


def test_the_example_of_a_configuration_is_one() -> None:
    (text,) = _examples(_page("dropwatchd.toml.5"))
    assert parse(text, Path("config.toml")) != Config()


def test_every_view_and_column_of_the_history_stands_in_its_page(empty: sqlite3.Connection) -> None:
    """In the order in which SELECT * gives them."""
    views = [name for name, in empty.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]
    there = {view: [column for column, *_ in empty.execute(f"SELECT * FROM {view}").description] for view in views}  # noqa: S608
    described = _parts(_parts(_page("dropwatch-history.5"), "Sh")["VIEWS"], "Ss")
    assert {view: [name for item in _items(body, "Va") for name in item.split(" , ")]
            for view, body in described.items()} == there
    assert len(there) == 6
    assert {effect for effect in Effect if f"{effect}: " in described["v_gaps"]} == {*Effect}
    assert {*re.findall(r"^\.Dq ([^.\n]*?) ?\.?$", described["v_gaps"], flags=re.MULTILINE)} <= {*GapCause}


def test_every_query_of_the_page_runs_and_finds_what_is_there(empty: sqlite3.Connection, tmp_path: Path) -> None:
    """On an empty history none finds anything; each view is asked."""
    queries = _examples(_parts(_page("dropwatch-history.5"), "Sh")["EXAMPLES"])
    assert {*re.findall(r"FROM (v_\w+)", "".join(queries))} == {
        "v_drops", "v_counters", "v_gaps", "v_events", "v_watches", "v_stacks"}
    for query in queries:
        assert empty.execute(query).fetchall() == []
    history = History(tmp_path / "history.db")
    now_ns = int(empty.execute("SELECT unixepoch()").fetchone()[0]) * 10**9
    lately = history.run(now_ns - 60 * 10**9, now_ns)
    history.drop(lately, now_ns - 10**9)
    history.counter(lately, "UdpRcvbufErrors", 5)
    history.gap(lately, now_ns - 50 * 10**9, now_ns - 40 * 10**9)
    history.event(lately, now_ns - 10**9, "link down", "eth0")
    history.stack(lately, "f+0x1", symbol="f")
    history.close()
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection:
        for query in queries:
            assert connection.execute(query).fetchall(), query


def test_the_join_of_the_page_gives_what_reports_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of every row of drops, whatever is known of it: severity and cause."""
    history = History(tmp_path / "history.db")
    runs = history.run()
    places: list[dict[str, Any]] = [
            {}, {"reason": "UNHANDLED_PROTO", "symbol": "__netif_receive_skb_core", "offset": 0x1f},
            {"reason": None, "symbol": "udp_queue_rcv_one_skb"}, {"reason": None, "symbol": None, "offset": None,
                                                                  "address": "0xffffffff81234567"},
            {"reason": "NOT_SPECIFIED", "symbol": "tcp_v4_rcv.isra.0", "offset": None},
            {"reason": "NOBODY_KNOWS", "symbol": "nobody_knows"}, {"reason": "NO_SOCKET", "symbol": "udp_rcv"},
            {"origin": "hardware", "trap": "ttl_value_is_too_small", "reason": None, "symbol": None, "offset": None}]
    for place, names in enumerate(places):
        history.drop(runs, START_NS + place * 10**9, place + 1, **names)
    history.close()
    shell, query = _examples(_parts(_page("dropwatch-history.5"), "Sh")["SEVERITY AND CAUSE"])
    start = START_NS // 10**9
    whole = ["--database", str(history.path), "--since", f"@{start}", "--until", f"@{start + 99}"]
    command = shlex.split(shell.splitlines()[0])
    assert run([*command[1:command.index("--since")], *whole, "--format", "csv"]) == ANSWERED
    header, *rows = csv.reader(capsys.readouterr().out.splitlines())
    with closing(sqlite3.connect(history.path)) as connection:
        connection.execute(f"CREATE TEMP TABLE causes ({', '.join(header)})")
        connection.executemany(f"INSERT INTO causes VALUES ({', '.join('?' * len(header))})", rows)  # noqa: S608
        joined = [(count, harm or None, cause or None) for _, count, _, _, harm, cause in connection.execute(query)]
    assert run(["drops", *whole, "--format", "json"]) == ANSWERED
    drops = json.loads(capsys.readouterr().out)["drops"]
    assert joined == [(row["count"], row["harm"], row["cause"]) for row in drops]
    assert run([*whole, "--format", "json"]) == ANSWERED
    totals = json.loads(capsys.readouterr().out)["drops"]
    assert sorted(map(str, joined)) == sorted(str((row["count"], row["harm"], row["cause"])) for row in totals)
    assert len({cause for _count, _harm, cause in joined}) > 4


def test_every_example_of_the_programs_is_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """dwreport answers on a history that bears the names; what the daemon is asked for is parsed."""
    history = History(tmp_path / "history.db")
    runs = history.run()
    for name in ("eth0", "eth3"):
        history.drop(runs, START_NS, name=name, reason="NO_SOCKET")
    history.close()
    for line in "".join(_examples(_page("dwreport.1"))).splitlines():
        program, *words = shlex.split(line)
        assert program == "dwreport"
        assert run([*words, "--database", str(history.path)]) in {ANSWERED, ConditionError.exit_code}, line
    assert capsys.readouterr().out
    asked = [shlex.split(line) for line in "".join(_examples(_page("dropwatchd.8"))).splitlines()]
    assert [vars(arguments(words)) for program, *words in asked if program == "dropwatchd"]
    asked = [shlex.split(line) for line in "".join(_examples(_page("dropwatchd-upload.8"))).splitlines()]
    assert len([vars(upload_arguments(words)) for program, *words in asked if program == "dropwatchd-upload"]) == 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_finds_nothing_to_say(page: Path) -> None:
    if not shutil.which("mandoc"):
        assert not CI, "CI installs mandoc"
        pytest.skip("needs mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_each_page_refers_to_all_others() -> None:
    """And to none of ours that is not there."""
    ours = {page.name for page in PAGES}
    for page in PAGES:
        named = {f"{name}.{section}" for name, section in re.findall(r"(?m)^\.Xr (\S+) (\d)", _page(page.name))
                 if name.startswith(("dwreport", "dropwatch"))}
        assert named == ours - {page.name}
