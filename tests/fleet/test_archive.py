"""What is taken out of a central history for good: an archive, and a bundle, are those of the hosts' own."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import duckdb
import pytest

from dropwatchd.history.write.batch import Batch
from dropwatchd.model import Event
from dropwatchd.upload.loop import Target, send_all
from dwreport.__main__ import run
from tests.fleet.life import START, Life
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

    whole = _exported("--bundle", tmp_path / "whole.db", central)
    part = _exported("--bundle", tmp_path / "part.db", central, "--host", "db-*")
    for words in VIEWS:
        if not {"--boot", "--run", "compare", "runs"} & {*words}:
            for bundle, host in ((whole, ()), (part, ("--host", "db-1"))):
                here, there = (said(capsys, one, *words, *host) for one in (bundle, central))
                for row in (here["coverage"], there["coverage"], *here.get("fleet", ()), *there.get("fleet", ())):
                    assert row.pop("recorded_until") > "2025-11-22T10:39"  # a bundle ends with its window
                    row.pop("ending", None)
                assert here == there, words
    with closing(sqlite3.connect(part)) as bundled, closing(sqlite3.connect(lives[0].path)) as own_file:
        names = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
        assert bundled.execute(names).fetchall() == own_file.execute(names).fetchall()
        assert bundled.execute("SELECT DISTINCT hostname FROM runs").fetchall() == [("db-1",)]
