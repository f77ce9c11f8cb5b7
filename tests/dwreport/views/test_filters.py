"""What a filter may hide is told: drops of which something is not on record, and losses that counters alone saw."""

import pytest

from dropwatchd.model import NANO
from tests.dwreport.conftest import START_NS, History, Report

AT_NS = START_NS + 95 * NANO
READ_NS = START_NS + 100 * NANO
NONE_MATCHES = "No packet that matches"
OVERFLOWED = {"symbol": None, "offset": None, "protocol": None, "netns": None, "netns_name": None, "ifindex": None,
              "name": None}
FILTERS = [("--interface", "eth0"), ("--netns", "init"), ("--protocol", "ipv4"), ("--location", "udp*")]
BLUE = {"netns": 7, "netns_name": "blue"}


@pytest.mark.parametrize("words", FILTERS)
@pytest.mark.parametrize("view", [(), ("drops",), ("timeline",), ("packets",)])
def test_drops_of_which_nothing_is_on_record_may_match(
        history: History, report: Report, view: tuple[str, ...], words: tuple[str, str]) -> None:
    """The map was full: they have a reason alone; those that are known to be others are none of them."""
    run = history.run()
    history.drop(run, AT_NS, 500, **OVERFLOWED, reason="NO_SOCKET")
    history.drop(run, AT_NS, 7, symbol="ip_rcv", protocol=0x86DD, name="eth1", ifindex=3, **BLUE)
    assert report.json(*view, *words)["may_match"] == 500
    assert "may_match" not in report.json(*view)
    text = report(*view, *words)
    assert NONE_MATCHES not in text
    assert "500 more drops may match" in text


def test_drops_that_match_do_not_hide_those_that_may(history: History, report: Report) -> None:
    """Both are told, apart."""
    run = history.run()
    history.drop(run, AT_NS, 3)
    history.drop(run, AT_NS, 500, **OVERFLOWED)
    answer = report.json("--interface", "eth0")
    assert (sum(row["count"] for row in answer["drops"]), answer["may_match"]) == (3, 500)
    assert "500 more drops may match" in report("--interface", "eth0")


def test_a_source_that_tells_no_reason_may_match_any(history: History, report: Report) -> None:
    """But a trap has its own word, a packet on no device is not on eth0, and one device's number is not its name."""
    run = history.run()
    history.drop(run, AT_NS, 5, reason=None)
    history.drop(run, AT_NS, 6, reason=None, origin="hardware", trap="ttl_value_is_too_small")
    assert report.json("--reason", "NO_SOCKET")["may_match"] == 5
    history.drop(run, AT_NS, 20, name=None, ifindex=None)
    history.drop(run, AT_NS, 40, name=None, ifindex=9)
    history.drop(run, AT_NS, 80, name=None, ifindex=None, protocol=None)  # counted by place, reason and namespace
    history.drop(run, AT_NS, 160, name=None, ifindex=None, protocol=None, symbol="unix_stream_connect")
    assert report.json("--interface", "eth7")["may_match"] == 120
    assert report.json("--interface", "eth7", "--netns", "blue")["may_match"] == 0
    assert report.json("--protocol", "arp")["may_match"] == 80
    assert report.json("--origin", "hardware")["may_match"] == 0


@pytest.mark.parametrize("view", [(), ("drops",), ("timeline",)])
def test_no_zero_stands_above_a_counter_that_moved_there(
        history: History, report: Report, view: tuple[str, ...]) -> None:
    """The namespace's own counter is a finding of the namespace, and none of another one."""
    run = history.run()
    history.counter(run, "UdpNoPorts", 500, READ_NS, netns=7)
    history.drop(run, START_NS + NANO, 1, reason="OTHER", **BLUE)  # a namespace's name is known by its drops
    text = report(*view, "--netns", "blue", "--reason", "NO_SOCKET")
    assert NONE_MATCHES not in text
    assert "counters saw losses" in text
    [finding] = report.json("--netns", "blue", "--reason", "NO_SOCKET")["findings"]
    assert (finding["count"], finding["first"]) == (500, None)
    assert NONE_MATCHES in report(*view, "--netns", "init")


