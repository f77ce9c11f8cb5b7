"""A person who waits is told; a script is not."""

import io
import sqlite3

import pytest

from dwreport.cli import progress as module
from dwreport.cli.progress import progress

_LONG = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) FROM n"


class _Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(("terminal", "patience", "told"), [(True, 0, True), (True, 3600, False), (False, 0, False)])
def test_only_a_terminal_is_told_and_only_of_what_takes_long(
    terminal: bool, patience: float, told: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is told goes when the report comes, and the query is not disturbed."""
    stream = _Stream(terminal=terminal)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(module, "_PATIENCE", patience)
    monkeypatch.setattr("time.monotonic", iter(range(100, 10_000)).__next__)
    with sqlite3.connect(":memory:") as connection, progress(connection):
        assert connection.execute(_LONG).fetchone() == (400_000,)
    assert ("reading the history, " in stream.getvalue(), stream.getvalue().endswith("\r\x1b[K")) == (told, told)
