"""A person who waits is told; a script is not."""

import io
import sqlite3
from threading import Event

import pytest

from dwreport.cli import progress as module
from dwreport.cli.progress import progress, writing

_LONG = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) FROM n"


class _Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal
        self.told = Event()

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        self.told.set()
        return super().write(text)


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


@pytest.mark.parametrize(("waits", "reads", "told"), [(True, False, True), (True, True, False), (False, False, False)])
def test_who_waits_for_a_file_is_told_that_it_is_written(
    waits: bool, reads: bool, told: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the report itself goes to a terminal, it would stand in the middle of it."""
    stream = _Stream(terminal=waits)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("sys.stdout", _Stream(terminal=reads))
    monkeypatch.setattr(module, "_PATIENCE", 0)
    with writing():
        assert not told or stream.told.wait(60)
    assert ("writing the report, " in stream.getvalue(), stream.getvalue().endswith("\r\x1b[K")) == (told, told)
