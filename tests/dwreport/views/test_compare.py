"""What changed between two windows: no word claims more than both were watched for."""

import json
from typing import Any

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run
from tests.dwreport.conftest import HOUR_NS, START_NS, History, Report

MINUTE_NS = 60 * NANO
BEFORE_NS = START_NS - HOUR_NS
END_NS = START_NS + HOUR_NS
NO_SOCKET = {"reason": "NO_SOCKET", "symbol": "__udp4_lib_rcv"}
BENIGN = {"reason": "UNHANDLED_PROTO", "symbol": "__netif_receive_skb_core"}
RING = "Packets lost because the card's receive ring was full"


def _changes(report: Report, *words: str) -> dict[str, tuple[Any, ...]]:
    """Return what is told of each cause: the word, and how many packets there are now and were then."""
    return {row["title"]: (row["change"], row["now"], row["then"])
            for row in report.json("compare", *words)["changes"]}


def _change(report: Report, *words: str) -> tuple[Any, ...]:
    [found] = _changes(report, *words).values()
    return found


@pytest.fixture
def watched(history: History) -> int:
    """A run that watched for drops from two hours before the window on, to its end."""
    return history.run(START_NS - 2 * HOUR_NS, END_NS)


@pytest.mark.parametrize("told", [
    ("new", 15, 0), ("gone", 0, 15), ("grown", 300, 100), ("shrunk", 100, 300), ("same", 100, 100),
    ("same", 100, 109), ("shrunk", 100, 112), ("grown", 112, 100)])
def test_a_change_has_its_word(
        history: History, report: Report, watched: int, told: tuple[str, int, int]) -> None:
    """All of both windows was watched; what differs by a tenth is the same."""
    _word, now, then = told
    for count, at_ns in ((now, START_NS), (then, BEFORE_NS)):
        if count:
            history.drop(watched, at_ns + MINUTE_NS, count)
    assert _change(report) == told
    [row] = report.json("compare")["changes"]
    assert row["ratio"] == (now / then if now and then else None)
    assert (row["severity"], row["interfaces"], row["netns"], row["host"]) == ("harmful", ["eth0"], "init", "web-3")


def test_the_table_says_which_window_was_which(history: History, report: Report, watched: int) -> None:
    """With its times, and how far it was watched; a change has its size."""
    history.drop(watched, START_NS + MINUTE_NS, 300)
    history.drop(watched, BEFORE_NS + MINUTE_NS, 100)
    lines = [" ".join(line.split()) for line in report("compare").splitlines()]
    assert "now 2025-11-22 10:00:00-11:00:00 UTC 1 h 100 %" in lines
    assert "then 2025-11-22 09:00:00-10:00:00 UTC 1 h 100 %" in lines
    assert "HARMFUL grown ×3 300 100 A socket's receive buffer was full eth0" in lines


def test_what_was_not_watched_then_is_not_new(history: History, report: Report) -> None:
    """Before the history begins, and where there is none; its zero is no zero."""
    history.drop(history.run(), START_NS + MINUTE_NS, 15)
    assert _change(report) == ("new or unseen then", 15, None)
    text = report("compare")
    assert "Not watched then" in text
    assert "unknown" in text
    assert [row["status"] for row in report.json("compare")["windows"]] == ["complete", "blind"]


def test_what_is_not_watched_now_is_not_gone(history: History, report: Report) -> None:
    """Nor is none seen since."""
    history.drop(history.run(START_NS - 2 * HOUR_NS, START_NS), BEFORE_NS + MINUTE_NS, 15)
    assert _change(report) == ("gone or unseen now", None, 15)
    assert "web-3" in report("compare")


@pytest.mark.parametrize(("effect", "missed_ns"), [("blind", BEFORE_NS), ("partial", BEFORE_NS)])
def test_what_was_watched_in_part_is_not_new(
        history: History, report: Report, watched: int, effect: str, missed_ns: int) -> None:
    """Half an hour unseen, or drops that were missed meanwhile."""
    history.gap(watched, missed_ns, missed_ns + 30 * MINUTE_NS, effect=effect, lost=None, scope="software")
    history.drop(watched, START_NS + MINUTE_NS, 15)
    assert _change(report) == ("new or unseen then", 15, None)
    assert "Then: coverage" in report("compare")


