"""How sure a finding is, and for how much its samples speak: no more than is on record."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropwatchd.history.read.reader import PacketRow
from dropwatchd.model import DropKey, Interface, Kind, Location
from dwreport.evidence.compare import Evidence
from dwreport.evidence.observed import Observed
from dwreport.findings.ends import Senders
from dwreport.report.findings import FindingRow
from tests.dwreport.conftest import START_NS
from tests.dwreport.made import BLUE, HOST, INIT, counter, drop, facts, findings, key, looked, packet

FULL = key("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb")
CLOSED = key("NO_SOCKET", "__udp4_lib_rcv")
UDP = looked("UdpRcvbufErrors", "UdpInCsumErrors", "UdpMemErrors", "UdpInErrors")


def _observed(*given: tuple[DropKey, int, list[PacketRow]]) -> list[Observed]:
    evidence: Evidence = facts([drop(counted_by, count) for counted_by, count, _packets in given],
                               packets=[one for _key, _count, packets in given for one in packets])
    return evidence.drops


def test_confidence_is_that_of_the_whole_finding() -> None:
    """1 of 128 packets agree with a counter, and the others were never compared: that is no agreement of all."""
    whole = facts([drop(FULL, 128)], [counter("UdpRcvbufErrors", 128)], read=UDP)
    nearly = facts([drop(FULL, 120, outside=8)], [counter("UdpRcvbufErrors", 120)], read=UDP)
    hardly = facts([drop(FULL, 1, outside=127)], [counter("UdpRcvbufErrors", 1)], read=UDP)
    assert [findings(given)[0].confidence for given in (whole, nearly, hardly)] == ["high", "high", "medium"]


def test_functions_of_one_finding_are_compared_each() -> None:
    """What has a counter in one function says nothing of another one, which has none."""
    raw = key("SOCKET_RCVBUFF", "raw_rcv_skb")
    [found] = findings(facts([drop(FULL, 1), drop(raw, 127)], [counter("UdpRcvbufErrors", 1)], read=UDP))
    assert (found.count, found.confidence) == (128, "medium")


def test_samples_speak_for_what_has_samples() -> None:
    """1 of 501 packets was sampled: not all of them."""
    raw = key("SOCKET_RCVBUFF", "raw_rcv_skb")
    [found] = findings(facts([drop(FULL, 1), drop(raw, 500)], packets=[packet(FULL)]))
    assert "udp/5060 (all samples, which stand for 1 of 501 packets)" in found.who
    assert "from 192.0.2.1 (all samples, which stand for 1 of 501 packets)" in found.who
    [whole] = findings(facts([drop(FULL, 501)], packets=[packet(FULL, weight=501)]))
    assert {"udp/5060 (all samples)", "from 192.0.2.1"} <= set(whole.who)


def test_few_addresses_are_named_and_many_are_a_network_only_if_they_are_in_one() -> None:
    """Three are three; ten neighbours are a network; of strangers, the foremost is named if there is one."""
    def who(*sources: str) -> str:
        packets = [packet(FULL, source=source) for source in sources]
        [found] = findings(facts([drop(FULL, len(packets))], packets=packets))
        return next(line for line in found.who if line.startswith("from"))

    neighbours = [f"192.0.2.{place}" for place in range(1, 11)]
    assert who(*neighbours[:2]) == "from 192.0.2.1 (50 % of samples), 192.0.2.2 (50 % of samples)"
    assert who(*neighbours) == "from 192.0.2.0/24 (10 addresses)"
    assert who(*neighbours, *neighbours[:1] * 2, "198.18.9.1", "198.18.9.2") == (
        "from 192.0.2.1 (21 % of samples), most often of 12 addresses")


def test_what_sampling_cannot_tell_apart_is_not_told_apart() -> None:
    """At 60 to 40 of 20 samples neither leads, and the next step names no port; of 2000 one does."""
    def found(times: int) -> tuple[str, str | None]:
        samples = [packet(FULL, 7001 + (place % 5 < 2)) for place in range(5 * times)]
        [finding] = findings(facts([drop(FULL, 300_000)], packets=samples))
        return next(line for line in finding.who if line.startswith("udp")), finding.advice

    assert found(4) == ("udp/7001 (about 60 % ± 22 of samples), udp/7002 (about 40 % ± 22 of samples)",
                        "ss -uampn 'sport = :PORT'")
    assert found(400) == ("udp/7001 (about 60 % ± 2 of samples), udp/7002 (about 40 % ± 2 of samples)",
                          "ss -uampn 'sport = :7001'")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 1000)), min_size=1, max_size=30))
def test_shares_are_parts_of_a_whole(samples: list[tuple[int, int]]) -> None:
    """Whatever the weights: an error is no number below zero, and one sample of much weight is hardly a survey."""
    senders = Senders(_observed((FULL, 10_000, [packet(FULL, port, weight=weight) for port, weight in samples])))
    shares = [share for ends in senders.told() if hasattr(ends, "foremost") for share in ends.foremost.values()]
    assert all(0 < share.percent <= 100 and share.error >= 0 for share in shares)
    assert (senders.leader(senders.ports) is not None) or len({port for port, _weight in samples}) > 1


def test_a_sample_stands_for_as_many_as_its_weight() -> None:
    """Of one key's drops each sample has its part, however many were kept of it."""
    senders = Senders(_observed((FULL, 1000, [packet(FULL, 53, weight=90), packet(FULL, 54, weight=10)])))
    assert senders.ports == {"udp/53": 900, "udp/54": 100}


