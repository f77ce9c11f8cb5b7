"""Rows are one thing in every format: what JSON has, CSV has."""

import json
from typing import Any, get_args

import pytest

from dropwatchd.model import NANO
from dwreport.findings import support
from dwreport.report.wording import words
from tests.dwreport.conftest import START_NS, History, Report

AT_NS = START_NS + 95 * NANO
READ_NS = START_NS + 100 * NANO


def _full(history: History) -> int:
    """Make a history in which every view has a row."""
    run = history.run()
    history.drop(run, AT_NS, 15)
    history.counter(run, "dropped", 15, READ_NS, collector="softnet", labels={"cpu": "1"})
    history.gap(run, START_NS + NANO, START_NS + 2 * NANO, lost=7, effect="partial", detail="7 keys")
    history.packet(run, AT_NS, bytes(60))
    return run


def _scalars(row: dict[str, Any], prefix: str = "") -> dict[str, object]:
    """Return the fields of a row of JSON that are no lists, nested ones by their whole name."""
    found: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, dict) and name != "labels":
            found |= _scalars(value, f"{prefix}{name}_")
        elif not isinstance(value, list):
            found[f"{prefix}{name}"] = value
    return found


@pytest.mark.parametrize(("view", "section"), [
    ((), "drops"), (("drops",), "drops"), (("counters",), "counters"), (("timeline",), "timeline"),
    (("packets",), "packets"), (("coverage",), "gaps")])
def test_csv_has_every_field_that_json_has(
        history: History, report: Report, view: tuple[str, ...], section: str) -> None:
    """The labels of a counter too, without which its rows are all alike."""
    _full(history)
    answer = report.json(*view)
    rows = answer["coverage"]["gaps"] if section == "gaps" else answer[section]
    table = report.csv(*view)
    assert len(rows) == len(table) > 0
    for row, line in zip(rows, table, strict=True):
        assert list(line) == list(_scalars(row))
        for name, value in _scalars(row).items():
            text = json.dumps(value) if isinstance(value, dict | bool) else "" if value is None else str(value)
            assert line[name] == text, name


def test_a_view_without_rows_has_a_header(history: History, report: Report) -> None:
    """Whoever reads it finds the columns all the same."""
    history.run()
    for view in ((), ("drops",), ("counters",), ("packets",), ("coverage",)):
        assert report.csv(*view) == []
        assert "," in report(*view, "--format", "csv")


def test_evidence_is_data_for_programs(history: History, report: Report) -> None:
    """Each text has its fields, in the same order, and numbers are numbers."""
    run = _full(history)
    history.counter(run, "UdpRcvbufErrors", 15, READ_NS)
    owner = {"local": "0.0.0.0:5060", "protocol": "udp", "process": "sipd", "pid": "812"}
    history.counter(run, "drops", 15, READ_NS, collector="sockets", labels=owner)
    for finding in report.json()["findings"]:
        for part in ("evidence", "who"):
            assert len(finding[part]) == len(finding["details"][part])
            assert all(fact["kind"] for fact in finding["details"][part])
    [finding] = [row for row in report.json()["findings"] if row["count"] == 15 and row["first"]]
    agrees = next(fact for fact in finding["details"]["evidence"] if fact["kind"] == "compared")
    assert (agrees["verdict"], agrees["counters"], agrees["counted"], agrees["least"], agrees["most"]) == (
        "agree", {"UdpRcvbufErrors": 15}, 15, 15, 15)
    assert finding["details"]["evidence"][0] == {
        "kind": "events", "reason": "SOCKET_RCVBUFF", "trap": None, "function": "udp_queue_rcv_one_skb", "count": 15}


@pytest.mark.parametrize("kind", [*get_args(support.Fact), *get_args(support.Who)])
def test_every_kind_of_fact_has_words(kind: type) -> None:
    """A new one without any would end a report."""
    assert words.dispatch(kind) is not words.dispatch(object)


def test_counters_whose_readings_reach_beyond_the_window_say_so(history: History, report: Report) -> None:
    """As drops do: how much of it may have been outside, in the table, in JSON, and in the view of counters."""
    run = history.run()
    history.counter(run, "UdpRcvbufErrors", 70, START_NS + 4 * NANO)  # since six seconds before the window
    history.counter(run, "UdpRcvbufErrors", 30, READ_NS)
    history.counter(run, "UdpNoPorts", 5, START_NS + 10 * NANO)       # from edge on
    for view in ((), ("counters",)):
        assert {row["name"]: (row["delta"], row["straddling"]) for row in report.json(*view)["counters"]} == {
            "UdpRcvbufErrors": (100, 70), "UdpNoPorts": (5, 0)}
        assert "Up to 70 of UdpRcvbufErrors moved just outside the window" in " ".join(report(*view).split())


def test_counters_of_one_name_are_told_apart(history: History, report: Report) -> None:
    """Two namespaces have a counter of the same name."""
    run = history.run()
    history.namespace(7, "blue")
    history.counter(run, "UdpNoPorts", 9, START_NS + 4 * NANO)
    history.counter(run, "UdpNoPorts", 4, START_NS + 4 * NANO, netns=7)
    assert "Up to 9 of UdpNoPorts (init), 4 of UdpNoPorts (blue) moved just" in " ".join(report("counters").split())


def test_a_loss_that_counters_alone_saw_says_what_may_have_been_before_the_window(
        history: History, report: Report) -> None:
    """The reading before the window is where its change begins."""
    run = history.run(START_NS - 100 * NANO)
    place = {"collector": "link", "interface": "eth0", "ifindex": 2}
    history.counter(run, "rx_missed_errors", 12, START_NS + 4 * NANO, **place)
    history.counter(run, "rx_missed_errors", 800, READ_NS, **place)
    history.counter(run, "rx_vendor_drops", 3, START_NS + 4 * NANO, **{**place, "collector": "ethtool"})
    found = {row["count"]: row for row in report.json()["findings"]}
    assert found[812]["evidence"][0].endswith("; up to 12 just before the window")
    assert found[812]["details"]["evidence"][0]["straddling"] == 12
    assert found[3]["evidence"] == ["ethtool rx_vendor_drops +3; up to 3 just before the window"]


def test_a_message_of_netlink_shows_no_addresses(history: History, report: Report) -> None:
    """Udev's begin with its name, which is no MAC address; no link header is claimed either."""
    run = history.run()
    history.drop(run, AT_NS, 1, symbol="netlink_broadcast_filtered", reason="NOT_SPECIFIED", protocol=15, name=None,
                 ifindex=None)
    history.packet(run, AT_NS, b"libudev\0\xfe\xed\xca\xfe" + bytes(40))
    [row] = report.json("packets")["packets"]
    assert {row[name] for name in ("source", "destination", "transport", "protocol")} == {None}
    assert row["link_header"] is False
    assert "fe:ed" not in report() + report("packets")


def test_an_event_says_in_which_namespace_its_device_is(history: History, report: Report) -> None:
    """Two may be called the same; the initial namespace goes without saying."""
    run = history.run()
    blue = history.namespace(7, "blue")
    history.event(run, START_NS + 1, "link down", "eth0", namespace_id=blue)
    history.event(run, START_NS + 2, "link up", "eth0", namespace_id=history.namespace(4026531840))
    history.event(run, START_NS + 3, "netns removed", "blue", namespace_id=blue)
    lines = [line.split()[1:] for line in report("timeline").partition("What else happened")[2].splitlines()]
    assert [line for line in lines if line[:1] in (["link"], ["netns"])] == [
        ["link", "down", "eth0", "(blue)"], ["link", "up", "eth0"], ["netns", "removed", "blue"]]