def test_rates_are_compared_where_more_was_watched(history: History, report: Report, watched: int) -> None:
    """A hundred in half an hour are as many as two hundred in one; no more is claimed than was seen."""
    history.gap(watched, BEFORE_NS, BEFORE_NS + 30 * MINUTE_NS, scope="software")
    history.drop(watched, BEFORE_NS + 40 * MINUTE_NS, 100)
    history.drop(watched, START_NS + MINUTE_NS, 200)
    assert _change(report) == ("same as far as seen", 200, 100)
    assert "1 h now, 30 min then" in report("compare")
    history.drop(watched, START_NS + 2 * MINUTE_NS, 200)
    assert _change(report) == ("grown as far as seen", 400, 100)
    assert report.json("compare")["changes"][0]["ratio"] == pytest.approx(2.0)
    assert "grown ×2 as far" in report("compare")


def test_rows_alone_say_on_stderr_what_was_not_watched_then(
        history: History, capsys: pytest.CaptureFixture[str]) -> None:
    history.drop(history.run(), START_NS + MINUTE_NS, 15)
    assert run(["compare", "--since", f"@{START_NS // NANO}", "--until", f"@{END_NS // NANO}", "--database",
                str(history.path), "--format", "csv"]) == 0
    assert "Not watched then" in capsys.readouterr().err


def _ring(history: History, watch: int, until_ns: int, count: int) -> None:
    history.counter(watch, "rx_missed_errors", count, until_ns, collector="link", interface="eth0", ifindex=2)


def test_a_loss_that_counters_alone_saw_takes_part(history: History, report: Report, watched: int) -> None:
    """It is new where its counters were read then, by their own collector: of others that is no word."""
    _ring(history, watched, START_NS + MINUTE_NS, 5)
    assert _changes(report)[RING] == ("new or unseen then", 5, None)
    history.visited(watched, BEFORE_NS, END_NS)
    assert _changes(report)[RING] == ("new or unseen then", 5, None)
    history.watch(watched, "counters", "link", BEFORE_NS, END_NS, namespace_id=history.namespace(4026531840))
    assert _changes(report)[RING] == ("new", 5, 0)
    _ring(history, watched, BEFORE_NS + MINUTE_NS, 5)
    assert _changes(report)[RING] == ("same", 5, 5)


def test_counters_alone_are_what_events_leave(history: History, report: Report, watched: int) -> None:
    """Where drops were not watched now, what counters saw may be what was an event then."""
    history.watch(watched, "counters", "link", BEFORE_NS, END_NS, namespace_id=history.namespace(4026531840))
    history.gap(watched, START_NS, END_NS, scope="software")
    _ring(history, watched, START_NS + MINUTE_NS, 5)
    assert _changes(report)[RING] == ("new or unseen then", 5, None)


def test_counters_are_compared_on_a_host_without_events(history: History, report: Report) -> None:
    """It was the same then: counters alone, all the time."""
    alone = history.run(START_NS - 2 * HOUR_NS, END_NS, source="none")
    history.watch(alone, "counters", "link", BEFORE_NS, END_NS, namespace_id=history.namespace(4026531840))
    _ring(history, alone, START_NS + MINUTE_NS, 5)
    assert _changes(report)[RING] == ("new", 5, 0)


def test_a_change_of_a_counter_over_the_edge_is_of_both_windows(
        history: History, report: Report, watched: int) -> None:
    """Nobody knows in which of them the packets were lost."""
    history.watch(watched, "counters", "link", BEFORE_NS, END_NS, namespace_id=history.namespace(4026531840))
    _ring(history, watched, START_NS + 4 * NANO, 5)
    assert _changes(report)[RING] == ("new or unseen then", 5, None)
    _ring(history, watched, START_NS + MINUTE_NS, 5)
    assert _changes(report)[RING] == ("new or unseen then", 10, None)