def test_every_packet_kept_is_no_sample() -> None:
    """Then the number has no error."""
    [found] = findings(facts([drop(FULL, 10)], packets=[packet(FULL, 53 + (place < 4)) for place in range(10)]))
    assert "udp/53 (60 % of samples), udp/54 (40 % of samples)" in found.who


@pytest.mark.parametrize(("symbol", "protocol", "reason"), [
    ("netlink_broadcast_filtered", 15, "NOT_SPECIFIED"), ("unix_stream_connect", None, "NOT_SPECIFIED"),
    ("virtio_transport_recv_pkt", None, None), ("skb_queue_purge_reason", 16, "QUEUE_PURGE"),
    ("skb_queue_purge_reason", None, "SOCKET_CLOSE")])
def test_messages_between_programs_have_no_addresses(symbol: str, protocol: int | None, reason: str | None) -> None:
    """Of netlink, UNIX and vsock: "libudev" and four bytes more are no MAC address."""
    message = DropKey(Location(symbol), Kind(reason, protocol), Interface(INIT))
    sample = PacketRow(HOST, message, START_NS, 60, 1, link_header=True, data=b"libudev\0\xfe\xed\xca\xfe" + bytes(40))
    [found] = findings(facts([drop(message, 1)], packets=[sample]))
    assert not [line for line in found.who if ":" in line]
    on_a_device = key(None, "br_handle_frame", None)
    [frame] = findings(facts([drop(on_a_device, 1)], packets=[replace(sample, key=on_a_device)]))
    assert [line for line in frame.who if ":" in line]


def test_nobody_listens_is_not_sure_where_a_socket_may_be() -> None:
    """One for another peer would not be on record; one that is, and did not take them, is named."""
    closed = [counter("UdpNoPorts", 5)]
    samples = [packet(CLOSED) for _ in range(5)]
    [found] = findings(facts([drop(CLOSED, 5)], closed, samples))
    assert found.confidence == "medium"
    assert "a socket of that port for another peer or address would not be on record" in found.evidence
    def with_socket(local: str, protocol: str) -> FindingRow:
        socket = counter("sockets/drops", 1, local=local, protocol=protocol, process="sipd", pid="812")
        return findings(facts([drop(CLOSED, 5)], [*closed, socket], samples))[0]

    found = with_socket("192.0.2.7:5060", "udp")
    assert found.confidence == "low"
    assert "a socket of that port takes no others' packets: 192.0.2.7:5060 is for that address" in found.evidence
    assert with_socket("192.0.2.7:53", "udp").confidence == with_socket("192.0.2.7:5060", "tcp").confidence == "medium"


def test_a_packet_of_several_segments_is_said_to_count_once() -> None:
    """Where one was longer than a frame."""
    [found] = findings(facts([drop(FULL, 2)], packets=[packet(FULL, length=64_240), packet(FULL)]))
    said = "packets of up to 64 240 bytes: one of several segments (GSO, GRO) counts as one"
    assert said in found.evidence
    [found] = findings(facts([drop(FULL, 2)], packets=[packet(FULL)]))
    assert said not in found.evidence


