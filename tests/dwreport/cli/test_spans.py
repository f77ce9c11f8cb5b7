"""Windows by boot and by run of the daemon."""

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run as dwreport
from tests.dwreport.conftest import START_NS, History, Report

MINUTE_NS = 60 * NANO
BOOT = "7f3c0d2e-9a41-4c55-8b1e-2f6d3a9c0b17"


def _counts(report: Report, *words: str) -> list[int]:
    return [row["count"] for row in report.json("drops", *words)["drops"]]


@pytest.fixture
def three(history: History) -> History:
    """Two runs in one boot, one in the next; each dropped as many packets as its number."""
    for place, boot in enumerate((BOOT, BOOT, "b-2")):
        since_ns = START_NS + 10 * place * MINUTE_NS
        number = history.run(since_ns, since_ns + 5 * MINUTE_NS, boot_id=boot)
        history.drop(number, since_ns + MINUTE_NS, place + 1)
    return history


@pytest.mark.parametrize(("words", "counts"), [
    (("--run", "0"), [3]), (("--run", "-1"), [2]), (("--run", "1"), [1]), (("--boot", "0"), [3]),
    (("--boot", "-1"), [1, 2]), (("--boot", "1"), [1, 2]), (("--boot", BOOT), [1, 2]),
    (("--boot", BOOT.replace("-", "")), [1, 2]), (("--boot", BOOT, "--run", "-1"), [1]),
])
@pytest.mark.usefixtures("three")
def test_a_boot_and_a_run_are_windows(report: Report, words: tuple[str, ...], counts: list[int]) -> None:
    """As journalctl counts boots; a run within a boot is counted there."""
    assert _counts(report, *words) == counts


@pytest.mark.usefixtures("three")
def test_a_window_is_that_of_the_run(report: Report) -> None:
    """From its start to what it vouched for last: it was watched all the time; given times narrow it."""
    answer = report.json("--run", "-1")
    assert answer["window"] == {"since": "2025-11-22T10:10:00.000000Z", "until": "2025-11-22T10:15:00.000000Z"}
    assert answer["coverage"]["status"] == "complete"
    assert _counts(report, "--boot", BOOT, "--since", f"@{START_NS // NANO + 600}") == [2]


def test_a_run_ends_where_drops_are_watched_no_more(history: History, report: Report) -> None:
    """Counters are read a moment longer."""
    run = history.run(START_NS, START_NS + MINUTE_NS)
    history.watch(run, "counters", "snmp", START_NS, START_NS + MINUTE_NS + 9)
    assert report.json("--run", "0")["coverage"]["status"] == "complete"


def test_a_run_is_all_that_it_saw_though_the_clock_was_ahead_of_it(history: History, report: Report) -> None:
    """It ends where the clock that nobody sets says, and nothing is said to go on after that."""
    ahead_ns, right_ns = START_NS + 30 * MINUTE_NS, START_NS + 5 * MINUTE_NS
    run = history.run(ahead_ns, None, last_seen_ns=ahead_ns + 5 * MINUTE_NS)
    history.drop(run, ahead_ns + MINUTE_NS, 3)
    for what, name in (("daemon", ""), ("software", "bpf")):
        history.watch(run, what, name, right_ns, right_ns + 10 * MINUTE_NS, since_boot_ns=5, until_boot_ns=6)
    history.drop(run, right_ns + MINUTE_NS, 4)
    whole = report.json("--run", "0")
    assert sum(row["count"] for row in whole["drops"]) == 7
    assert {finding["state"] for finding in whole["findings"]} == {None}
    [row] = report.json("runs")["runs"]
    assert (row["since"][11:19], row["until"][11:19], row["fraction"], row["drops"]) == ("10:05:00", "10:15:00", 1.0, 7)
    [host] = report.json("hosts", "--until", f"@{ahead_ns // NANO}")["fleet"]
    assert (host["recorded_until"][11:19], host["drops"]) == ("10:15:00", 4)


@pytest.mark.parametrize(("words", "what"), [
    (("--run", "-9"), "unknown --run, -9; this history has 3: 0 is the last"),
    (("--boot", "x"), "unknown --boot, x; this history has 2: 0 is the last"),
    (("--run", "0", "--until", f"@{START_NS // NANO + 60}"), "nothing of this boot or run lies between"),
])
def test_what_is_no_boot_or_run_is_refused(
        three: History, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], what: str) -> None:
    assert dwreport(["--database", str(three.path), *words]) == 2
    assert what in capsys.readouterr().err


def test_of_several_hosts_one_must_be_named(
        three: History, report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    three.drop(three.run(hostname="web-4", machine_id="m-2"), START_NS + NANO, 9)
    assert dwreport(["--database", str(three.path), "--boot", "0"]) == 2
    assert "name one with --host" in capsys.readouterr().err
    assert _counts(report, "--run", "0", "--host", "web-4") == [9]


def test_runs_that_a_clock_gave_the_same_times_are_told_apart(history: History, report: Report) -> None:
    """Of two at one time, each report has the rows of its own, in every table; the ledger of what expired is of all."""
    for place, boot in enumerate((BOOT, "b-2"), 1):
        run = history.run(START_NS, START_NS + 5 * MINUTE_NS, boot_id=boot)
        history.drop(run, START_NS + MINUTE_NS, place, boot_id=boot)
        history.counter(run, "UdpInErrors", 10 * place, START_NS + MINUTE_NS)
        history.packet(run, START_NS + MINUTE_NS, bytes(60), length=60 + place)
        history.event(run, START_NS + MINUTE_NS, "reload", f"run {place}")
        history.gap(run, START_NS + place, START_NS + 10, effect="partial", lost=place)
    history.gap(run, START_NS + 1, START_NS + 9, effect="detail", cause="expired", scope="packets")
    for words, place in ((("--run", "-1"), 1), (("--run", "0"), 2), (("--boot", "1"), 1), (("--boot", "0"), 2)):
        answer = report.json(*words)
        assert [row["count"] for row in answer["drops"]] == [place]
        assert [row["count"] for row in answer["findings"]] == [10 * place, place]
        assert [row["delta"] for row in answer["counters"]] == [10 * place]
        assert {(gap["cause"], gap["lost"]) for gap in answer["coverage"]["gaps"]} == {
            ("map full", place), ("expired", None)}
        assert _counts(report, *words) == [place]
        assert [row["length"] for row in report.json("packets", *words)["packets"]] == [60 + place]
        assert [row["subject"] for row in report.json("timeline", *words)["events"]] == [f"run {place}"]
        assert [(row["number"], row["drops"]) for row in report.json("runs", *words)["runs"]] == [(place - 2, place)]
        assert [row["count"] for row in report.json("--by", "hour", *words)["groups"]] == [place]
        assert [row["drops"] for row in report.json("hosts", *words)["fleet"]] == [place]
    assert _counts(report, "--until", f"@{START_NS // NANO + 300}") == [1, 2]
    changes = report.json("compare", "--run", "0", "--with", f"@{START_NS // NANO - 60}")["changes"]
    assert {(row["now"], row["then"]) for row in changes} == {(20, 30), (2, 3)}
