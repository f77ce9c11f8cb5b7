"""Filters by what is in packets, and by whose sockets they came to: about so many, and no zero that is not sure."""

import struct
from socket import AF_INET6, inet_aton, inet_pton

import pytest

from dropwatchd.model import NANO
from dwreport.__main__ import run as dwreport
from tests.dwreport.conftest import START_NS, History, Report

AT_NS = START_NS + 95 * NANO
NONE = "No packet that matches"
PLAIN = {"symbol": "nf_hook_slow", "reason": "NETFILTER_DROP"}
ICMP = 1


def datagram(port: int, source: str = "192.0.2.1", number: int = 17, destination: str = "198.51.100.2") -> bytes:
    """Return a packet of IPv4 from its network header on."""
    return struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 28, 1, 0, 64, number, 0, inet_aton(source), inet_aton(destination),
                       40000, port, 8, 0)


@pytest.fixture
def sampled(history: History) -> History:
    """One hundred packets of which ten are sampled, ports 53 and 5060; three of IPv6 without a sample; two of ARP."""
    run = history.run()
    history.drop(run, AT_NS, 100, **PLAIN)
    for place in range(10):
        data = datagram(53 if place < 3 else 5060, f"192.0.2.{place}")
        history.packet(run, AT_NS + (place + 1) * NANO // 20, data, weight=10, link_header=False)
    history.drop(run, AT_NS + 60 * NANO, 3, **PLAIN, protocol=0x86DD)
    history.drop(run, AT_NS + 120 * NANO, 2, reason="OTHERHOST", symbol="arp_rcv", protocol=0x0806)
    return history


@pytest.mark.parametrize(("words", "counts", "may"), [
    (("--port", "53"), [30, 10, 61], 3),
    (("--port", "udp/53"), [30, 10, 61], 3),
    (("--port", "50-60"), [30, 10, 61], 3),
    (("--port", "40000"), [100, 71, 100], 3),  # at the other end of all
    (("--port", "tcp/53"), [0, 0, 0], 32),     # up to 29 in 100 after ten that are others
    (("--port", "!5060"), [32, 12, 63], 3),     # ARP has no port, for sure
    (("--address", "192.0.2.0/31"), [20, 5, 52], 2),  # what an ARP packet is about is not sampled
    (("--address", "192.0.2.7", "--port", "53"), [0, 0, 0], 29),
    (("--address", "192.0.2.0/24", "--address", "!192.0.2.9", "--port", "5060"), [60, 30, 84], 0),
    (("--address", "2001:db8::/32"), [0, 0, 0], 3),  # none of IPv4
    (("--transport", "udp"), [100, 71, 100], 3),
    (("--transport", "17", "--protocol", "ipv4"), [100, 71, 100], 0),
    (("--transport", "!udp"), [2, 2, 2], 32),
])
@pytest.mark.usefixtures("sampled")
def test_what_samples_tell_is_about_so_many_and_what_they_do_not_may_match(
        report: Report, words: tuple[str, ...], counts: list[int], may: int) -> None:
    """In the report and in single windows; a zero that is not sure is none."""
    for view in ((), ("drops",)):
        answer = report.json(*view, *words)
        rows = answer["drops"]
        assert [sum(row[name] for row in rows) for name in ("count", "at_least", "at_most")] == counts
        assert answer["may_match"] == may
        text = report(*view, *words)
        assert all(f"about {row['count']} ({row['at_least']} to" in text for row in rows if row["about"])
        assert (f"{may} more drop" in text) == bool(may)
        assert NONE not in text


def test_windows_without_a_sample_of_their_own_are_told_of(history: History, report: Report) -> None:
    """The report knows of them by what others of their key had; in a list of windows they would be missing."""
    run = history.run()
    history.drop(run, AT_NS, 100, **PLAIN)
    for place in range(10):
        history.packet(run, AT_NS + place, datagram(53), weight=10, link_header=False)
    history.drop(run, AT_NS + 10 * NANO, 7, **PLAIN)
    whole, windows = (report.json(*view, "--port", "53") for view in ((), ("drops",)))
    assert ([row["count"] for row in whole["drops"]], whole["may_match"]) == ([100], 7)
    assert ([row["count"] for row in windows["drops"]], windows["may_match"]) == ([100], 7)
    for place in range(10):
        history.packet(run, AT_NS + 20 * NANO + place, datagram(53), weight=5, link_header=False)
    history.drop(run, AT_NS + 20 * NANO, 43, **PLAIN)
    whole, windows = (report.json(*view, "--port", "53") for view in ((), ("drops",)))
    assert ([row["count"] for row in whole["drops"]], whole["may_match"]) == ([150], 0)
    assert ([row["count"] for row in windows["drops"]], windows["may_match"]) == ([100, 43], 7)
    assert "7 more drops may match: of their windows too few were sampled." in report("drops", "--port", "53")
    assert "more drops may match" not in report("--port", "53")


@pytest.mark.usefixtures("sampled")
def test_every_view_and_format_says_the_same(report: Report) -> None:
    """Findings, groups, packets, the time line, CSV, a comparison: of what is about so many no number stands bare."""
    words = ("--port", "53")
    [finding] = report.json(*words)["findings"]
    assert (finding["count"], finding["at_least"], finding["at_most"], finding["about"]) == (30, 10, 61, True)
    assert any("udp/53" in who for who in finding["who"])
    assert not any("5060" in who for who in finding["who"])
    assert "about 30 (10 to 61)" in report(*words)
    assert [len(report.json("packets", *words)["packets"])] == [3]
    [row] = report.csv(*words)
    assert (row["count"], row["at_least"], row["at_most"], row["about"]) == ("30", "10", "61", "true")
    [group] = report.json("--by", "reason", *words)["groups"]
    assert (group["count"], group["at_least"], group["at_most"], group["about"]) == (30, 10, 61, True)
    steps = {row["since"][11:19]: row["count"] for row in report.json("timeline", *words)["timeline"]}
    assert (steps["10:01:00"], steps["10:02:00"], steps["10:00:00"], steps["10:03:00"]) == (30, None, 0, 0)
    [change] = report.json("compare", *words)["changes"]
    assert (change["now"], change["change"]) == (30, "new or unseen then")


def test_what_was_sampled_as_a_whole_is_exact(history: History, report: Report) -> None:
    """None may match then, and none is none; a fragment has ports that nobody sees."""
    run = history.run()
    history.drop(run, AT_NS, 3, **PLAIN)
    for port, number in ((53, 17), (53, 6), (0, ICMP)):
        history.packet(run, AT_NS, datagram(port, number=number), link_header=False)
    [row] = report.json("--port", "53")["drops"]
    assert (row["count"], row["at_least"], row["at_most"], row["about"], row["bytes"]) == (2, 2, 2, False, 56)
    assert report.json("--port", "53")["may_match"] == 0
    assert report.json("--port", "!53")["drops"][0]["count"] == 1
    for view in ((), ("drops",), ("timeline",)):
        text = report(*view, "--port", "54")
        assert NONE in text
        assert "No sampled packet matches; there are such of " in text
        assert "udp/53" in text
    fragment = bytearray(datagram(53))
    fragment[6:8] = b"\x00\x10"
    history.drop(run, AT_NS + NANO, 1, **PLAIN)
    history.packet(run, AT_NS + NANO, bytes(fragment), link_header=False)
    assert (report.json("--port", "54")["may_match"], report.json("--transport", "udp")["may_match"]) == (1, 0)
    assert [sum(row["count"] for row in report.json("--transport", "udp")["drops"])] == [2]


def test_addresses_are_those_of_arp_and_of_frames_too(history: History, report: Report) -> None:
    """As reports print them; an address of IPv6 in brackets or without."""
    run = history.run()
    history.drop(run, AT_NS, 3, **PLAIN, protocol=None)
    ethernet = bytes.fromhex("020000000001 020000000002")
    arp = bytes.fromhex("0806 0001 0800 0604 0001 020000000002 c0000207 000000000000 c0000208")
    ipv6 = struct.pack(">IHBB", 6 << 28, 8, 17, 64) + inet_pton(AF_INET6, "2001:db8::1") + inet_pton(
        AF_INET6, "2001:db8::2") + struct.pack(">HHHH", 1, 53, 8, 0)
    for frame in (ethernet + arp, ethernet + b"\x86\xdd" + ipv6, ethernet + b"\x88\xcc"):
        history.packet(run, AT_NS, frame)
    for address, count in (("192.0.2.8", 1), ("2001:db8::/64", 1), ("[2001:DB8::1]", 1), ("02:00:00:00:00:01", 2),
                           ("!192.0.2.7", 2)):
        assert [row["count"] for row in report.json("--address", address)["drops"]] == [count], address


@pytest.mark.parametrize(("words", "told"), [
    (("--port", "http"), '"http" is no port; write 53, 5060-5070 or udp/53'),
    (("--port", "70-60"), "is no port"), (("--port", "65536"), "is no port"), (("--port", "icmp/1"), "is no port"),
    (("--address", "example.org"), '"example.org" is neither an address nor a network'),
    (("--transport", "ipv4"), '"ipv4" is no transport; write tcp, udp'),
    (("--process", "sipp"), "no process sipp is on record; there are sipd, dnsd"),
    (("--unit", "sipp"), "no unit sipp is on record; there are sip.service"),
    (("--container", "!wep"), "no container wep is on record; there are web, dns, docker:dns, docker:web"),
])
def test_what_nobody_understands_or_bears_is_wrong_usage(
        history: History, capsys: pytest.CaptureFixture[str], words: tuple[str, str], told: str) -> None:
    """With what to write, or with what there is; also where nothing may match."""
    owned(history)
    history.execute("DELETE FROM drops")
    assert dwreport(["--since", f"@{START_NS // NANO}", "--database", str(history.path), *words]) == 2
    out, err = capsys.readouterr()
    assert (out, told in err) == ("", True), err


def owned(history: History) -> None:
    """Drops to two sockets, one of them of a container, one to none; and in another container's namespace."""
    run = history.run()
    history.drop(run, AT_NS, 4)
    for place, port in enumerate((5060, 5060, 53, 99)):
        history.packet(run, AT_NS + place, datagram(port), link_header=False)
    history.drop(run, AT_NS, 8, reason="NO_SOCKET")
    history.drop(run, AT_NS, 16, reason="NETFILTER_DROP", netns=77, netns_name="docker:web")
    history.execute("UPDATE namespaces SET kind = 'container' WHERE inode = 77")
    for port, count, labels in (
            (5060, 2, {"process": "sipd", "pid": "7", "cgroup": "/system.slice/sip.service"}),
            (53, 1, {"process": "dnsd", "cgroup": "/docker/x", "container": "docker:dns"})):
        history.counter(run, "drops", count, AT_NS + 5 * NANO, collector="sockets",
                        labels={"local": f"0.0.0.0:{port}", "protocol": "udp", "inode": str(port), **labels})
    history.counter(run, "UdpNoPorts", 8, AT_NS + 5 * NANO)


@pytest.mark.parametrize(("words", "told"), [
    (("--process", "sipd"), ([2], 17, {"sipd"})),     # the port of nobody, and what a filter dropped, may be its own
    (("--process", "!sipd"), ([8, 1], 17, {"dnsd", None})),  # and what no socket took is nobody's
    (("--unit", "sip*"), ([2], 17, {"sipd"})),
    (("--container", "dns"), ([1], 1, {"dnsd"})),      # another container's namespace is another's
    (("--container", "docker:web"), ([16], 1, set())),
    (("--container", "web", "--process", "sipd"), ([], 17, set())),
])
def test_whose_packets_were_is_told_by_sockets_and_namespaces(
        history: History, report: Report, words: tuple[str, ...], told: tuple[list[int], int, set[str]]) -> None:
    """So many match, so many may; their counters are left of the counters, in the same way."""
    counts, may, counters = told
    owned(history)
    answer = report.json(*words)
    assert [row["count"] for row in answer["drops"]] == counts
    assert answer["may_match"] == may
    named = {row["labels"].get("process") for row in report.json("counters", *words)["counters"]}
    assert named == counters
