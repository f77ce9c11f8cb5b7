"""An archive: the rows of its window in files that DuckDB reads, each as the history's views show it, none twice."""

# ruff: noqa: S608 - names of views, columns and files are those of this module.

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run
from tests.dwreport.conftest import HOUR_NS, START_NS, History

FILES = ("drops", "counters", "watches", "gaps", "events", "packets", "runs")
KEYS = {"drops": "window_start_ns", "counters": "until_ns", "events": "time_ns"}
MOST = 2**63 - 1
MIDDLE_NS, END_NS = START_NS + 1200 * NANO, START_NS + HOUR_NS
ODD = "a\0b\"',;\r\n\\N\u2028é"
BROKEN = "CAST(x'6874ff2d80' AS TEXT)"  # as a program may call itself: no UTF-8


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Return two runs with rows within the window, across its middle, and with the oddest values that a table holds."""
    history = History(tmp_path_factory.mktemp("history") / "history.db")
    one = history.run(START_NS, START_NS + 1500 * NANO, hostname="db1.corp.example", machine_id="c0ffee11")
    two = history.run(START_NS + 1600 * NANO, None, hostname="web,2", machine_id="beef", last_seen_ns=END_NS)
    for number, run_id in enumerate((one, two, one, one, two)):
        at_ns = START_NS + number * 290 * NANO + 25
        history.drop(run_id, at_ns // NANO * NANO, number + 1, first_ns=at_ns, last_ns=at_ns + 50 * NANO,
                     window_width_ns=60 * NANO, reason=(None, "NO_SOCKET")[number % 2], module=ODD if number else None)
        history.counter(run_id, f"c{number}", (-2**63, MOST, -1, 1, 2**32)[number], at_ns, labels={"peer": "10.1.2.3"})
        history.event(run_id, at_ns, "link up", ODD, netns=7 if number % 2 else None)
        history.gap(run_id, at_ns, at_ns + 100 * NANO, effect="partial", lost=(None, 0, MOST)[number % 3])
    history.drop(one, START_NS + 7, MOST, bytes=0, name=None, ifindex=None, netns=None, protocol=None)
    history.drop(one, START_NS + 9, 1, bytes=None, symbol=None, offset=None, address="0xffffffff81234567", reason="",
                 trap="t", trap_group="", origin="hardware")
    history.drop(two, MIDDLE_NS, 3)
    history.counter(two, "edge", 9, MIDDLE_NS)
    history.event(two, MIDDLE_NS, "edge", "")
    history.packet(two, MIDDLE_NS, b"edge")
    history.packet(one, START_NS + 50 * NANO, bytes(range(256)), weight=3, details='{"queue": "fq"}')
    history.packet(one, START_NS + 51 * NANO, b"", link_header=False)
    history.gap(one, START_NS - 50 * NANO, MIDDLE_NS + 5, effect="detail", lost=7)
    history.gap(two, -MOST, MOST, effect="partial")
    history.watch(one, "counters", "until", START_NS, MIDDLE_NS)
    history.watch(one, "counters", "once", MIDDLE_NS, MIDDLE_NS)
    history.execute("UPDATE watches SET ending = 'stopped'")
    history.execute(f"UPDATE interfaces SET kind = {BROKEN}, driver = '', peer = '#4' WHERE name = 'eth0'")
    yield history
    history.close()


def _archive(history: History, folder: Path, since_ns: int = START_NS, until_ns: int = END_NS, *words: str) -> Path:
    window = ("--since", f"@{since_ns / NANO:.9f}", "--until", f"@{until_ns / NANO:.9f}")
    assert run(["export", "--parquet", str(folder), "--database", str(history.path), *window, *words]) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.parquet" for name in FILES)
    return folder


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a file, with timestamps as microseconds since 1970 UTC."""
    with duckdb.connect() as connection:
        file = f"'{folder}/{name}.parquet'"
        types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE FROM {file}").fetchall()}
        assert {kind for column, kind in types.items() if f"{column}_ns" in types} <= {"TIMESTAMP WITH TIME ZONE"}
        assert {row[0] for row in connection.execute(f"""
            SELECT repetition_type FROM parquet_schema({file}) WHERE type IS NOT NULL""").fetchall()} == {"OPTIONAL"}
        shown = [f'epoch_us("{column}")' if f"{column}_ns" in types else f'"{column}"' for column in types]
        found = connection.execute(f"SELECT {', '.join(shown)} FROM {file}").fetchall()
        return [dict(zip(types, row, strict=True)) for row in found]


