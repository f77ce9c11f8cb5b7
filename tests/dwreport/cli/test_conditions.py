"""Exit code 3 where a condition on the report holds."""

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run as dwreport
from tests.dwreport.conftest import HOUR_NS, START_NS, History

SINCE = ("--since", f"@{START_NS // NANO}", "--until", f"@{(START_NS + HOUR_NS) // NANO}")


@pytest.fixture
def holes(history: History) -> History:
    """One hundred harmful packets, three suspect, two benign, one unknown, and a tenth of the time not watched."""
    run = history.run()
    for count, reason in ((100, "SOCKET_RCVBUFF"), (3, "NO_SOCKET"), (2, "UNHANDLED_PROTO")):
        history.drop(run, START_NS + NANO, count, reason=reason)
    history.drop(run, START_NS + NANO, 1, reason="WHATEVER", symbol="odd_function")
    history.gap(run, START_NS + 1800 * NANO, START_NS + 2160 * NANO)
    return history


@pytest.mark.parametrize(("condition", "told"), [
    ("harmful > 99", "harmful > 99: harmful is 100"),
    ("harmful>=100", "harmful>=100: harmful is 100"),
    ("harmful > 100", ""),
    ("suspect == 3", "suspect == 3: suspect is 3"),
    ("benign != 2", ""),
    ("unknown > 0", "unknown > 0: unknown is 1"),
    ("packets > 105", "packets > 105: packets is 106"),
    ("findings <= 4", "findings <= 4: findings is 4"),
    ("drops < 1 000", "drops < 1 000: drops is 106"),
    ("coverage < 99 %", "coverage < 99 %: coverage is 90 %"),
    ("coverage < 90%", ""),
])
@pytest.mark.parametrize("view", [(), ("drops",), ("counters",), ("coverage",), ("--by", "host")])
def test_a_condition_is_about_the_report(
        holes: History, capsys: pytest.CaptureFixture[str], view: tuple[str, ...], condition: str, told: str) -> None:
    """In each view, which is written in any case."""
    code = dwreport(["--database", str(holes.path), *SINCE, *view, "--fail-if", condition])
    out, err = capsys.readouterr()
    assert out.startswith("web-3 · ")
    assert (code, err) == ((3, f"dwreport: {told}; that is what --fail-if asks for\n") if told else (0, ""))


def test_all_conditions_that_hold_are_told(holes: History, capsys: pytest.CaptureFixture[str]) -> None:
    """With the filters that are given."""
    words = ["--database", str(holes.path), *SINCE, "--reason", "NO_SOCKET"]
    conditions = ("packets > 2", "harmful > 0", "coverage < 91 %")
    assert dwreport([*words, *(word for text in conditions for word in ("--fail-if", text))]) == 3
    assert "packets > 2: packets is 3, coverage < 91 %: coverage is 90 %; " in capsys.readouterr().err


def test_drops_that_were_missed_are_no_whole_coverage(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """Though something watched all the time."""
    history.gap(history.run(), START_NS + NANO, START_NS + 2 * NANO, effect="partial")
    assert dwreport(["--database", str(history.path), *SINCE, "--fail-if", "coverage < 100 %"]) == 3
    assert "coverage is 99.99 %" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "harmful", "harmful > x", "harmful > 5 %", "coverage < 99", "losses > 1", "> 1"])
def test_what_is_no_condition_is_wrong_usage(
        history: History, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert dwreport(["--database", str(history.path), "--fail-if", text]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"unreadable --fail-if, {text}; write one of drops, packets," in err


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_rows_of_a_blind_window_are_no_silent_zero(
        history: History, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """One line on standard error, for the rows have no place for it; none where all was watched."""
    assert dwreport(["--database", str(history.path), *SINCE, "--format", form]) == 0
    assert capsys.readouterr().err == (
        "dwreport: Nothing watched for drops in this window: whether packets were dropped is unknown.\n")
    history.run()
    assert dwreport(["--database", str(history.path), *SINCE, "--format", form]) == 0
    assert capsys.readouterr().err == ""
