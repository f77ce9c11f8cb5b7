"""What is taken out of a central history for good: an archive, and a bundle, are those of the hosts' own."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import duckdb
import pytest

from dropwatchd.history.write.batch import Batch
from dropwatchd.history.write.fold import MINUTE_NS
from dropwatchd.model import Event
from dropwatchd.upload.loop import Target, send_all
from dwreport.__main__ import run
from tests.fleet.conftest import asked
from tests.fleet.life import KEY, START, Life
from tests.fleet.test_report import VIEWS, in_minutes, said

Live = Callable[..., Life]
FILES = ("drops", "counters", "watches", "gaps", "events", "packets", "runs")


def _exported(what: str, path: Path, database: object, *words: str) -> Path:
    given = words if "--since" in words else ("--since", f"@{START + 600}", "--until", f"@{START + 2400}", *words)
    assert run(["export", what, str(path), "--database", str(database), *given]) == 0
    return path


def _rows(folder: Path, name: str) -> list[str]:
    with duckdb.connect() as connection:
        shown = ("'* EXCLUDE (' || string_agg(column_name, ', ') || ')'", "column_type LIKE 'TIMESTAMP%'")
        file = f"'{folder}/{name}.parquet'"
        [(columns,)] = connection.execute(
            f"SELECT {shown[0]} FROM (DESCRIBE FROM {file}) WHERE {shown[1]}").fetchall()  # noqa: S608 - names of ours
        return sorted(map(repr, connection.execute(f"SELECT {columns} FROM {file}").fetchall()))  # noqa: S608


def test_both_kinds_of_history_give_the_same(central: str, live: Live, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    """Row by row in an archive; of a bundle each report, of the hosts that are asked for alone."""
    chance, lives = Random(5), [live("web-1"), live("db-1")]
    for life in lives:
        for number in range(240):
            life.random(chance, 10)
            if number in {60, 130}:
                life.restart()
            if number == 100:
                life._write(Batch(events=[Event(life._at(life.now).wall_ns, "link down", "eth0", "carrier")]))
        life.stop()
        send_all(Target(central, life.path, packets=True))
    own = _exported("--parquet", tmp_path / "own", in_minutes(lives[0]))
    there = _exported("--parquet", tmp_path / "there", central, "--host", "web-1")
    for name in FILES:
        assert _rows(own, name)
        assert _rows(own, name) == _rows(there, name), name

    long = ("--since", f"@{START - 100_000}", "--until", f"@{START + 7200}")
    own = _exported("--parquet", tmp_path / "own-long", in_minutes(lives[0]), *long)
    there = _exported("--parquet", tmp_path / "there-long", central, "--host", "web-1", *long)
    assert len(_rows(own, "drops")) > 1.2 * len(_rows(tmp_path / "own", "drops"))
    assert _rows(own, "drops") == _rows(there, "drops")
    whole = _exported("--bundle", tmp_path / "whole.db", central)
    part = _exported("--bundle", tmp_path / "part.db", central, "--host", "db-*")
    for words in VIEWS[:12]:
        if not {"--boot", "--run", "compare", "runs"} & {*words}:
            for bundle, host in ((whole, ()), *(((part, ("--host", "db-1")),) if len(words) < 2 else ())):
                here, there = (said(capsys, one, *words, *host) for one in (bundle, central))
                for row in (here["coverage"], there["coverage"], *here.get("fleet", ()), *there.get("fleet", ())):
                    assert row.pop("recorded_until") > "2025-11-22T10:39"  # a bundle ends with its window
                    row.pop("ending", None)
                assert here == there, words
    with closing(sqlite3.connect(part)) as bundled, closing(sqlite3.connect(lives[0].path)) as own_file:
        names = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
        assert bundled.execute(names).fetchall() == own_file.execute(names).fetchall()
        assert bundled.execute("SELECT DISTINCT hostname FROM runs").fetchall() == [("db-1",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_no_room_for_what_is_taken_out_is_one_line(central: str, live: Live, tmp_path: Path) -> None:
    """A bundle says so as well, of a host's own file too; nothing half is left."""
    life = live()
    life.go_on(60, {KEY: 5})
    life.stop()
    send_all(Target(central, life.path))
    asked(central, f"""
        INSERT INTO dropwatch.drops SELECT host, run, location, kind, interface, window_start_ns + minute * {MINUTE_NS},
               window_width_ns, count, bytes, first_ns + minute * {MINUTE_NS}, last_ns + minute * {MINUTE_NS}
        FROM dropwatch.drops, generate_series(1, 30000) minute""")  # noqa: S608 - numbers of ours
    small, target = tmp_path / "small", tmp_path / "target"
    small.mkdir()
    mounted = f"mount -t tmpfs -o size={{}} tmpfs {small} && TMPDIR={small} exec {sys.executable} -m dwreport export"
    full = "cannot write the bundle (database or disk is full)"
    for what, database, size, why in (
            ("--parquet", central, "1m", "there is no room for what is taken out of the central history"),
            ("--bundle", central, "1m", full), ("--bundle", life.path, "64k", full)):
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", f'{mounted.format(size)} "$@"', "sh", what, target, "--database",
             str(database), "--since", f"@{START}", "--until", f"@{START + 60 * 30_100}"],
            capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert f"{why}; check the room for temporary files" in done.stderr
        assert not [path for path in tmp_path.iterdir() if path.name.startswith((".dwreport", "target"))]
