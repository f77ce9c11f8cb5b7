"""What people read of views: folded, placed, named, and no more lines than it takes."""

import json

import pytest

from dropwatchd.history.read.reader import CounterTotal
from dropwatchd.model import NANO
from dwreport.report.protocols import protocols
from tests.dwreport.conftest import START_NS, History, Report

MIN_NS = 60 * NANO
CONTAINER = {"netns": 7, "netns_name": "a-container"}


def test_a_blind_time_is_one_row_of_the_timeline(history: History, report: Report) -> None:
    """Shaded, with its length; programs have each step, and so has who asks for so many rows."""
    run = history.run()
    history.drop(run, START_NS + 50 * MIN_NS)
    history.gap(run, START_NS + 10 * MIN_NS, START_NS + 30 * MIN_NS)
    rows = [line for line in report("timeline").splitlines() if "░" in line]
    assert [row.split() for row in rows] == [
        ["10:10:00", "unknown", "░" * 24, "blind", "for", "20", "min"]]
    assert len(report.json("timeline")["timeline"]) == 60
    assert len([line for line in report("timeline", "--reverse").splitlines() if "░" in line]) == 20


def test_a_step_names_what_a_place_stands_for(history: History, report: Report) -> None:
    """Where the kernel gave no reason; else its reason."""
    run = history.run()
    history.drop(run, START_NS, 9, reason="NOT_SPECIFIED", symbol="ip6_mc_input", protocol=0x86DD)
    history.drop(run, START_NS + 10 * MIN_NS, 3, reason="NO_SOCKET")
    text = report("timeline")
    assert "A multicast was for a group that nobody here has joined" in " ".join(text.split()), text
    assert "NOT_SPECIFIED" not in text
    assert " NO_SOCKET" in text


def test_an_event_says_in_which_namespace(history: History, report: Report) -> None:
    run = history.run()
    history.drop(run, START_NS, 1, **CONTAINER)
    history.event(run, START_NS + NANO, "link down", "eth0", netns=7)
    history.event(run, START_NS + 2 * NANO, "link down", "eth1")
    told = [line.rstrip() for line in report("timeline").splitlines() if "link down" in line]
    assert told == ["10:00:01  link down  eth0 (a-container)", "10:00:02  link down  eth1"]


def test_incidents_without_harm_are_a_line(history: History, report: Report) -> None:
    """They are rows for who asks for their severity, or for an order of rows."""
    run = history.run()
    history.drop(run, START_NS + 10 * MIN_NS, 4, reason="UNHANDLED_PROTO")
    history.drop(run, START_NS + 30 * MIN_NS, 7)
    assert "BENIGN" not in report("incidents")
    assert "benign: 1 incident of 4 packets; --severity benign shows them\n" in report("incidents")
    assert len(report.json("incidents")["incidents"]) == 2
    for words in (("--severity", "benign"), ("--sort", "count"), ("--last", "9")):
        assert "BENIGN" in report("incidents", *words)


def test_an_onset_that_is_not_sure_says_why(history: History, report: Report) -> None:
    """Since the window begins there, or since nobody watched then; a peak is told of what lasts."""
    run = history.run()
    history.drop(run, START_NS + 10 * NANO, 7)
    history.gap(run, START_NS + 29 * MIN_NS, START_NS + 30 * MIN_NS)
    history.drop(run, START_NS + 30 * MIN_NS, 7)
    text = report("incidents")
    assert "at one moment, over · may have begun before this window" in text
    assert "at one moment, over · may have begun before: not all of the minute before was watched" in text
    assert "peak" not in text


def test_a_loss_that_counters_alone_saw_says_in_which_namespace(history: History, report: Report) -> None:
    """There is no device that would tell it."""
    run = history.run()
    history.drop(run, START_NS, 1, reason="UNHANDLED_PROTO", **CONTAINER)
    for name in ("TcpExtListenOverflows", "TcpExtListenDrops"):
        history.counter(run, name, 90, START_NS + 20 * NANO, collector="netstat", netns=7)
    history.watch(run, "counters", "netstat", START_NS, START_NS + MIN_NS)
    assert "\n  in a-container · counters alone saw it" in report()


