"""The default report, in every format."""

import json

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run as dwreport
from tests.dwreport.conftest import HOUR_NS, START_NS, History, Report

HOSTILE = "ev\x1b[31mil\n\u202e|<b>"


def test_the_json_contract(history: History, report: Report) -> None:
    """One object; every key of the contract, times in UTC, unknown null."""
    run = history.run()
    history.drop(run, START_NS + 60 * NANO, 15012, last_ns=START_NS + 60 * NANO + 500_000_000)
    history.counter(run, "UdpRcvbufErrors", 15012, START_NS + 100 * NANO)
    history.gap(run, START_NS + 10 * NANO, START_NS + 11 * NANO, lost=7, effect="partial", detail="7 keys")
    answer = report.json()
    assert list(answer) == ["window", "filters", "hosts", "coverage", "drops", "counters", "findings"]
    assert answer["window"] == {"since": "2025-11-22T10:00:00.000000Z", "until": "2025-11-22T11:00:00.000000Z"}
    assert answer["hosts"] == [{"hostname": "web-3", "machine_id": "m-1", "kernel": "6.18.0", "source": "bpf"}]
    assert answer["coverage"] == {
        "status": "partial", "fraction": 1.0, "recorded_until": "2025-11-22T11:00:00.000000Z",
        "limits": [], "gaps": [{
            "since": "2025-11-22T10:00:10.000000Z", "until": "2025-11-22T10:00:11.000000Z", "cause": "map full",
            "lost": 7, "effect": "partial", "scope": "drops", "detail": "7 keys", "host": "web-3"}]}
    assert answer["drops"] == [{
        "count": 15012, "bytes": 1501200, "first": "2025-11-22T10:01:00.000000Z",
        "last": "2025-11-22T10:01:00.500000Z", "reason": "SOCKET_RCVBUFF",
        "location": {"symbol": "udp_queue_rcv_one_skb", "offset": 31, "module": None, "address": None},
        "interface": "eth0", "ifindex": 2, "netns": "init", "protocol": "ipv4", "origin": "software", "trap": None,
        "cause": answer["drops"][0]["cause"], "advice": answer["drops"][0]["advice"], "harm": "harmful",
        "host": "web-3", "straddling": 0, "at_most": 15012, "at_least": 15012,
        "about": False}]
    assert "receive buffer" in answer["drops"][0]["cause"]
    assert answer["counters"] == [{
        "collector": "snmp", "name": "UdpRcvbufErrors", "interface": None, "netns": "init", "labels": {},
        "delta": 15012, "layer": "udp", "kind": answer["counters"][0]["kind"],
        "meaning": answer["counters"][0]["meaning"], "host": "web-3", "straddling": 0}]
    assert "receive buffer" in answer["counters"][0]["meaning"]
    [finding] = answer["findings"]
    assert (finding["title"], finding["count"]) == (answer["drops"][0]["cause"], 15012)


def test_unknown_is_null(history: History, report: Report) -> None:
    """An address for want of a symbol, a namespace by number, and nothing that was not recorded."""
    run = history.run()
    history.drop(run, START_NS + NANO, 1, symbol=None, offset=None, address="0xffffffff81234567", reason=None,
                 protocol=0x88B5, netns=4026532290, netns_name=None, name=None, bytes=None)
    [row] = report.json()["drops"]
    assert row["location"] == {"symbol": None, "offset": None, "module": None, "address": "0xffffffff81234567"}
    assert row["netns"] == "net:[4026532290]"
    assert row["protocol"] == "0x88b5"
    assert {row[key] for key in ("bytes", "reason", "interface", "trap", "cause", "advice", "harm")} == {None}


def test_nothing_dropped_is_said_only_where_all_was_seen(history: History, report: Report) -> None:
    """Never "none" for "not looked"."""
    assert "whether packets were dropped is unknown" in report()
    assert "No packet was dropped" not in report()
    run = history.run()
    assert "No packet was dropped: all of 2025-11-22 10:00:00-11:00:00 UTC was watched." in report()
    assert "No packet that matches the filters was dropped: all of" in report("--reason", "NO_SOCKET")
    history.gap(run, START_NS + 10 * NANO, START_NS + 11 * NANO)
    partial = report()
    assert "coverage 99.97 %: blind 1.0 s at 10:00:10 (map full)" in partial
    assert "drops may be missing here" in partial
    assert "No drop of a packet was recorded in 99.97 % of the window that was watched." in partial
    assert "No packet was dropped" not in partial


