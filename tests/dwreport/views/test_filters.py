"""What a filter may hide is told: drops of which something is not on record, and losses that counters alone saw."""

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run as dwreport
from tests.dwreport.conftest import START_NS, History, Report

AT_NS = START_NS + 95 * NANO
READ_NS = START_NS + 100 * NANO
EARLIER_NS = START_NS - 95 * NANO  # before the window: what was dropped then is on record
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
    history.drop(run, EARLIER_NS, 1, name="eth7", **BLUE)
    history.drop(run, AT_NS, 5, reason=None)
    history.drop(run, AT_NS, 6, reason=None, origin="hardware", trap="ttl_value_is_too_small")
    assert report.json("--reason", "NO_SOCKET")["may_match"] == 5
    history.drop(run, AT_NS, 20, name=None, ifindex=None)
    history.drop(run, AT_NS, 40, name=None, ifindex=9)
    history.drop(run, AT_NS, 80, name=None, ifindex=None, protocol=None)  # counted by place, reason and namespace
    history.drop(run, AT_NS, 160, name=None, ifindex=None, protocol=None, symbol="unix_stream_connect")
    assert report.json("--interface", "eth7")["may_match"] == 120
    assert report.json("--interface", "eth7", "--netns", "blue")["may_match"] == 0
    others = report.json("--interface", "!eth7")
    assert (sum(row["count"] for row in others["drops"]), others["may_match"]) == (5 + 6 + 20 + 160, 40 + 80)
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
    run = history.run()
    history.counter(run, "UdpInErrors", 500, READ_NS)
    history.drop(run, EARLIER_NS, 1)
    answer = report.json(*words)
    assert (answer["findings"], answer["not_judged"]) == ([], {"findings": 1, "packets": 500})
    text = report(*words)
    assert NONE_MATCHES not in text
    assert "Counters alone saw 500 more packets that may match; see them without filters." in text