@pytest.mark.parametrize(("collector", "labels", "versions"), [
    ("sockets", {"local": "192.0.2.1:53"}, "4"), ("sockets", {"local": "[2001:db8::1]:53"}, "6"),
    ("sockets", {"local": "[::]:53"}, "46"), ("sockets", {"local": "0.0.0.0:53"}, "4"),
    ("sockets", {"local": "[::ffff:192.0.2.1]:53"}, "4"), ("sockets", {"protocol": "packet"}, "46"),
    ("retransmits", {"peer": "2001:db8::1", "peer_port": "443"}, "6"),
    ("retransmits", {"peer": "192.0.2.1", "peer_port": "443"}, "4"),
    ("neighbour", {"table": "arp"}, "4"), ("neighbour", {"table": "ndisc"}, "6"),
    ("nftables", {"family": "ip6"}, "6"), ("nftables", {"family": "inet"}, "46"),
    ("iptables", {"family": "ip"}, "4"), ("softnet", {"cpu": "0"}, "46")])
def test_a_counter_is_of_the_protocols_that_its_labels_tell(collector: str, labels: dict[str, str],
                                                            versions: str) -> None:
    """One that counts of any is shown with each."""
    total = CounterTotal("web-3", collector, "drops", None, None, json.dumps(labels), 5, gauge=False)
    found = protocols(total) or {"ipv4", "ipv6"}
    assert "".join(version for version in "46" if f"ipv{version}" in found) == versions


def test_a_counter_of_another_protocol_is_left_out(history: History, report: Report) -> None:
    run = history.run()
    for local in ("192.0.2.1:53", "[2001:db8::1]:53"):
        history.counter(run, "drops", 5, collector="sockets", labels={"local": local})
    [row] = report.json("counters", "--protocol", "ipv6")["counters"]
    assert row["labels"] == {"local": "[2001:db8::1]:53"}


def test_a_socket_s_counter_names_its_program(history: History, report: Report) -> None:
    """As findings do; what tells a person nothing is for programs."""
    labels = {"cgroup": "/", "inode": "77", "local": "192.0.2.1:53", "pid": "7", "process": "named", "protocol": "udp"}
    history.counter(history.run(), "drops", 5, START_NS + 20 * NANO, collector="sockets", labels=labels)
    told = " ".join(report("counters", "--width", "200").split())
    assert "sockets drops process=named[7] local=192.0.2.1:53 protocol=udp - " in told
    assert report.json("counters")["counters"][0]["labels"] == labels


def test_findings_that_are_alike_each_have_their_lines(history: History, report: Report) -> None:
    """Two namespaces may have one name: a line left out would be read as of the finding above."""
    run = history.run()
    for netns in (7, 8):
        history.drop(run, START_NS + MIN_NS, 5, netns=netns, netns_name="a-container")
    assert report().count("  next: ") == 2


def test_a_report_says_to_what_it_is_narrowed(history: History, report: Report) -> None:
    """As it was asked, so that it can be asked again; programs are told too."""
    run = history.run()
    history.drop(run, START_NS, 5, **CONTAINER)
    history.drop(run, START_NS, 5, name="eth99")
    words = ("--netns", "a-*", "--interface", "!eth9*", "--no-benign", "--severity", "harmful", "--last", "9")
    told = "--interface '!eth9*' · --netns 'a-*' · --severity harmful · --no-benign"
    for view in ("drops", "timeline", "incidents"):
        assert told in report(view, *words).partition("\n\n")[0].replace("\n", " · ")
    assert report.json("drops", *words)["filters"] == told.split(" · ")
    assert report.json("drops")["filters"] == []
