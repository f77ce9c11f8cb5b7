"""Bursts with onset, peak and end as close as the rows on record tell, and the runs of the daemon."""

import struct
from socket import inet_aton
from typing import Any

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run as dwreport
from tests.dwreport.conftest import HOUR_NS, START_NS, History, Report

MIN_NS = 60 * NANO
ALL = ("--until", f"@{(START_NS + 5 * 24 * HOUR_NS) // NANO}")


def _datagram(source: str) -> bytes:
    return struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 28, 1, 0, 64, 17, 0, inet_aton(source), inet_aton("198.51.100.2"),
                       40000, 5060, 8, 0)


def _found(report: Report, *words: str) -> list[Any]:
    found: list[Any] = report.json("incidents", *words)["incidents"]
    return found


def test_a_burst_has_its_onset_peak_end_and_who(history: History, report: Report) -> None:
    """To the moment; whose socket lost, and who sent, is told of that time alone; what came before it is quiet."""
    run = history.run()
    for second in range(30):
        history.drop(run, START_NS + 10 * MIN_NS + second * NANO + 7, 500 if second == 12 else 100,
                     last_ns=START_NS + 10 * MIN_NS + second * NANO + 9)
    history.packet(run, START_NS + 10 * MIN_NS + NANO, _datagram("192.0.2.7"), link_header=False)
    history.drop(run, START_NS + 40 * MIN_NS, 1)
    history.packet(run, START_NS + 40 * MIN_NS, _datagram("192.0.2.8"), link_header=False)
    history.counter(run, "drops", 3400, START_NS + 10 * MIN_NS + 20 * NANO, collector="sockets",
                    labels={"local": "0.0.0.0:5060", "protocol": "udp", "inode": "1", "process": "sipd", "pid": "7"})
    first, second = _found(report, "--interface", "eth0")
    assert (first["kind"], first["count"], first["severity"], first["interfaces"], first["netns"]) == (
        "burst", 3400, "harmful", ["eth0"], "init")
    assert (first["onset"], first["onset_seconds"], first["onset_is_sure"]) == (
        "2025-11-22T10:10:00.000000Z", 0.0, True)
    assert (first["end"], first["end_seconds"], first["state"]) == ("2025-11-22T10:10:29.000000Z", 0.0, "over")
    assert (first["peak"], first["peak_per_second"], first["peak_seconds"]) == (
        "2025-11-22T10:10:12.000000Z", 500.0, 1.0)
    assert [any(word in who for who in first["who"]) for word in ("192.0.2.7", "sipd[7]", "192.0.2.8")] == [
        True, True, False]
    assert (second["count"], second["state"]) == (1, "over")
    text = report("incidents")
    assert "HARMFUL   10:10:00  10:10:29    3 400  500/s  A socket's receive buffer was full" in text
    assert "lasted 29.0 s, over" in text
    assert [row["title"] for row in _found(report, "--by", "interface,reason")] == ["eth0, SOCKET_RCVBUFF"] * 2


