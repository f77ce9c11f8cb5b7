"""`dropwatchd --verify`: a line for each kind of fault, and an exit code for scripts."""

# ruff: noqa: S608 - the SQL is put together from numbers of this module.

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dropwatchd.config import Config
from dropwatchd.history.damage import values
from dropwatchd.history.read.readonly import UnreadableError, read
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
    assert _lines(database, capsys, 0) == ["pages       ok", "values      ok", "references  ok", "sums        ok"]


def test_wrong_values_and_references(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each in a line of its own, with the table and how many rows."""
    _spoil(database, "INSERT INTO events VALUES (1, 7, 'x', 'k', 's', 'd', NULL, NULL)")
    assert _lines(database, capsys, 1) == [
        "pages       ok", "values      table events: time_ns is not integer in 1 rows",
        "references  table events: 1 rows refer to runs that are not there", "sums        ok"]


def test_hours_and_days_that_are_not_the_sum_of_their_rows(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report takes whole hours from there: what they say is what rows say, and nothing is said of other hours."""
    hour_ns = 3_600_000_000_000
    _spoil(database, "INSERT INTO runs VALUES (1, 'm', 'b', 'h', '6.1', '0', 0, NULL, NULL)",
           "INSERT INTO counters VALUES (1, 'link', 'rx_dropped', NULL, 2, 'eth0', '{}', 0, 0)",
           *(f"INSERT INTO counter_changes VALUES ({hour + minute}, 1, 1, {hour}, {2**62})"
             for hour in (hour_ns, 2 * hour_ns) for minute in (1, 2)),
           f"INSERT INTO hours VALUES ('counter_changes', {hour_ns}, 1, 2, 3), ('drops', 0, NULL, NULL, NULL)",
           f"INSERT INTO counter_hours VALUES ({hour_ns}, 1, 1, {hour_ns}, {hour_ns + 2}, {-2**63})")
    assert _lines(database, capsys, 0)[-1] == "sums        ok"
    _spoil(database, "UPDATE counter_hours SET delta = delta + 1")
    assert _lines(database, capsys, 1)[-1] == (
        "sums        table counter_hours: 1 hours are not the sum of their rows in counter_changes")
    _spoil(database, "UPDATE counter_hours SET delta = delta - 1",
           f"INSERT INTO days VALUES ('counter_changes', 0, {hour_ns}, {hour_ns + 2}, 3)",
           f"INSERT INTO counter_days VALUES (0, 1, 1, {hour_ns}, {hour_ns + 2}, {-2**63})")
    assert _lines(database, capsys, 0)[-1] == "sums        ok"
    _spoil(database, "DELETE FROM counter_days")
    assert _lines(database, capsys, 1)[-1] == (
        "sums        table counter_days: 1 days are not the sum of their rows in counter_hours")
    with pytest.raises(UnreadableError, match="not the sum of their rows"):  # as small as this, before it is read
        read(database, lambda _connection: None)


def test_what_a_reader_hides_is_looked_at(database: Path) -> None:
    """Histories of older revisions are read through temporary tables; damage is in the file."""
    _spoil(database, "INSERT INTO interfaces (boot_id, ifindex, valid_from_ns, valid_until_ns) VALUES ('b', 'x', 1, 2)")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TEMP TABLE interfaces (id)")
        assert list(values(connection)) == ["table interfaces: ifindex is not integer in 1 rows"]


def test_damaged_pages(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As SQLite describes them."""
    _spoil(database, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                     " INSERT INTO kinds SELECT i, 'reason ' || i, 2048, 'software', NULL, NULL, 0 FROM n")
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
