"""What a drop without a reason was: by counters, by packets, and by what is left."""

from dataclasses import replace

from dropwatchd.history.read.aligned import AlignedDrop
from dropwatchd.history.read.reader import CounterTotal
from dropwatchd.model import DropKey
from dwreport.evidence.facts import Facts
from dwreport.evidence.infer import inferred
from dwreport.evidence.observed import Sampled
from tests.dwreport.made import HOST, IPV4, IPV6, counted, counter, drop, facts, key, looked

UDP_PARTS = ("UdpRcvbufErrors", "UdpInCsumErrors", "UdpMemErrors")


def _settled(drops: list[AlignedDrop], counters: list[CounterTotal]) -> dict[tuple[str, DropKey], str]:
    evidence = facts(drops, counters, read=looked(*UDP_PARTS, "UdpInErrors"))
    told = {(drop.host, drop.key): drop.told for drop in evidence.drops if drop.told}
    assert {one.means for one in told.values()} <= {"counters"}
    return {subject: one.reason for subject, one in told.items()}


def test_counters_name_the_reason_where_the_kernel_does_not() -> None:
    """One candidate's counters alone moved, by exactly as much; otherwise nothing is concluded."""
    nameless = drop(key(None, "udp_queue_rcv_one_skb"), 40)
    total = counter("UdpInErrors", 40)
    assert _settled([nameless], [total, counter("UdpRcvbufErrors", 40)]) == {(HOST, nameless.key): "SOCKET_RCVBUFF"}
    assert _settled([nameless], [total, counter("UdpRcvbufErrors", 30), counter("UdpInCsumErrors", 10)]) == {}
    assert _settled([nameless], [counter("UdpRcvbufErrors", 39), counter("UdpInErrors", 39)]) == {}
    assert _settled([nameless], []) == {}


def test_a_counter_may_be_the_cause_by_itself() -> None:
    """Where the kernel names no reason, and that counter moved by as much."""
    nameless = drop(key("NOT_SPECIFIED", "__udp4_lib_rcv"), 20)
    assert _settled([nameless], [counter("UdpIgnoredMulti", 20)]) == {(HOST, nameless.key): "UdpIgnoredMulti"}
    assert _settled([nameless], [counter("UdpIgnoredMulti", 19)]) == {}


def _told(symbol: str, traits: set[str] | None, kernel: str = "6.18.1", read: tuple[str, ...] = (),
          moved: int = 0) -> list[tuple[str, str]]:
    nameless = drop(key("NOT_SPECIFIED", symbol, IPV6 if symbol.startswith("ipv6") else IPV4), 20)
    evidence = inferred(_sampled(counted([nameless], [counter(name, moved) for name in read if moved], looked(*read),
                                         kernel=kernel), traits))
    return [drop.told[:2] for drop in evidence.drops if drop.told]


def _sampled(given: Facts, traits: set[str] | None) -> Facts:
    """Return the same facts, with packets of which all have these traits; None where nothing is known of them."""
    known = Sampled() if traits is None else Sampled(traits, traits)
    return replace(given, drops=[replace(drop, traits=known) for drop in given.drops])


def test_the_packets_may_be_what_tells() -> None:
    """All that were sampled went to a group; one that did not, and nothing follows."""
    assert _told("ip_rcv_finish_core", {"multicast"}) == [("multicast_not_joined", "packets")]
    assert _told("ip_rcv_finish_core", set()) == []
    assert _told("__udp4_lib_rcv", {"many"}) == [("UdpIgnoredMulti", "packets")]


def test_what_is_left_when_the_kernel_names_all_others_is_it() -> None:
    """Of all that ip_error frees, Linux 6.18 has no name for a blackhole alone; Linux 5.17 for nothing."""
    assert _told("ip_error", set()) == [("blackhole_or_prohibit_route", "names")]
    assert _told("ip_error", set(), "5.17.0") == []
    assert _told("ip_error", set(), "9.0.0") == [("blackhole_or_prohibit_route", "names")]  # and that is said


def test_what_is_left_when_the_counters_of_all_others_rested_is_it() -> None:
    """A broken routing header is counted: where that counter was read and stood still, segment routing is off."""
    def told(kernel: str = "6.18.1", read: tuple[str, ...] = (), moved: int = 0) -> list[tuple[str, str]]:
        return _told("ipv6_rthdr_rcv", set(), kernel, read, moved)

    assert told(read=("Ip6InHdrErrors", "Ip6InAddrErrors")) == [("segment_routing_off", "others")]
    assert told() == []  # nobody looked
    assert told(read=("Ip6InHdrErrors", "Ip6InAddrErrors"), moved=7) == []  # some may have been counted
    assert told("6.1.0", read=("Ip6InHdrErrors", "Ip6InAddrErrors")) == []  # an older kernel does not name one more


def test_packets_rule_out_what_they_are_not() -> None:
    """A bridge's snooping only looks at multicasts: a port that is locked is left, unless a packet is unknown."""
    assert _told("br_handle_frame_finish", set()) == [("bridge_port_locked", "others")]
    assert _told("br_handle_frame_finish", None) == []


def test_packets_decide_nothing_where_a_counter_has_more_than_the_events() -> None:
    """A multicast may have an impossible source: the reverse path filter counted something that no event explains."""
    nameless = drop(key("NOT_SPECIFIED", "ip_rcv_finish_core"), 20)
    for moved, told in ((0, 1), (7, 0)):
        given = counted([nameless], [counter("TcpExtIPReversePathFilter", moved)] if moved else [], kernel="5.18.0")
        evidence = inferred(_sampled(given, {"multicast"}))
        assert len([drop for drop in evidence.drops if drop.told]) == told