def _shown(history: History, view: str, key: str) -> list[dict[str, Any]]:
    """Return the rows of a view, with what tells their run anywhere."""
    with closing(sqlite3.connect(history.path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda text: text.decode(errors="backslashreplace")
        return [dict(row) for row in connection.execute(f"""
            SELECT v.*, r.machine_id, r.boot_id, r.started_ns AS run_started_ns FROM {view} v JOIN runs r
            ON r.id = v.run_id WHERE v.{key} >= {START_NS} AND v.{key} < {END_NS}""")]


def test_rows_are_those_of_the_views(whole: History, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each column of each row, with all that may be in it; times as text are timestamps, of microseconds."""
    odd, made = tmp_path / "an [odd]* 'name'", tmp_path / "made"
    _archive(whole, odd)
    made.symlink_to(odd)
    told = capsys.readouterr().err
    drops = sum(row["count"] for row in _shown(whole, "v_drops", "window_start_ns"))
    assert drops > MOST
    assert f"wrote {drops:,}".replace(",", " ") + " drops in 8 rows, 6 counter changes, 3 packets into" in told
    assert "coverage 48.61 %: 8 gaps" in told
    for name, key in KEYS.items():
        shown = _shown(whole, f"v_{name}", key)
        times = [column for column in ("window_start", "first", "last", "since", "until", "time") if column in shown[0]]
        for row in shown:
            del row["run_id"]
            for column in times:
                row[column] = row[f"{column}_ns"] // 1000
            if "gauge" in row:
                row["gauge"] = bool(row["gauge"])
        own = [{column: row[column] for column in shown[0]} for row in _rows(made, name)]
        assert sorted(map(repr, own)) == sorted(map(repr, shown)), name
    [broken] = {row["interface_kind"] for row in _rows(made, "drops") if row["interface"] == "eth0"}
    assert broken == "ht\\xff-\\x80"
    assert {row["module"] for row in _rows(made, "drops")} == {None, ODD}
    assert sorted(row["delta"] for row in _rows(made, "counters")) == [-2**63, -1, 1, 9, 2**32, MOST]
    assert [(row["data"], row["weight"], row["link_header"], row["details"], row["location"], row["symbol_offset"])
            for row in _rows(made, "packets")] == [
        (bytes(range(256)), 3, True, '{"queue": "fq"}', "udp_queue_rcv_one_skb+0x1f", 0x1f),
        (b"", 1, False, None, "udp_queue_rcv_one_skb+0x1f", 0x1f),
        (b"edge", 1, True, None, "udp_queue_rcv_one_skb+0x1f", 0x1f)]
    assert {(row["hostname"], row["machine_id"], row["ended_ns"]) for row in _rows(made, "runs")} == {
        ("db1.corp.example", "c0ffee11", START_NS + 1500 * NANO), ("web,2", "beef", None)}


def test_archives_of_times_that_meet_add_up(whole: History, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No row is in two, and none in none; what lasts is in each that it touches, what was watched as far as it is."""
    both = _archive(whole, tmp_path / "both")
    early = _archive(whole, tmp_path / "early", START_NS, MIDDLE_NS)
    assert "1 row of 5 drops reach beyond the end of the window: this archive has all" in capsys.readouterr().err
    _archive(whole, tmp_path / "late", MIDDLE_NS, END_NS)
    told = capsys.readouterr().err
    assert "1 row of 5 drops began before the window and reached into it: the archive of the time before has" in told
    for name in ("drops", "counters", "events", "packets"):
        parts = [*_rows(early, name), *_rows(tmp_path / "late", name)]
        assert sorted(map(repr, parts)) == sorted(map(repr, _rows(both, name))), name
    assert len(_rows(early, "drops")) == 7
    parts = [*_rows(early, "watches"), *_rows(tmp_path / "late", "watches")]
    assert sum(row["until_ns"] - row["since_ns"] for row in parts) == sum(
        row["until_ns"] - row["since_ns"] for row in _rows(both, "watches"))
    assert all(START_NS <= row["since_ns"] <= row["until_ns"] <= MIDDLE_NS for row in _rows(early, "watches"))
    cut = [row for row in _rows(early, "watches") if row["name"] != "until"]
    assert {(row["until_ns"], row["ending"]) for row in cut} == {(MIDDLE_NS, "")}
    assert {row["ending"] for row in parts} == {"", "stopped"}
    assert sorted(row["name"] for row in parts if row["what"] == "counters") == ["once", "until"]
    gaps = [*_rows(early, "gaps"), *_rows(tmp_path / "late", "gaps")]
    assert {repr(row) for row in gaps} == {repr(row) for row in _rows(both, "gaps")}
    assert len(gaps) == len(_rows(both, "gaps")) + 3
    assert 2 * MOST / 1e9 in {row["seconds"] for row in gaps}


def test_a_host_is_chosen_and_others_are_not_in_it(whole: History, tmp_path: Path) -> None:
    made = _archive(whole, tmp_path / "made", START_NS, END_NS, "--host", "web*")
    assert {row["machine_id"] for name in FILES for row in _rows(made, name)} == {"beef"}
    assert sorted(row["count"] for row in _rows(made, "drops")) == [2, 3, 5]


def test_who_it_was_is_not_in_a_redacted_one(whole: History, tmp_path: Path) -> None:
    """As in a bundle: hosts, machines, addresses, and what packets carry; counts and times stay."""
    plain = _archive(whole, tmp_path / "plain")
    veiled = _archive(whole, tmp_path / "veiled", START_NS, END_NS, "--redact")
    secret = ("db1.corp.example", "c0ffee11", "10.1.2.3", "web,2")
    told = repr([_rows(veiled, name) for name in FILES])
    assert not [word for word in secret if word in told]
    assert all(word in repr([_rows(plain, name) for name in FILES]) for word in secret)
    for name in FILES:
        here, there = ([[row[column] for column in row if column.endswith("_ns") or column in {"count", "delta"}]
                        for row in _rows(folder, name)] for folder in (plain, veiled))
        assert sorted(here, key=repr) == sorted(there, key=repr)


@pytest.mark.parametrize(("words", "code", "said"), [
    ("--interface eth0", 2, "an archive has all of the window, and takes no --interface"),
    ("--no-benign", 2, "takes no --benign"),
    ("--html x", 2, "export takes one of"),
    ("--database {folder}/nothing.db", 1, "no history here"),
    ("--parquet=", 2, "--parquet needs the name of a folder"),
    ("--parquet {history}", 2, "is there, and is no empty folder; name a new one"),
    ("--parquet {folder}", 2, "is there, and is no empty folder; name a new one"),
    ("--parquet {history}/x", 1, "Not a directory; check the folder, its rights and the room on its disk"),
    ("--parquet {folder}/no/x", 1, "No such file or directory; check the folder"),
])
def test_what_cannot_be_written_is_one_line_and_leaves_nothing(
    whole: History, capsys: pytest.CaptureFixture[str], words: str, code: int, said: str,
) -> None:
    folder = whole.path.parent
    before = sorted(folder.iterdir())
    given = words.format(folder=folder, history=whole.path).split()
    assert run(["export", "--parquet", str(folder / "x"), "--database", str(whole.path), *given]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_without_duckdb_it_says_what_to_install(
    whole: History, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert run(["export", "--parquet", str(tmp_path / "x"), "--database", str(whole.path), "--since", "@0"]) == 1
    assert "pip install 'dropwatchd[parquet]'" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_an_older_history_is_to_be_upgraded_before(
    history: History, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    history.execute("UPDATE alembic_version SET version_num = '0005'")
    assert run(["export", "--parquet", str(tmp_path / "x"), "--database", str(history.path)]) == 1
    assert "start dropwatchd once to upgrade it" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [history.path]


def test_a_disk_that_fills_up_leaves_nothing(history: History, tmp_path: Path) -> None:
    """What DuckDB cannot write is told as what it is, in one line; an empty folder that was there stays."""
    history.many_drops(history.run(), 20_000)
    (tmp_path / "x").mkdir()
    code = ("import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
            "from dwreport.__main__ import run\nsys.exit(run(sys.argv[1:]))")
    done = subprocess.run([sys.executable, "-c", code, "export", "--parquet", tmp_path / "x", "--database",
                           history.path, "--since", f"@{START_NS // NANO}"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (f"dwreport: cannot write {tmp_path / 'x'}: File too large; check the folder, its rights and"
                           " the room on its disk\n")
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [tmp_path / "x"]
    assert not [*(tmp_path / "x").iterdir()]


def test_a_signal_leaves_nothing(history: History, tmp_path: Path) -> None:
    """Which is what service managers end programs with."""
    history.many_drops(history.run(), 200_000)
    done = subprocess.Popen([sys.executable, "-m", "dwreport", "export", "--parquet", tmp_path / "x", "--database",
                             history.path, "--since", f"@{START_NS // NANO}"])
    deadline = time.monotonic() + 60
    while not [*tmp_path.glob(".dwreport-*/.rows-*/*")]:
        assert done.poll() is None
        assert time.monotonic() < deadline
    done.terminate()
    assert done.wait(60) == 128 + signal.SIGTERM
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