def test_hardware_that_nobody_watched_then_has_no_new_drops(history: History, report: Report) -> None:
    """Software was watched all the time; that is another matter."""
    watch = history.run(START_NS - 2 * HOUR_NS, END_NS)
    history.watch(watch, "hardware", "net_dm", START_NS, END_NS)
    history.drop(watch, START_NS + MINUTE_NS, 3, origin="hardware", trap="ttl_value_is_too_small", reason=None)
    assert _change(report) == ("new or unseen then", 3, None)
    history.watch(watch, "hardware", "net_dm", BEFORE_NS, START_NS)
    assert _change(report) == ("new", 3, 0)


def test_another_host_that_was_not_there_then_has_nothing_new(history: History, report: Report, watched: int) -> None:
    """That the one was watched says nothing of the other; each row says whose it is."""
    other = history.run(machine_id="m-2", hostname="web-4")
    history.drop(watched, START_NS + MINUTE_NS, 2, **BENIGN)
    history.drop(other, START_NS + MINUTE_NS, 15)
    rows = {row["host"]: row["change"] for row in report.json("compare")["changes"]}
    assert rows == {"web-3": "new", "web-4": "new or unseen then"}
    assert "web-4" in report("compare")
    assert "Not watched then: web-4." in report("compare")
    history.drop(watched, BEFORE_NS + MINUTE_NS, 1, **BENIGN)
    assert [row["change"] for row in report.json("compare", "--severity", "benign")["changes"]] == ["grown"]
    history.gap(watched, BEFORE_NS + 30 * MINUTE_NS, BEFORE_NS + 40 * MINUTE_NS, scope="software")
    assert "is told by packets per time watched." in report("compare")  # each host's own


def test_a_host_that_is_not_there_now_is_named(history: History, report: Report, watched: int) -> None:
    other = history.run(START_NS - 2 * HOUR_NS, START_NS - MINUTE_NS, machine_id="m-2", hostname="web-4")
    history.drop(other, BEFORE_NS + MINUTE_NS, 15)
    history.drop(watched, BEFORE_NS + MINUTE_NS, 15)
    rows = {row["host"]: row["change"] for row in report.json("compare")["changes"]}
    assert rows == {"web-3": "gone", "web-4": "gone or unseen now"}
    assert "web-4" in report("compare")


def test_a_place_has_its_row(history: History, report: Report, watched: int) -> None:
    """A namespace is not another one, and has its name in another boot too."""
    blue = {"netns": 77, "netns_name": "blue", "name": "veth0"}
    history.drop(watched, START_NS + MINUTE_NS, 15)
    history.drop(watched, START_NS + MINUTE_NS, 30, **blue)
    history.drop(watched, BEFORE_NS + MINUTE_NS, 10, **{**blue, "netns": 78})
    rows = {row["netns"]: (row["change"], row["now"], row["then"]) for row in report.json("compare")["changes"]}
    assert rows == {"init": ("new", 15, 0), "blue": ("grown", 30, 10)}
    assert "veth0 (blue)" in report("compare")


def test_a_device_is_followed_under_its_new_name(history: History, report: Report, watched: int) -> None:
    """What eth0 lost is lan0's; a filter by the new name knows nothing of the old one, and claims nothing."""
    full = {"reason": "QDISC_DROP", "symbol": "__dev_queue_xmit"}
    history.drop(watched, BEFORE_NS + MINUTE_NS, 100, **full)
    history.event(watched, BEFORE_NS + 2 * MINUTE_NS, "link renamed", "lan0", detail="was eth0")
    history.drop(watched, START_NS + MINUTE_NS, 300, **full, name="lan0")
    assert _change(report) == ("grown", 300, 100)
    assert "eth0 was renamed to lan0 at 2025-11-22 09:02:00: what it lost before" in report("compare")
    assert _change(report, "--interface", "lan0") == ("new or unseen then", 300, None)
    assert _change(report, "--interface", "?*0") == ("grown", 300, 100)


