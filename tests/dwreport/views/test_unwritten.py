"""Windows that lie wholly after what a living daemon wrote last: no calm zero, and no "no source"."""

import pytest

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.readonly import read
from dropwatchd.history.read.scope import Scope
from dropwatchd.model import NANO
from dwreport.__main__ import run
from dwreport.views._stream import Notices
from tests.dwreport.conftest import HOUR_NS, START_NS, History, Report

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


def test_a_collector_that_fails_costs_no_drops(history: History, report: Report) -> None:
    """The last seconds are to come, and what is over is over: what was missed are counters."""
    end_ns = START_NS + HOUR_NS - 5 * NANO
    run = history.run(START_NS - HOUR_NS, None, last_seen_ns=end_ns, ending=None)
    history.gap(run, START_NS, end_ns, cause="collector failed", scope="counters:nftables")
    history.drop(run, START_NS + NANO)
    assert "coverage complete up to 10:59:55" in report()
    assert "drops may be missing" not in report()
    assert [row["state"] for row in report.json("incidents")["incidents"]] == ["over"]
    assert report.json("counters")["coverage"]["status"] == "blind"
    scope = Scope(START_NS, START_NS + HOUR_NS)
    told = read(history.path, lambda connection: Notices(START_NS).look(Reader(connection, scope, scope.until_ns)))
    assert told == {}


def test_what_is_switched_off_is_not_watched_until_it_is_on_again(history: History, report: Report) -> None:
    """Though other collectors went on: those of one namespace that were off together are told together."""
    run, middle_ns = history.run(), START_NS + HOUR_NS // 2
    blue = history.namespace(7, "blue")
    for name, back_ns in (("link", 600), ("snmp", 600), ("qdisc", 1200)):
        history.watch(run, "counters", name, START_NS, START_NS + HOUR_NS, namespace_id=history.namespace(4026531840))
        history.watch(run, "counters", name, START_NS, middle_ns, namespace_id=blue)
        history.watch(run, "counters", name, middle_ns + back_ns * NANO, START_NS + HOUR_NS, namespace_id=blue)
    history.execute("UPDATE watches SET ending = 'switched off' WHERE until_ns = " + str(middle_ns))  # noqa: S608 - ours
    answer = report.json("counters")["coverage"]
    assert answer["status"] == "partial"
    assert [(gap["since"][11:19], gap["until"][11:19], gap["scope"], gap["cause"]) for gap in answer["gaps"]] == [
        ("10:30:00", "10:40:00", "counters:link, snmp@blue", "switched off"),
        ("10:30:00", "10:50:00", "counters:qdisc@blue", "switched off")]
    assert report.json()["coverage"]["status"] == "complete"
    assert report.json("counters", "--netns", "init")["coverage"]["status"] == "complete"


def test_what_a_later_run_does_not_read_is_not_watched_then(history: History, report: Report) -> None:
    """It was started with another configuration; a collector that has nothing to count was there all the same."""
    for number, begin_s in enumerate((0, 1800)):
        since_ns = START_NS + begin_s * NANO
        run = history.run(since_ns, since_ns + 1800 * NANO)
        for name in ("link",) if number else ("link", "snmp", "xfrm"):
            history.watch(run, "counters", name, since_ns, since_ns + 1800 * NANO, namespace_id=history.namespace(1))
        for name in ("link", "xfrm") if number else ("link", "snmp", "xfrm"):
            history.execute(f"INSERT INTO collector_runs VALUES ({run}, '{name}', 9, 0, 1)")  # noqa: S608 - ours
    answer = report.json("counters")["coverage"]
    assert answer["status"] == "partial"
    [gap] = answer["gaps"]
    assert (gap["since"][11:19], gap["until"][11:19], gap["scope"]) == ("10:30:00", "11:00:00", "counters:snmp")
    assert report.json()["coverage"]["status"] == "complete"


@pytest.mark.parametrize("words", [["incidents"], ["timeline"], ["--by", "hour"], ["--by", "reason"], [],
                                   ["compare", "--with", "2025-11-22 10:01:30"]])
def test_a_window_within_a_longer_time_is_not_said_to_be_without_drops(
        history: History, report: Report, words: list[str]) -> None:
    """Rows of older times are of a minute, or more: when in it the few in their midst were is not on record."""
    history.drop(history.run(), START_NS + NANO, 5, last_ns=START_NS + 600 * NANO)
    text = " ".join(report(*words, "--since", "2025-11-22 10:05:00", "--until", "2025-11-22 10:05:01").split())
    assert "No packet was dropped" not in text
    assert "up to 3 may be" in text or "0 to 3" in text