@pytest.mark.parametrize("words", [("--interface", "eth0"), ("--location", "udp*"), ("--reason", "SOCKET_FILTER")])
def test_what_a_counter_does_not_tell_is_not_judged(
        history: History, report: Report, words: tuple[str, str]) -> None:
    """A namespace's counter knows no device, no function, and often several reasons: the number is told."""
    history.counter(history.run(), "UdpInErrors", 500, READ_NS)
    answer = report.json(*words)
    assert (answer["findings"], answer["not_judged"]) == ([], {"findings": 1, "packets": 500})
    text = report(*words)
    assert NONE_MATCHES not in text
    assert "1 loss of 500 packets that counters alone saw could not be held against the filters" in text


def test_what_a_counter_tells_is_judged(history: History, report: Report) -> None:
    """A ring of eth0 is not one of eth1; a counter of IPv4 has no IPv6."""
    run = history.run()
    history.counter(run, "rx_missed_errors", 812, READ_NS, collector="link", interface="eth0", ifindex=2)
    history.counter(run, "UdpNoPorts", 5, READ_NS)
    for words, counts in ((("--interface", "eth0"), [812]), (("--interface", "eth1"), []),
                          (("--protocol", "ipv4"), [5]), (("--reason", "NO_SOCKET"), [5])):
        assert [row["count"] for row in report.json(*words)["findings"]] == counts, words
    for words in (("--protocol", "ipv6"), ("--reason", "NO_SOCKET")):  # the card knows neither
        assert report.json(*words)["not_judged"] == {"findings": 1, "packets": 812}


def test_a_counter_tells_of_the_drops_that_a_filter_hides(history: History, report: Report) -> None:
    """Without the filter they are the drops of no place; with it, the counter is what knows of them."""
    run = history.run()
    history.drop(run, AT_NS, 500, **OVERFLOWED, reason="NO_SOCKET")
    history.drop(run, START_NS + NANO, 1, reason="OTHER", **BLUE)
    history.counter(run, "UdpNoPorts", 500, READ_NS, netns=7)
    assert [row["count"] for row in report.json()["findings"]] == [500, 1]
    [finding] = report.json("--netns", "blue", "--reason", "NO_SOCKET")["findings"]
    assert (finding["count"], finding["first"]) == (500, None)


@pytest.mark.parametrize(("words", "told"), [
    (("--netns", "bleu"), "No network namespace bleu is on record"),
    (("--interface", "ethO"), "No interface ethO is on record"),
    (("--host", "web-5"), "No host web-5 is on record"),
])
@pytest.mark.parametrize("view", [(), ("drops",), ("timeline",), ("packets",), ("counters",), ("coverage",)])
def test_what_nothing_on_record_bears_is_no_calm_zero(
        history: History, report: Report, view: tuple[str, ...], words: tuple[str, ...], told: str) -> None:
    """A name that is misspelt matches nothing, and that is said in place of "none was dropped"."""
    history.drop(history.run(), AT_NS, 3, **BLUE)
    text = report(*view, *words)
    assert told in text
    assert NONE_MATCHES not in text
    assert "was sampled" not in text


@pytest.mark.parametrize("words", [("--netns", "blue"), ("--netns", "7"), ("--interface", "eth0"), ("--host", "m-1")])
def test_what_is_on_record_is_not_questioned(history: History, report: Report, words: tuple[str, ...]) -> None:
    """Though nothing of it was dropped in the window."""
    history.drop(history.run(), START_NS - 95 * NANO, 3, **BLUE)
    assert "is on record" not in report(*words)
    assert "not_on_record" not in report.json(*words)


def test_programs_are_told_what_is_not_on_record(history: History, report: Report) -> None:
    """By option."""
    history.drop(history.run(), AT_NS, 3)
    assert report.json("--netns", "bleu", "--interface", "ethO")["not_on_record"] == {
        "netns": "bleu", "interface": "ethO"}


def test_the_counters_of_a_namespace_are_covered_by_its_own_watches(history: History, report: Report) -> None:
    """That those of the host were read says nothing of a container's."""
    run = history.run()
    history.namespace(7, "blue")
    history.visited(run, START_NS, START_NS + 3600 * NANO)
    assert report.json("counters")["coverage"]["status"] == "complete"
    assert report.json("counters", "--netns", "init")["coverage"]["status"] == "complete"
    assert report.json("counters", "--netns", "blue")["coverage"]["status"] == "blind"