def test_namespaces_without_names_are_not_taken_for_each_other(
        history: History, report: Report, watched: int) -> None:
    """Their numbers are used again at once."""
    history.drop(watched, START_NS + MINUTE_NS, 15, netns=77, netns_name=None)
    history.drop(watched, BEFORE_NS + MINUTE_NS, 15, netns=78, netns_name=None)
    history.execute("UPDATE namespaces SET inode = 99, cookie = id")
    assert sorted(row["change"] for row in report.json("compare")["changes"]) == ["gone", "new"]


def test_what_has_another_name_then_is_not_new(history: History, report: Report, watched: int) -> None:
    """The same reason in the same function, which the evidence of one window alone names more closely."""
    history.drop(watched, START_NS + MINUTE_NS, 7, symbol="nf_hook_slow", reason="NETFILTER_DROP")
    history.drop(watched, BEFORE_NS + MINUTE_NS, 7, symbol="nf_hook_slow", reason="NETFILTER_DROP",
                 netns=None, netns_name=None)
    words = {row["netns"]: (row["change"], row["now"], row["then"]) for row in report.json("compare")["changes"]}
    assert words == {"init": ("new or named otherwise then", 7, None), None: ("gone or named otherwise now", None, 7)}


def test_drops_that_may_lie_on_either_side_of_an_edge_are_not_new(
        history: History, report: Report, watched: int) -> None:
    """A folded row reaches over the window's begin: how many of it were before is not known."""
    history.drop(watched, START_NS - MINUTE_NS, 100, first_ns=START_NS - MINUTE_NS, last_ns=START_NS + MINUTE_NS,
                 window_width_ns=2 * MINUTE_NS)
    word, now, then = _change(report)
    assert word.endswith("as far as seen")
    assert now + then == 100


def test_harmful_first_and_then_what_is_new(history: History, report: Report, watched: int) -> None:
    """And of the rest, what changed most."""
    now, then = START_NS + MINUTE_NS, BEFORE_NS + MINUTE_NS
    history.drop(watched, now, 9_000, **BENIGN)
    history.drop(watched, now, 900, **NO_SOCKET)
    history.drop(watched, then, 100, **NO_SOCKET)
    history.drop(watched, now, 1, reason="SKB_CSUM", symbol="__skb_checksum_complete")
    history.drop(watched, now, 30)
    history.drop(watched, then, 20)
    rows = report.json("compare")["changes"]
    ranks = [("harmful", "suspect", None, "benign").index(row["severity"]) for row in rows]
    assert ranks == sorted(ranks)
    for severity in {row["severity"] for row in rows}:
        words = [row["change"] != "new" for row in rows if row["severity"] == severity]
        assert words == sorted(words)
    sizes = [row["now"] for row in report.json("compare", "--sort", "now")["changes"]]
    assert sizes == [9_000, 900, 30, 1]
    assert [row["now"] for row in report.json("compare", "--sort", "now", "--reverse")["changes"]] == sizes[::-1]
    shown = report.json("compare", "--sort", "now", "--top", "2")
    assert [row["now"] for row in shown["changes"]] == sizes[:2]
    assert shown["rows_left_out"] == 2
    assert {row["severity"] for row in report.json("compare", "--severity", "harmful")["changes"]} == {"harmful"}
    assert 9_000 not in {row["now"] for row in report.json("compare", "--no-benign")["changes"]}
    assert "is of the severity that is asked for" in report("compare", "--severity", "unknown")


def test_filters_are_of_both_windows(history: History, report: Report, watched: int) -> None:
    """What may match them leaves no zero."""
    history.drop(watched, START_NS + MINUTE_NS, 15)
    history.drop(watched, BEFORE_NS + MINUTE_NS, 15, **NO_SOCKET)
    assert _change(report, "--reason", "SOCKET_RCVBUFF") == ("new", 15, 0)
    assert _change(report, "--reason", "NO_SOCKET") == ("gone", 0, 15)
    history.drop(watched, BEFORE_NS + 2 * MINUTE_NS, 4, reason=None, symbol=None, offset=None)
    assert _change(report, "--reason", "SOCKET_RCVBUFF") == ("new or unseen then", 15, None)
    assert "Then: 4 more drops may match" in report("compare", "--reason", "SOCKET_RCVBUFF")


