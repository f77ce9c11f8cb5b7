"""The first screen: findings before everything else, in every format."""

import struct
import time

import pytest

from dropwatchd.model import NANO
from tests.dwreport.conftest import START_NS, History, Report

AT_NS = START_NS + 95 * NANO
READ_NS = START_NS + 100 * NANO
HOSTILE = "ev\x1b[31mil\n\u202e"
DATAGRAM = struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 28, 1, 0, 64, 17, 0, bytes([192, 0, 2, 1]),
                       bytes([198, 51, 100, 2]), 40000, 5060, 8, 0)


def _full_buffer(history: History) -> int:
    run = history.run()
    for name in ("UdpRcvbufErrors", "UdpInErrors", "UdpInCsumErrors", "UdpMemErrors"):
        history.looked(run, name)
    history.drop(run, AT_NS, 15012, last_ns=AT_NS + NANO // 2)
    history.packet(run, AT_NS, DATAGRAM, weight=15012, link_header=False)
    for name in ("UdpRcvbufErrors", "UdpInErrors"):
        history.counter(run, name, 15012, READ_NS)
    history.counter(run, "IpInReceives", 99, START_NS + 200 * NANO)
    owner = {"local": "0.0.0.0:5060", "protocol": "udp", "process": "sipd", "pid": "812"}
    history.counter(run, "drops", 15012, READ_NS, collector="sockets", labels=owner)
    return run


def test_the_first_screen(history: History, report: Report) -> None:
    """Cause, who, evidence, next step; then the drops."""
    run = _full_buffer(history)
    history.drop(run, AT_NS, 812, reason="UNHANDLED_PROTO", protocol=0x88CC, symbol="__netif_receive_skb_core")
    assert report().splitlines()[2:8] == [
        "FINDING    PACKETS  CAUSE                               10:00  11:00",
        "1 HARMFUL   15 012  A socket's receive buffer was full  █",
        "  eth0 · 10:01:35, over by 11:00:00 · sure · sipd[812] · udp/5060 (all samples) · from 192.0.2.1",
        "  to 198.51.100.2",
        "  next: ss -uampn 'sport = :5060'",
        "benign: 812 packets of 1 expected kind",
    ]
    assert report("-v").splitlines()[4:11] == [
        "  10:01:35, over by 11:00:00",
        "  eth0 · udp/5060 (all samples) · from 192.0.2.1 · to 198.51.100.2",
        "  owner: sipd[812], whose socket lost 15 012",
        "  SOCKET_RCVBUFF: 15 012 events in udp_queue_rcv_one_skb · agrees: UdpRcvbufErrors +15 012",
        "  not wrong checksum (UdpInCsumErrors +0) nor lack of memory (UdpMemErrors +0) · confidence high",
        "  next: ss -uampn 'sport = :5060'",
        "benign: 812 packets of 1 expected kind (Nothing on this host handles this protocol)",
    ]


def test_findings_for_programs(history: History, report: Report) -> None:
    """The contract; benign ones too."""
    _full_buffer(history)
    [finding] = report.json()["findings"]
    assert finding == {
        "title": "A socket's receive buffer was full", "severity": "harmful", "count": 15012,
        "first": "2025-11-22T10:01:35.000000Z", "last": "2025-11-22T10:01:35.500000Z",
        "evidence": finding["evidence"], "who": finding["who"], "advice": "ss -uampn 'sport = :5060'",
        "confidence": "high", "hosts": ["web-3"], "details": finding["details"], "number": 1, "state": "over",
        "at_least": 15012, "at_most": 15012, "about": False}
    assert "agrees: UdpRcvbufErrors +15 012" in finding["evidence"]
    assert report.csv()[0]["count"] == "15012"
    assert "SOCKET_RCVBUFF: 15 012 events" in report("--format", "markdown").replace("\\", "")


def test_counters_are_compared_between_two_readings(history: History, report: Report) -> None:
    """From the last one before the window on; what was dropped after the last one in it is no disagreement."""
    run = history.run()
    history.counter(run, "UdpRcvbufErrors", 70, START_NS + 5 * NANO)  # begins before the window
    history.counter(run, "UdpRcvbufErrors", 100, READ_NS)
    history.counter(run, "IpInReceives", 1, START_NS + 200 * NANO)
    for time_ns, count in ((START_NS - 3 * NANO, 63), (START_NS + NANO, 7), (AT_NS, 100), (START_NS + 300 * NANO, 9)):
        history.drop(run, time_ns, count)
    [finding] = report.json()["findings"]
    assert finding["count"] == 116
    assert "agrees: UdpRcvbufErrors +170 for 170 events between two readings" in finding["evidence"]


def test_drops_after_the_last_reading_are_not_yet_compared(history: History, report: Report) -> None:
    """The window is younger than a snapshot."""
    run = history.run()
    history.looked(run, "UdpRcvbufErrors")
    history.drop(run, AT_NS, 5)
    [finding] = report.json()["findings"]
    assert "5 not compared: too near to the first or last reading of the counters" in finding["evidence"]


def test_filters_do_not_change_what_is_compared(history: History, report: Report) -> None:
    """Of two interfaces' drops, which share a counter, one is asked for."""
    run = _full_buffer(history)
    history.drop(run, AT_NS, 8, name="eth1", ifindex=3)
    history.counter(run, "UdpRcvbufErrors", 8, START_NS + 110 * NANO)
    history.counter(run, "rx_missed_errors", 3, READ_NS, collector="link", interface="eth1", ifindex=3)
    ring, finding = report.json("--interface", "eth1")["findings"]
    assert (finding["count"], ring["count"]) == (8, 3)
    compared = "agrees: UdpRcvbufErrors +15 020 for 15 020 events between two readings, others among them"
    assert compared in finding["evidence"]
    assert len(report.json()["findings"]) == 2
    assert report.json("--interface", "eth0")["findings"][0]["count"] == 15012


def test_loss_that_only_counters_saw_is_not_nothing(history: History, report: Report) -> None:
    """No event is not "no packet was dropped"."""
    history.counter(history.run(), "rx_missed_errors", 812, READ_NS, collector="link", interface="eth0", ifindex=2)
    text = report()
    assert "No drop event was recorded, but counters saw losses." in text
    assert "No packet was dropped" not in text
    assert "1 HARMFUL      812  Packets lost because the card's receive ring was full\n" in text
    assert "eth0 · counters alone saw it" in text


def test_without_a_source_counters_say_why_they_are_alone(history: History, report: Report) -> None:
    """An ordinary user records counters."""
    history.counter(history.run(source="none"), "UdpNoPorts", 5, READ_NS)
    [finding] = report.json()["findings"]
    assert finding["evidence"] == ["UdpNoPorts +5: drops were not watched all the time"]


def test_no_line_is_wider_than_the_terminal(
        history: History, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long evidence is broken between words."""
    monkeypatch.setenv("COLUMNS", "80")
    run = history.run()
    history.drop(run, AT_NS, 3, reason=None, symbol="ip_rcv_finish_core")
    text = report("-v")
    assert max(map(len, text.splitlines())) <= 80
    assert "UNICAST_IN_L2_MULTICAST" in text


def test_what_happened_before_is_evidence(history: History, report: Report) -> None:
    """Where such drops follow it: in the same namespace, and not long before."""
    run = history.run()
    for second, subject, kind, netns in ((-100, "eth7", "link down", 4026531840), (8, "eth1", "link down", 4026531840),
                                         (9, "eth8", "link down", 7), (9, "eth9", "link up", 4026531840)):
        history.event(run, START_NS + second * NANO, kind, subject, detail="carrier", netns=netns)
    history.drop(run, START_NS + 10 * NANO, 5, symbol="ip_error", reason="IP_INNOROUTES")
    history.drop(run, START_NS + 10 * NANO, 5)
    found = {row["title"]: row["evidence"] for row in report.json()["findings"]}
    told = {title: [line for line in lines if "link" in line] for title, lines in found.items()}
    assert told == {"A packet to be forwarded had no route": ["link down: eth1 (carrier), 2.0 s before the first"],
                    "A socket's receive buffer was full": []}


def test_findings_reach_no_terminal_raw(history: History, report: Report) -> None:
    """Process, interface, rule and address."""
    run = history.run(hostname=HOSTILE)
    history.drop(run, AT_NS, 3, name=HOSTILE, netns_name=HOSTILE)
    history.packet(run, AT_NS, DATAGRAM, link_header=False)
    labels = {"local": "0.0.0.0:5060", "protocol": "udp", "process": HOSTILE, "pid": "1", "cgroup": f"/{HOSTILE}"}
    history.counter(run, "drops", 3, READ_NS, collector="sockets", labels=labels)
    history.drop(run, AT_NS, 4, reason="NETFILTER_DROP")
    history.counter(run, "packets", 4, READ_NS, collector="nftables", labels={"table": HOSTILE, "comment": HOSTILE})
    history.counter(run, "rx_missed_errors", 3, READ_NS, collector="link", interface=HOSTILE, ifindex=9)
    for form in ("table", "json", "csv", "markdown"):
        assert all(char.isprintable() or char == "\n" for char in report("--format", form)), form
    assert any(HOSTILE in line for line in report.json()["findings"][0]["who"])


@pytest.mark.parametrize(("ending", "told"), [("stopped", "going on at "), (None, "still going on")])
def test_nothing_still_goes_on_where_nobody_watches_any_more(
        history: History, report: Report, ending: str | None, told: str) -> None:
    """A daemon that was stopped just now knows of the time up to then."""
    now_ns = time.time_ns()
    end_ns = None if ending is None else now_ns
    run = history.run(now_ns - 600 * NANO, end_ns, last_seen_ns=now_ns, ending=ending)
    history.drop(run, now_ns - 500 * NANO, 900, last_ns=now_ns - NANO)
    assert told in report("--since", "9m", "--until", "now")


def test_counters_that_are_read_a_moment_longer_leave_nothing_open(history: History, report: Report) -> None:
    """What was over when drops were watched last is over, whatever the daemon did before it ended."""
    end_ns = START_NS + 1800 * NANO
    run = history.run(START_NS, end_ns)
    history.watch(run, "counters", "snmp", START_NS, end_ns + NANO)
    history.drop(run, AT_NS, 7)
    assert [row["state"] for row in report.json()["findings"]] == ["over"]
    assert [row["state"] for row in report.json("incidents")["incidents"]] == ["over"]