def test_samples_tell_no_incidents(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """What is known of few packets has neither onset nor end."""
    history.run()
    assert dwreport(["incidents", "--by", "port", "--database", str(history.path)]) == 2
    assert "incidents has no --by port; it has reason, interface" in capsys.readouterr().err


def test_what_nobody_watched_is_neither_over_nor_new(history: History, report: Report) -> None:
    """Before the burst, after it, and at the window's edge: of none is said what it takes a watch to know."""
    run = history.run()
    history.gap(run, START_NS + 9 * MIN_NS, START_NS + 10 * MIN_NS)
    history.drop(run, START_NS + 10 * MIN_NS + NANO, 5)
    history.gap(run, START_NS + 10 * MIN_NS + 30 * NANO, START_NS + 30 * MIN_NS)
    history.drop(run, START_NS + 10 * NANO, 4, reason="NO_SOCKET")
    edge, dark = _found(report)
    assert (dark["onset_is_sure"], dark["state"]) == (False, None)
    assert (edge["onset_is_sure"], edge["state"]) == (False, "over")
    text = report("incidents")
    assert "whether it is over is not on record" in text
    assert "may have begun before" in text


def test_what_goes_on_at_the_end_of_the_record_goes_on(history: History, report: Report) -> None:
    run = history.run()
    for second in range(100):
        history.drop(run, START_NS + HOUR_NS - (100 - second) * NANO, 3)
    [row] = _found(report)
    assert (row["kind"], row["state"], row["count"]) == ("burst", "going on", 300)
    assert "going on at 11:00:00" in report("incidents")


def test_days_are_taken_by_hours_and_rows_that_were_folded_tell_no_more_than_they_know(
        history: History, report: Report) -> None:
    """A loss that never ceases, a burst above it in rows of a minute, and one from quiet in a row of an hour."""
    run = history.run(until_ns=START_NS + 5 * 24 * HOUR_NS)
    for hour in range(5 * 24):
        history.drop(run, START_NS + hour * HOUR_NS + NANO, 60, reason="NO_SOCKET", window_width_ns=HOUR_NS,
                     window_start_ns=START_NS + hour * HOUR_NS, last_ns=START_NS + (hour + 1) * HOUR_NS - NANO)
    for minute in range(20, 23):
        at_ns = START_NS + 50 * HOUR_NS + minute * MIN_NS
        history.drop(run, at_ns + NANO, 600, reason="NO_SOCKET", window_start_ns=at_ns, window_width_ns=MIN_NS,
                     last_ns=at_ns + 59 * NANO)
    history.drop(run, START_NS + 80 * HOUR_NS + 7 * MIN_NS, 90, window_start_ns=START_NS + 80 * HOUR_NS,
                 window_width_ns=HOUR_NS, last_ns=START_NS + 80 * HOUR_NS + 8 * MIN_NS)
    lasting, above, quiet = _found(report, *ALL)
    assert (lasting["kind"], lasting["count"], lasting["onset_is_sure"]) == ("persistent", 60 * 120 + 1800, False)
    assert round(lasting["usual_per_second"], 4) == round(60 / 3600, 4)
    assert (above["kind"], above["onset"][11:19], above["end"][11:19]) == ("burst", "12:20:01", "12:22:59")
    assert (above["onset_seconds"], above["end_seconds"], above["peak_per_second"], above["peak_seconds"]) == (
        60, 60, 10, 60)
    assert above["count"] in range(1800, 1860)  # and some of what is usual
    assert (quiet["kind"], quiet["onset"][11:19], quiet["onset_seconds"], quiet["peak_seconds"]) == (
        "burst", "18:07:00", 0, 3600)
    text = report("incidents", *ALL)
    assert "onset known to within 1 min" in text
    assert "never ceases for long" in text


def test_filters_by_what_is_in_packets_leave_a_part_of_a_burst(history: History, report: Report) -> None:
    """About so many, from the first to the last sample, known to a step of time."""
    run = history.run()
    history.drop(run, START_NS + 10 * MIN_NS, 100, last_ns=START_NS + 10 * MIN_NS + NANO // 2)
    for place in range(10):
        history.packet(run, START_NS + 10 * MIN_NS + place, _datagram(f"192.0.2.{place % 2}"), weight=10,
                       link_header=False)
    [row] = _found(report, "--address", "192.0.2.1")
    assert (row["count"], row["about"], row["onset_seconds"]) == (50, True, 60)
    assert row["at_least"] < 50 < row["at_most"]


def test_rows_are_chosen_and_without_any_it_is_said_what_was_watched(history: History, report: Report) -> None:
    """In the order of time, as in every view."""
    run = history.run()
    assert "No packet was dropped" in report("incidents")
    for minute in (10, 20, 30):
        history.drop(run, START_NS + minute * MIN_NS, minute)
    assert [row["count"] for row in _found(report, "--last", "2")] == [20, 30]
    assert [row["count"] for row in _found(report, "--reverse", "--top", "1")] == [30]
    assert [row["count"] for row in report.csv("incidents")] == ["10", "20", "30"]
    assert report("incidents", "--no-benign", "--severity", "benign", code=0)


def test_each_run_says_how_it_ended_and_what_it_recorded(history: History, report: Report) -> None:
    """All of it, whatever the window; one whose end is not on record is not said to go on, but for the last."""
    first = history.run(START_NS - HOUR_NS, START_NS + 10 * MIN_NS, ending="stopped")
    history.run(START_NS - 9 * HOUR_NS, START_NS - 8 * HOUR_NS)  # before the window
    history.run(START_NS + 10 * MIN_NS, None, last_seen_ns=START_NS + 20 * MIN_NS, ending=None, version="0.2.0")
    last = history.run(START_NS + 30 * MIN_NS, None, last_seen_ns=START_NS + 40 * MIN_NS, ending=None, boot_id="b-2")
    history.drop(first, START_NS - 30 * MIN_NS, 5)
    history.drop(first, START_NS, 6)
    history.drop(last, START_NS + 31 * MIN_NS, 7)
    history.gap(first, START_NS, START_NS + 7 * MIN_NS)
    rows = report.json("runs")["runs"]
    assert [(row["number"], row["ending"], row["goes_on"], row["version"], row["drops"]) for row in rows] == [
        (-3, "stopped", False, "0.1.0", 11), (-1, None, False, "0.2.0", 0), (0, None, True, "0.1.0", 7)]
    assert [(row["status"], round(row["fraction"], 2)) for row in rows] == [
        ("partial", 0.9), ("complete", 1.0), ("complete", 1.0)]
    assert rows[0]["since"] == "2025-11-22T09:00:00.000000Z"
    assert (rows[2]["sources"], rows[2]["boot_id"]) == (["bpf"], "b-2")
    text = report("runs")
    assert "no end on record" in text
    assert "goes on" in text
    assert [row["number"] for row in report.csv("runs", "--last", "1")] == ["0"]