def test_every_format_has_the_rows(history: History, report: Report, watched: int) -> None:
    """Each with all that JSON has."""
    history.drop(watched, START_NS + MINUTE_NS, 300)
    history.drop(watched, BEFORE_NS + MINUTE_NS, 100)
    [row] = report.json("compare")["changes"]
    [line] = report.csv("compare")
    assert line == {name: json.dumps(value) if isinstance(value, list) else str(value) for name, value in row.items()}
    assert json.loads(report("compare", "--format", "jsonl")) == row
    text = report("compare", "--format", "markdown")
    assert "| HARMFUL | grown ×3 | 300 | 100 |" in text
    assert "2025-11-22 09:00:00-10:00:00 UTC" in text


def test_fail_if_is_held_against_the_window_alone(
        history: History, watched: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What was then is no reason to fail now."""
    history.drop(watched, BEFORE_NS + MINUTE_NS, 900)
    history.drop(watched, START_NS + MINUTE_NS, 5)
    words = ["compare", "--since", f"@{START_NS // NANO}", "--until", f"@{END_NS // NANO}", "--database",
             str(history.path), "--fail-if"]
    assert run([*words, "harmful > 5"]) == 0
    assert run([*words, "harmful > 4"]) == 3
    assert "harmful is 5" in capsys.readouterr().err


def test_an_empty_history_and_quiet_windows(history: History, report: Report) -> None:
    """None that was seen is not none."""
    assert "Not watched then" in report("compare")
    assert report.json("compare")["changes"] == []
    history.run(START_NS - 2 * HOUR_NS, END_NS)
    text = report("compare")
    assert text.count("No packet was dropped: all of") == 2
    assert report.csv("compare") == []


def test_the_seconds_that_are_not_written_yet_are_left_out(
        history: History, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
        utc: None) -> None:  # noqa: ARG001
    """A daemon that lives has always some: they are no reason to doubt a whole window."""
    alive = history.run(START_NS - 3 * HOUR_NS, None, last_seen_ns=END_NS - 7 * NANO)
    history.drop(alive, BEFORE_NS + MINUTE_NS, 15)
    monkeypatch.setattr("time.time_ns", lambda: END_NS)
    assert run(["compare", "--database", str(history.path), "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [row["change"] for row in answer["changes"]] == ["gone"]
    assert [(row["since"][11:19], row["until"][11:19]) for row in answer["windows"]] == [
        ("10:00:00", "10:59:53"), ("09:00:07", "10:00:00")]


@pytest.mark.parametrize(("words", "told"), [
    (("--with", "lastweek"), '"before" or "last-week"'),
    (("--with", "now"), "not earlier than --since"),
    (("--with", f"@{START_NS // NANO}"), "not earlier than --since"),
    (("--by", "reason"), "compare has no --by"),
])
def test_wrong_usage_is_one_line(
        history: History, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str) -> None:
    history.run()
    assert run(["compare", "--since", f"@{START_NS // NANO}", "--until", f"@{END_NS // NANO}", "--database",
                str(history.path), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_an_explicit_time_begins_a_window_of_the_same_length(
        history: History, report: Report, watched: int) -> None:
    history.drop(watched, START_NS + MINUTE_NS, 15)
    history.drop(watched, START_NS - 110 * MINUTE_NS, 15)
    assert _change(report) == ("new", 15, 0)
    words = ("--with", "2025-11-22 08:00")
    assert _change(report, *words) == ("same", 15, 15)
    assert [(row["since"][11:16], row["until"][11:16]) for row in report.json("compare", *words)["windows"]] == [
        ("10:00", "11:00"), ("08:00", "09:00")]
