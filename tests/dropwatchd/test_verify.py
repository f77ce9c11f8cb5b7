"""`dropwatchd --verify`: a line for each kind of fault, and an exit code for scripts."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.config import Config
from dropwatchd.history.damage import values
from dropwatchd.verify import verify


def _spoil(database: Path, *sql: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for one in sql:
            connection.execute(one)


def _lines(database: Path, capsys: pytest.CaptureFixture[str], code: int) -> list[str]:
    before = database.read_bytes() if database.exists() else b""
    assert verify(Config(database=str(database))) == code
    assert (database.read_bytes() if database.exists() else b"") == before
    return capsys.readouterr().out.splitlines()


def test_a_whole_history(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is found, and what was looked for is said."""
    assert _lines(database, capsys, 0) == ["pages       ok", "values      ok", "references  ok"]


def test_wrong_values_and_references(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each in a line of its own, with the table and how many rows."""
    _spoil(database, "INSERT INTO events VALUES (1, 7, 'x', 'k', 's', 'd', NULL, NULL)")
    assert _lines(database, capsys, 1) == [
        "pages       ok", "values      table events: time_ns is not integer in 1 rows",
        "references  table events: 1 rows refer to runs that are not there"]


def test_what_a_reader_hides_is_looked_at(database: Path) -> None:
    """Histories of older revisions are read through temporary tables; damage is in the file."""
    _spoil(database, "INSERT INTO interfaces (boot_id, ifindex, valid_from_ns, valid_until_ns) VALUES ('b', 'x', 1, 2)")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TEMP TABLE interfaces (id)")
        assert list(values(connection)) == ["table interfaces: ifindex is not integer in 1 rows"]


def test_damaged_pages(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As SQLite describes them."""
    _spoil(database, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                     " INSERT INTO kinds SELECT i, 'reason ' || i, 2048, 'software', NULL, NULL FROM n")
    data = bytearray(database.read_bytes())
    data[-12 * 4096:-8 * 4096] = b"\xa5" * 4 * 4096
    database.write_bytes(data)
    lines = _lines(database, capsys, 1)
    assert lines[0].startswith("pages       ")
    assert lines[0] != "pages       ok"


def test_no_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Said as a report says it."""
    line, = _lines(tmp_path / "none.db", capsys, 1)
    assert line.startswith("reading     no history here")
