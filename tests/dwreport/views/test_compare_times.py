"""Which earlier window a window is compared with: by the calendar, where clocks are set, and before all times."""

import json
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run
from dwreport.cli.earlier import earlier
from tests.dwreport.conftest import HOUR_NS, History


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be where clocks were set forward on 2026-03-29 at 02:00, and back on 2026-10-25 at 03:00."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * NANO


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(("word", "since", "until", "found"), [
    ("before", "2026-03-29T10:00+02:00", "2026-03-29T11:00+02:00",
     ("2026-03-29T09:00+02:00", "2026-03-29T10:00+02:00")),
    ("yesterday", "2026-03-29T10:00+02:00", "2026-03-29T11:00+02:00",
     ("2026-03-28T10:00+01:00", "2026-03-28T11:00+01:00")),
    ("last-week", "2026-10-27T10:00+01:00", "2026-10-27T11:00+01:00",
     ("2026-10-20T10:00+02:00", "2026-10-20T11:00+02:00")),
    # A day of 25 hours, and the one before, which has 24.
    ("yesterday", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00",
     ("2026-10-24T00:00+02:00", "2026-10-25T00:00+02:00")),
    # What clocks left out that day begins, or ends, when they were set.
    ("yesterday", "2026-03-30T02:15+02:00", "2026-03-30T03:05+02:00",
     ("2026-03-29T03:00+02:00", "2026-03-29T03:05+02:00")),
    ("yesterday", "2026-03-30T01:15+02:00", "2026-03-30T02:15+02:00",
     ("2026-03-29T01:15+01:00", "2026-03-29T03:00+02:00")),
    # Of an hour that came twice there was one the day before.
    ("yesterday", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00",
     ("2026-10-24T01:30+02:00", "2026-10-24T02:30+02:00")),
    # And of one that came twice the day before, the first.
    ("yesterday", "2026-10-26T02:10+01:00", "2026-10-26T02:40+01:00",
     ("2026-10-25T02:10+02:00", "2026-10-25T02:40+02:00")),
])
def test_a_day_earlier_is_a_day_of_the_calendar(word: str, since: str, until: str, found: tuple[str, str]) -> None:
    """In the local zone; it has 23 or 25 hours where clocks are set."""
    assert earlier(word, (_ns(since), _ns(until)), _ns(until)) == (_ns(found[0]), _ns(found[1]))


@pytest.mark.usefixtures("berlin")
def test_days_of_another_length_are_compared_by_rates(
        history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """A hundred and four in 25 hours are as many as a hundred in 24, and the table says so."""
    since_ns, until_ns = _ns("2026-10-25T00:00+02:00"), _ns("2026-10-26T00:00+01:00")
    watch = history.run(since_ns - 48 * HOUR_NS, until_ns)
    history.drop(watch, since_ns + HOUR_NS, 200)
    history.drop(watch, since_ns - HOUR_NS, 176)
    words = ["compare", "--since", f"@{since_ns // NANO}", "--until", f"@{until_ns // NANO}", "--database",
             str(history.path), "--with", "yesterday"]
    assert run([*words, "--format", "json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["changes"]
    assert row["ratio"] == pytest.approx(200 / 25 / (176 / 24))
    assert row["change"] == "same"
    assert run([*words, "--width", "100"]) == 0
    assert "1 d 1 h now, 1 d then" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("--since", "350y"), ("--with", "290y")])
def test_a_window_long_before_the_history_was_not_watched(
        history: History, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    """Or lies before all times that can be asked for: never an exception."""
    history.run()
    code = run(["compare", "--database", str(history.path), *words])
    out, err = capsys.readouterr()
    assert (code, bool(out), err.count("\n")) in {(0, True, 0), (2, False, 1)}