def test_the_table_shows_what_matters_first(history: History, report: Report) -> None:
    """Host, window, source, coverage; drops with plain words; counters that tell; ordinary ones in a line."""
    run = history.run()
    history.drop(run, START_NS + 60 * NANO, 15012)
    history.drop(run, START_NS + 70 * NANO, 812, reason="UNHANDLED_PROTO", protocol=0x88CC, name="eth1",
                 netns=7, netns_name="blue", symbol="__netif_receive_skb_core")
    history.counter(run, "UdpRcvbufErrors", 15012)
    history.counter(run, "IpInReceives", 99)
    lines = report().splitlines()
    assert lines[0] == "web-3 · 2025-11-22 10:00:00-11:00:00 UTC · bpf · coverage complete"
    table = next(place for place, line in enumerate(lines) if line.startswith(" COUNT"))
    assert [line.split() for line in lines[table:table + 2]] == [
        ["COUNT", "SHARE", "REASON", "PROTO", "WHERE", "INTERFACE", "FIRST", "LAST"],
        ["15", "012", "94", "%", "SOCKET_RCVBUFF", "ipv4", "udp_queue_rcv_one_skb", "eth0", "10:01:00", "10:01:00"]]
    assert "receive buffer" in lines[3]
    assert "eth1 (blue)" in lines[table + 2]
    assert "+15 012  snmp UdpRcvbufErrors" in "\n".join(lines)
    assert lines[-1] == "and 1 more counter, ordinary traffic among them; dwreport counters shows all"


def test_many_kinds_are_summed_up(history: History, report: Report) -> None:
    """A person reads twenty; programs get all."""
    run = history.run()
    for count in range(1, 26):
        history.drop(run, START_NS + count * NANO, count, reason=f"REASON_{count}")
    assert "and 5 more kinds with 15 drops; --format csv shows all" in report()
    assert len(report.csv()) == 25


