"""Windows that lie wholly after what a living daemon wrote last: no calm zero, and no "no source"."""

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run
from tests.dwreport.conftest import HOUR_NS, START_NS, History

_SINCE, _UNTIL = (f"@{START_NS // NANO + second}" for second in (0, 20))
_UNWRITTEN = ("Nothing of this time is written yet (09:59:59 was the last): whether packets were dropped is unknown.")


@pytest.fixture
def options(history: History) -> list[str]:
    """Return the options of such a window; the daemon is idle, and writes every ten seconds."""
    history.run(START_NS - HOUR_NS, None, last_seen_ns=START_NS - NANO, ending=None)
    return ["--since", _SINCE, "--until", _UNTIL, "--database", str(history.path)]


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize("words", [[], ["drops"], ["timeline"], ["--by", "reason"]])
def test_it_says_so_first(options: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With the source that goes on watching."""
    assert run([*words, *options, "--width", "120"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "web-3 · 2025-11-22 10:00:00-10:00:20 UTC · bpf"
    assert second == _UNWRITTEN


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_rows_alone_are_no_silent_zero(
    options: list[str], format_: str, capsys: pytest.CaptureFixture[str],
) -> None:
    """Standard error says what rows cannot."""
    assert run([*options, "--format", format_]) == 0
    assert capsys.readouterr().err == f"dwreport: {_UNWRITTEN}\n"