def test_a_link_that_was_down_is_not_hidden_among_full_queues() -> None:
    """Each device has its finding: what a narrow window knows of one, a wide one knows too."""
    full = drop(key("QDISC_DROP", "__dev_queue_xmit", interface="eth0"), 1000)
    down = drop(key("QDISC_DROP", "__dev_queue_xmit", interface="eth1"), 20)
    queue = counter("qdisc/drops", 1000, interface="eth0", handle="1:", parent="root")
    lost = counter("link/tx_dropped", 20, interface="eth1")
    narrow = findings(facts([down], [lost]))
    wide = findings(facts([full, down], [queue, lost]))
    assert [found.title for found in narrow] == [found.title for found in wide if found.count == 20]
    assert {found.count: found.who[0] for found in wide} == {20: "eth1", 1000: "eth0"}
    other = drop(key("QDISC_DROP", "__dev_queue_xmit", interface="eth2"), 7)
    queues = [queue, counter("qdisc/drops", 7, interface="eth2", handle="1:", parent="root")]
    assert [found.who for found in findings(facts([full, other], queues))] == [["eth0"], ["eth2"]]


def test_a_link_that_was_down_for_a_while_is_told_from_its_own_full_queue() -> None:
    """Two counters of one device add up to its drops: the one that the queue did not count is the link's."""
    both = key("QDISC_DROP", "__dev_queue_xmit")
    queue, lost = (counter(name, count, interface="eth0", handle="1:", parent="root") for name, count in (
        ("qdisc/drops", 1000), ("link/tx_dropped", 20)))
    found = {row.count: row for row in findings(facts([drop(both, 1020)], [queue, lost]))}
    [alone] = findings(facts([drop(both, 20)], [lost]))
    assert found.keys() == {1000, 20}
    assert found[20].title == alone.title != found[1000].title
    assert "1 020 events are qdisc drops +1 000 and link tx_dropped +20, to the packet" in found[20].evidence
    assert found[20].confidence == "medium"
    [open_] = findings(facts([drop(both, 1021)], [queue, lost]))
    assert open_.count == 1021


def test_each_namespace_has_its_finding() -> None:
    """Two containers' losses are two, each with its own owner."""
    there = key("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", netns=BLUE)
    sockets = [counter("sockets/drops", 5, INIT, local="0.0.0.0:5060", protocol="udp", process="here", pid="1"),
               counter("sockets/drops", 4, BLUE, local="0.0.0.0:5060", protocol="udp", process="there", pid="1")]
    mine, other = findings(facts([drop(FULL, 5), drop(there, 4)], sockets, [packet(FULL), packet(there)],
                                 looked("UdpRcvbufErrors")))[:2]
    assert "owner: here[1], whose socket lost 5" in mine.who
    assert "owner: there[1], whose socket lost 4" in other.who


def test_counters_that_may_be_a_nameless_drop_are_told_with_it() -> None:
    """One finding for the same packets, which says both."""
    nameless = DropKey(Location(None, address=0xffffffff81234567), Kind(None), Interface())
    [found] = findings(facts([drop(nameless, 100_000)], [counter("UdpNoPorts", 100_000)]))
    assert (found.title, found.count) == ("Packets dropped in 0xffffffff81234567", 100_000)
    assert "UdpNoPorts +100 000 may be these: no other event accounts for them" in found.evidence


def test_one_nameless_drop_excuses_one_counter_alone() -> None:
    """Of two namespaces that counted as many, one has lost packets that nobody saw: which one is not said."""
    nameless = drop(DropKey(Location(None, address=0xffffffff81234567), Kind(None), Interface()), 100)
    counters = [counter("UdpNoPorts", 100), counter("UdpNoPorts", 80, BLUE)]
    unseen, dropped = sorted(findings(facts([nameless], counters)), key=lambda found: found.count)
    assert (unseen.count, unseen.first, dropped.count) == (80, None, 100)
    assert unseen.evidence[0].startswith("UdpNoPorts +180 in 2 places, 80 of them without an event: so many that")
    assert len(findings(facts([nameless], counters[:1]))) == 1


def test_what_is_left_over_on_a_newer_kernel_is_said_to_be_so() -> None:
    """With low confidence: its source was not looked at."""
    nameless = drop(key("NOT_SPECIFIED", "ip_error"), 5)
    told = {kernel: findings(facts([nameless], kernel=kernel))[0] for kernel in ("6.18.0", "9.0.0")}
    assert told["6.18.0"].title == told["9.0.0"].title
    assert [found.confidence for found in told.values()] == ["medium", "low"]
    assert any("in the sources of older kernels than this one" in line for line in told["9.0.0"].evidence)


def test_a_driver_of_another_namespace_is_not_excused() -> None:
    """Drops without a reason on the device of the same name elsewhere are other packets."""
    counters = [counter("ethtool/rx_xdp_drop", 9, interface="eth0")]
    for netns, count in ((INIT, 1), (BLUE, 2)):
        nameless = drop(key("NOT_SPECIFIED", "no_such_function", netns=netns), 9)
        assert len(findings(facts([nameless], counters))) == count
