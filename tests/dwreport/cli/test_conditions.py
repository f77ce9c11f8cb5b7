"""Exit code 3 where a condition on the report holds, 4 where that is not on record."""

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
    ("harmful < 100", ""),
    ("suspect == 3", "suspect == 3: suspect is 3"),
    ("suspect == 2", ""),
    ("benign != 2", ""),
    ("unknown > 0", "unknown > 0: unknown is 1"),
    ("packets > 105", "packets > 105: packets is 106"),
    ("findings <= 4", "findings <= 4: findings is 4"),
    ("drops < 1 000", "drops < 1 000: drops is 106"),
    ("coverage < 99 %", "coverage < 99 %: coverage is 90 %"),
    ("coverage < 90%", ""),
])
def test_a_condition_is_about_the_report(
        holes: History, capsys: pytest.CaptureFixture[str], condition: str, told: str) -> None:
    """It is written in any case; of how much of the window it is, another condition asks."""
    assert dwreport(["--database", str(holes.path), *SINCE, "--fail-if", condition]) == (3 if told else 0)
    out, err = capsys.readouterr()
    assert out.startswith("web-3 · ")
    assert err == (f"dwreport: {told}; that is what --fail-if asks for\n" if told else "")


@pytest.mark.parametrize("view", [("drops",), ("counters",), ("coverage",), ("--by", "host")])
def test_a_condition_is_about_the_report_in_each_view(
        holes: History, capsys: pytest.CaptureFixture[str], view: tuple[str, ...]) -> None:
    words = ["--database", str(holes.path), *SINCE, *view, "--fail-if"]
    assert [dwreport([*words, text]) for text in ("harmful > 99", "harmful > 100", "harmful < 100")] == [3, 0, 0]
    assert capsys.readouterr().out.startswith("web-3 · ")


def test_what_a_filter_may_hide_is_no_no(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither drops of which no sample tells, nor those of which a name is not on record, nor what counters saw."""
    run = history.run()
    history.drop(run, START_NS + NANO, 100, reason="SOCKET_RCVBUFF")
    words = ["--database", str(history.path), *SINCE]
    assert dwreport([*words, "--port", "53", "--fail-if", "harmful > 0"]) == 4
    assert ("harmful > 0: harmful is 0 (0 to 100); 100 more packets may match the filters; what --fail-if asks for may "
            "be so\n") in capsys.readouterr().err
    assert dwreport([*words, "--port", "53", "--fail-if", "harmful > 100", "--fail-if", "coverage < 100 %"]) == 0
    assert dwreport([*words, "--port", "53", "--fail-if", "harmful > 0", "--fail-if", "coverage < 100 %"]) == 4
    assert dwreport([*words, "--fail-if", "harmful > 100", "--fail-if", "harmful < 100"]) == 0


def test_drops_at_an_edge_may_be_outside(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a row that reaches beyond the window, it is on record how many are within, but for a few."""
    history.drop(history.run(), START_NS - NANO, 100, last_ns=START_NS + NANO, reason="SOCKET_RCVBUFF",
                 width_ns=60 * NANO)
    words = ["--database", str(history.path), *SINCE, "--fail-if"]
    codes = [dwreport([*words, text]) for text in ("drops > 0", "drops > 10", "drops > 98", "drops > 99")]
    assert codes == [3, 3, 4, 0]
    told = capsys.readouterr().err
    assert "drops > 10: drops is 50 (1 to 99); that is what --fail-if asks for" in told
    assert "drops > 98: drops is 50 (1 to 99); what --fail-if asks for may be so" in told
    assert dwreport([*words, "drops == 7"]) == 4


def test_nobody_watched_is_no_zero(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is it no coverage that is enough."""
    history.run(START_NS - 2 * HOUR_NS, START_NS - HOUR_NS)
    words = ["--database", str(history.path), *SINCE, "--fail-if"]
    assert dwreport([*words, "harmful > 0"]) == 4
    assert "harmful is 0 (0 or more); nobody watched" in capsys.readouterr().err
    assert dwreport([*words, "coverage < 1 %", "--fail-if", "harmful > 0"]) == 3


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