def test_drops_at_the_edge_are_apportioned(history: History, report: Report) -> None:
    """The last of eleven was within, the first was not; the others are taken to have come evenly."""
    history.drop(history.run(), START_NS - NANO // 4, 11, last_ns=START_NS + 3 * NANO // 4)
    assert "Up to 7 of these were dropped just outside the window" in report()
    assert "(1 to 10 in all)" in report()
    [row] = report.json()["drops"]
    assert (row["count"], row["straddling"], row["at_most"], row["bytes"]) == (8, 7, 10, 800)
    assert report.json()["findings"][0]["count"] == 8


def test_two_places_of_a_function_are_told_apart(history: History, report: Report) -> None:
    """By their offset, which is otherwise left out."""
    run = history.run()
    history.drop(run, START_NS + NANO, 2)
    assert "udp_queue_rcv_one_skb+0x" not in report()
    history.drop(run, START_NS + NANO, 1, offset=0x40)
    assert "udp_queue_rcv_one_skb+0x1f" in report()
    assert "udp_queue_rcv_one_skb+0x40" in report()


def test_counters_that_tell_most_come_first(history: History, report: Report) -> None:
    """Drops before errors before pressure, by the catalogue; within these, much before little."""
    run = history.run()
    for name, delta in (("time_squeeze", 500), ("dropped", 3)):
        history.counter(run, name, delta, collector="softnet")
    history.counter(run, "UdpNoPorts", 7)
    table = report().partition("Counters that moved")[2]
    shown = [line.split()[:3:2] for line in table.splitlines() if "+" in line]
    assert shown == [["+7", "UdpNoPorts"], ["+500", "time_squeeze"], ["+3", "dropped"]]


def test_gaps_of_detail_are_a_line(history: History, report: Report) -> None:
    """The counts are right: who wants to know more asks for coverage."""
    run = history.run()
    for second in range(3):
        history.gap(run, START_NS + second * NANO, START_NS + second * NANO, effect="detail", lost=1)
    assert report().endswith(
        "\n\nEvery drop was counted, some with less detail (3 gaps); dwreport coverage shows all\n")


def test_hostile_names_reach_no_terminal_raw(history: History, report: Report) -> None:
    """Interface, namespace, trap, host and labels; in every format."""
    run = history.run(hostname=HOSTILE)
    history.drop(run, START_NS + NANO, 2, name=HOSTILE, netns=7, netns_name=HOSTILE, origin="hardware", trap=HOSTILE)
    history.counter(run, HOSTILE, 2, interface=HOSTILE, labels={HOSTILE: HOSTILE})
    history.gap(run, START_NS, START_NS + 5, detail=HOSTILE, cause=HOSTILE)
    for words in ((), ("drops",), ("counters",), ("coverage",), ("timeline",)):
        for form in ("table", "json", "csv", "markdown"):
            text = report(*words, "--format", form)
            assert all(char.isprintable() or char == "\n" for char in text), (words, form)
    assert report.json()["drops"][0]["interface"] == HOSTILE
    assert "\\|\\<b\\>" in report("--format", "markdown")


def test_csv_has_a_line_for_each_row_and_no_formulas(history: History, report: Report) -> None:
    """Stable columns; unknown is empty; a name cannot become a formula of a spreadsheet."""
    history.drop(history.run(), START_NS + NANO, 2, name="=1+1", module=None)
    [row] = report.csv()
    assert (row["count"], row["location_symbol"], row["location_module"], row["interface"]) == (
        "2", "udp_queue_rcv_one_skb", "", "'=1+1")
    assert row["first"] == "2025-11-22T10:00:01.000000Z"
    assert report("--format", "csv").splitlines()[0] == (
        "count,bytes,first,last,reason,location_symbol,location_offset,location_module,location_address,interface,"
        "ifindex,netns,protocol,origin,trap,cause,advice,harm,host,straddling,at_most,at_least,about")


def test_a_history_of_several_hosts(history: History, report: Report) -> None:
    """Each row says whose it is; one host can be asked for."""
    for name in ("web-3", "web-4"):
        history.drop(history.run(hostname=name, machine_id=name), START_NS + NANO, 2)
    table = report().splitlines()
    assert table[0].startswith("web-3, web-4 · ")
    drops = next(place for place, line in enumerate(table) if line.startswith("COUNT"))
    assert table[drops].endswith("HOST")
    assert [line.split()[-1] for line in table[drops + 1:drops + 3]] == ["web-3", "web-4"]
    assert [line.split()[-1] for line in table if " HARMFUL" in line] == ["web-3", "web-4"]
    assert any(line.startswith("HARMFUL") and "2 of 2" in line for line in table)
    assert [row["host"] for row in report.json()["drops"]] == ["web-3", "web-4"]
    assert [row["host"] for row in report.json("--host", "web-4")["drops"]] == ["web-4"]


def test_advice_names_the_interface_safely(history: History, report: Report) -> None:
    """A name cannot end a command and begin another."""
    history.drop(history.run(), START_NS + NANO, 2, reason="UNHANDLED_PROTO", name="$(reboot)")
    assert "'$(reboot)'" in report.json()["drops"][0]["advice"]


def test_a_machine_that_was_renamed_is_one_host(history: History, report: Report) -> None:
    """As at boot, before it has learnt its name: under its old one it did not stop to be watched."""
    history.run(until_ns=START_NS + 60 * NANO, hostname="localhost")
    history.run(START_NS + 60 * NANO, hostname="web-3")
    answer = report.json()
    assert {host["hostname"] for host in answer["hosts"]} == {"web-3"}
    assert answer["coverage"]["status"] == "complete"
    assert report.json("--host", "localhost")["coverage"]["status"] == "complete"


def test_two_machines_of_one_name_are_two_hosts(history: History, report: Report) -> None:
    """What one has seen vouches for nothing on the other."""
    history.run(until_ns=START_NS + 60 * NANO, hostname="localhost", machine_id="m-2")
    history.run(hostname="localhost", machine_id="m-1")
    answer = report.json()
    assert [host["hostname"] for host in answer["hosts"]] == ["localhost (m-2)", "localhost (m-1)"]
    assert answer["coverage"]["status"] == "partial"
    assert {gap["host"] for gap in answer["coverage"]["gaps"]} == {"localhost (m-2)"}


def test_a_window_after_a_stop_says_when_it_was(history: History, report: Report) -> None:
    """Of which host, and whether dropwatchd said that it would stop; in every view."""
    history.run(START_NS - 2 * HOUR_NS, START_NS - HOUR_NS)
    for view in ((), ("drops",), ("timeline",), ("packets",), ("coverage",)):
        text = report(*view)
        assert text.startswith("web-3 · 2025-11-22 10:00:00-11:00:00 UTC\n"), view
        assert "dropwatchd stopped on web-3 at 2025-11-22 09:00:00, before this window: " in text
    history.run(START_NS - HOUR_NS, START_NS - NANO, ending="killed")
    assert "The record ends on web-3 at 2025-11-22 09:59:59, before this window: " in report()
    assert report.json()["hosts"] == []


def test_a_stop_within_the_window_is_told_with_the_coverage(history: History, report: Report) -> None:
    run = history.run(until_ns=START_NS + 1800 * NANO)
    assert "coverage 50.00 %: blind 30 min at 10:30:00 (no record: dropwatchd was not running);" in report()
    history.gap(run, START_NS + 10 * NANO, START_NS + 11 * NANO)
    assert report().splitlines()[1] == (
        "coverage 49.97 %: 2 gaps; the record ends at 10:30:00; drops may be missing here")


def test_a_time_that_was_not_watched_is_no_zero_in_a_chart(history: History, report: Report) -> None:
    """It is shaded; what was watched without a drop is blank."""
    run = history.run(until_ns=START_NS + 1800 * NANO)
    history.drop(run, START_NS + 700 * NANO, 5)
    row = next(line for line in report().splitlines() if "HARMFUL" in line)
    assert row.endswith("full    █   ░░░░░░")


def test_a_finding_is_explained_by_its_number(history: History, report: Report) -> None:
    """With its evidence, in each format, counted as the report does; a number that is none says so."""
    run = history.run()
    history.drop(run, START_NS + NANO, 9)
    history.drop(run, START_NS + NANO, 4, reason="NO_SOCKET")
    history.drop(run, START_NS + NANO, 2, reason="UNHANDLED_PROTO")
    second = report("explain", "#2")
    assert "2 SUSPECT        4  No socket" in second
    assert "NO_SOCKET: 4 events in udp_queue_rcv_one_skb" in second
    assert "receive buffer" not in second
    assert report.json("explain", "#3")["findings"] == [report.json()["findings"][2]]
    assert "UNHANDLED_PROTO: 2 events" in report("explain", "#3")
    assert "NO_SOCKET: 4" in report("--reason", "NO_SOCKET", "explain", "#1")


def test_the_call_stack_tells_of_drops_that_no_name_tells_of(
        history: History, report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    """Among the evidence, and where the function is explained; a cause that is known needs none."""
    run = history.run()
    frames = ["odd_rcv+0x1f", "odd_hook+0x2 [odd]", *(f"f{number}+0x1" for number in range(20))]
    history.drop(run, START_NS + NANO, 9, symbol="odd_rcv", reason="ODD")
    history.drop(run, START_NS + NANO, 5)
    history.stack(run, *frames, symbol="odd_rcv", reason="ODD")
    history.stack(run, "odd_rcv+0x1f", "another+0x1", symbol="odd_rcv", reason="OTHER")
    history.stack(run, "udp_queue_rcv_one_skb+0x1f", symbol="udp_queue_rcv_one_skb", reason="SOCKET_RCVBUFF")
    evidence = {row["title"]: " ".join(row["evidence"]) for row in report.json()["findings"]}
    assert "call stack of the first: odd_rcv < odd_hook < f0 < f1" in evidence["Packets dropped for ODD"]
    assert "f13 < 6 more" in evidence["Packets dropped for ODD"]
    assert "another" not in evidence["Packets dropped for ODD"]
    assert "call stack" not in " ".join(text for title, text in evidence.items() if "ODD" not in title)
    asked = ["--database", str(history.path), "explain"]
    for name, reasons in (("odd_rcv", ["ODD", "OTHER"]), ("ODD", ["ODD"])):
        assert dwreport([*asked, name]) == 0
        text = capsys.readouterr().out
        assert "odd_rcv+0x1f · ODD · web-3\n  odd_rcv+0x1f\n  odd_hook+0x2 [odd]\n  f0+0x1" in text
        assert dwreport([*asked, name, "--format", "json"]) == 0
        rows = json.loads(capsys.readouterr().out)["explanations"]
        assert [(row["what"], row["reason"]) for row in rows] == [("call stack", reason) for reason in reasons]
        assert rows[0]["frames"] == frames
    assert dwreport([*asked, "udp_queue_rcv_one_skb"]) == 0
    assert "+0x1f" not in capsys.readouterr().out


def test_a_finding_that_is_none_is_no_answer(
        history: History, report: Report, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001 - UTC
    history.run()
    assert dwreport(["--database", str(history.path), "--since", f"@{START_NS // NANO}", "explain", "#4"]) == 1
    assert "there is no finding #4 in this window" in capsys.readouterr().err


def test_a_chart_keeps_its_blanks_in_markdown(history: History, report: Report) -> None:
    """A cell's own blanks are trimmed, and runs of them joined: what is drawn has such as are not."""
    run = history.run()
    history.drop(run, START_NS + 1800 * NANO, 5)
    cells = [cell for line in report("--format", "markdown").splitlines() for cell in line.split(" | ")]
    assert "\u2800" * 6 + "█" + "\u2800" * 5 in cells
    assert "10:00\u2800\u280011:00" in cells


def test_gaps_of_detail_alone_are_counted_apart(history: History, report: Report) -> None:
    """Above a table of all of them, which is longer."""
    run = history.run()
    for second in range(7):
        history.gap(run, START_NS + second * NANO, START_NS + second * NANO, effect="detail", lost=1)
    for second in (10, 20):
        history.gap(run, START_NS + second * NANO, START_NS + (second + 1) * NANO)
    assert "coverage 99.94 %: 2 gaps and 7 of detail alone; drops may be missing here" in report("coverage")
    assert len(report.csv("coverage")) == 9


def test_ordinary_counters_alone_are_a_sentence(history: History, report: Report) -> None:
    """No title above no table."""
    history.counter(history.run(), "IpInReceives", 99)
    text = report()
    assert text.endswith("No counter of drops or errors moved; 1 other did; dwreport counters shows all\n")
    assert "Counters that moved" not in text


def test_counters_of_another_protocol_are_left_out(history: History, report: Report) -> None:
    """Those of IPv4 are none of IPv6; those of TCP are of both."""
    run = history.run()
    for collector, name in (("snmp", "UdpNoPorts"), ("snmp6", "Udp6NoPorts"), ("netstat", "TcpExtListenDrops"),
                            ("netstat", "IpExtInNoRoutes"), ("snmp", "TcpInErrs")):
        history.counter(run, name, 5, collector=collector)
    for view in ((), ("counters",)):
        names = {row["name"] for row in report.json(*view, "--protocol", "ipv6")["counters"]}
        assert names == {"Udp6NoPorts", "TcpExtListenDrops", "TcpInErrs"}
    assert len(report.json("counters", "--protocol", "ipv4", "--protocol", "ipv6")["counters"]) == 5


def test_booleans_in_csv_are_those_of_json(history: History, report: Report) -> None:
    run = history.run()
    history.drop(run, START_NS + NANO, 1)
    history.packet(run, START_NS + NANO, b"")
    assert [row["link_header"] for row in report.csv("packets")] == ["true"]
    assert [row["about"] for row in report.csv("--by", "host")] == ["false"]


@pytest.mark.parametrize("width", [50, 60, 72, 80, 200])
def test_no_line_is_longer_than_it_may_be(history: History, report: Report, width: int) -> None:
    """A first time is shown on the narrowest of terminals."""
    run = history.run()
    history.drop(run, START_NS + NANO, 123_456, symbol="__netif_receive_skb_core.constprop.0", name="enp193s0f1np1",
                 netns=7, netns_name="a-container")
    history.counter(run, "rx_missed_errors", 812, collector="link", interface="enp193s0f1np1")
    lines = report("--width", str(width)).splitlines()
    assert max(map(len, lines)) <= width
    assert any(" FIRST" in line for line in lines)