def test_what_a_counter_tells_is_judged(history: History, report: Report) -> None:
    """A ring of eth0 is not one of eth1; a counter of IPv4 has no IPv6."""
    run = history.run()
    history.drop(run, EARLIER_NS, 1, name="eth1")
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
    (("--netns", "bleu"), "no network namespace bleu is on record; there are blue, "),
    (("--interface", "ethO"), "no interface ethO is on record; there are eth1, eth0"),
    (("--interface", "wlan*"), "no interface wlan* is on record; there are "),
    (("--interface", "!ethO"), "no interface ethO is on record; there are eth1, eth0"),
    (("--host", "web-5"), "no host web-5 is on record; there are web-3"),
    (("--reason", "SOCKET_RCVBUF"), "no reason SOCKET_RCVBUF is on record; there are SOCKET_RCVBUFF"),
    (("--location", "upd_qeue*"), "no kernel function upd_qeue* is on record; there are udp_queue_rcv_one_skb"),
    (("--location", ""), "--location needs a name"),
])
@pytest.mark.parametrize("view", [(), ("drops",), ("timeline",), ("packets",), ("counters",), ("coverage",)])
def test_what_nothing_on_record_bears_is_no_calm_zero(
        history: History, capsys: pytest.CaptureFixture[str], view: tuple[str, ...], words: tuple[str, ...],
        told: str) -> None:
    """A name that is misspelt matches nothing: that is wrong usage, with the names that there are."""
    run = history.run()
    history.drop(run, AT_NS, 3, **BLUE)
    history.drop(run, AT_NS, 3, name="eth1", ifindex=3)
    assert dwreport(["--since", f"@{START_NS // NANO}", "--database", str(history.path), *view, *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


def test_what_may_match_a_name_that_is_misspelt_is_told_with_the_names_there_are(
        history: History, capsys: pytest.CaptureFixture[str]) -> None:
    """A drop of a device that nobody knows may be of any: that is an answer, but hardly the one that was wanted."""
    run = history.run()
    history.drop(run, AT_NS, 3, **BLUE)
    history.drop(run, AT_NS, 5, name=None, ifindex=9)
    assert dwreport(["--since", f"@{START_NS // NANO}", "--database", str(history.path), "--interface", "ethO"]) == 0
    out, err = capsys.readouterr()
    assert "5 more drops may match" in out
    assert err == "dwreport: no interface ethO is on record; there are eth0, #9\n"


def test_a_reason_that_was_never_dropped_is_one_all_the_same(history: History, report: Report) -> None:
    """The catalogue knows it: none is an answer."""
    history.run()
    assert "No packet that matches the filters was dropped" in report("--reason", "NO_SOCKET")
    assert "No packet that matches the filters was dropped" in report("--location", "tcp_v4_rcv")


@pytest.fixture
def many(history: History) -> History:
    """Drops of devices that have names, hostile ones too, one that has a number, and of none; each of its own count."""
    run = history.run()
    for count, name, ifindex in ((1, "eth0", 2), (2, "eth1", 3), (4, "lo", 1), (8, "ev\x1bil", 4), (16, None, 9),
                                 (32, None, None), (64, "we[i]rd", 5)):
        history.drop(run, AT_NS, count, name=name, ifindex=ifindex)
    return history


@pytest.mark.parametrize(("words", "count", "may"), [
    (("eth*",), 3, 16), (("eth0", "lo"), 5, 16), (("!lo",), 1 + 2 + 8 + 32 + 64, 16), (("eth*", "!eth1"), 1, 16),
    (("ev\\x1bil",), 8, 16), (("ev\x1bil",), 8, 16), (("#9",), 16, 0), (("we[i]rd",), 64, 16),
    (("!#9", "!lo"), 107, 16),
])
@pytest.mark.usefixtures("many")
def test_interfaces_are_asked_for_as_they_are_printed(
        report: Report, words: tuple[str, ...], count: int, may: int) -> None:
    """Again and again, by globs, and without some; of a device whose name is not on record nobody knows."""
    options = [word for name in words for word in ("--interface", name)]
    for view in ((), ("drops",), ("timeline",)):
        answer = report.json(*view, *options)
        rows = answer["timeline" if view == ("timeline",) else "drops"]
        assert sum(row["count"] or 0 for row in rows) == count, view
        assert answer["may_match"] == may, view


def test_every_filter_is_repeated_and_negated(history: History, report: Report) -> None:
    """Reasons, protocols, namespaces and functions, as they are printed."""
    run = history.run()
    history.drop(run, AT_NS, 1)
    history.drop(run, AT_NS, 2, reason="NO_SOCKET", protocol=0x86DD, **BLUE)
    history.drop(run, AT_NS, 4, reason="TCP_CSUM", symbol="tcp_v4_rcv", protocol=0x88CC, module="tcp")
    history.drop(run, AT_NS, 8, reason=None, origin="hardware", trap="blackhole_route")

    def count(*words: str) -> int:
        return sum(row["count"] for row in report.json(*words)["drops"])

    assert count("--reason", "NO_SOCKET", "--reason", "tcp_*") == 6
    assert count("--reason", "!SKB_DROP_REASON_NO_SOCKET") == 13
    assert count("--reason", "blackhole_route") == 8
    assert count("--protocol", "ipv6", "--protocol", "lldp") == 6
    assert count("--protocol", "!ipv4") == 6
    assert count("--netns", "!blue") == 13
    assert count("--netns", "b*") == count("--netns", "net:[7]") == 2
    assert count("--location", "!tcp*") == 11
    assert count("--location", "tcp_v4_rcv+0x1f [tcp]") == count("--location", "tcp_v4_rcv [tcp]") == 4


@pytest.mark.parametrize("words", [("--netns", "blue"), ("--netns", "7"), ("--interface", "eth0"), ("--host", "m-1")])
def test_what_is_on_record_is_not_questioned(history: History, report: Report, words: tuple[str, ...]) -> None:
    """Though nothing of it was dropped in the window."""
    history.drop(history.run(), START_NS - 95 * NANO, 3, **BLUE)
    assert "was dropped" in report(*words)


def test_the_counters_of_a_namespace_are_covered_by_its_own_watches(history: History, report: Report) -> None:
    """That those of the host were read says nothing of a container's."""
    run = history.run()
    history.namespace(7, "blue")
    history.visited(run, START_NS, START_NS + 3600 * NANO)
    assert report.json("counters")["coverage"]["status"] == "complete"
    assert report.json("counters", "--netns", "init")["coverage"]["status"] == "complete"
    assert report.json("counters", "--netns", "blue")["coverage"]["status"] == "blind"
