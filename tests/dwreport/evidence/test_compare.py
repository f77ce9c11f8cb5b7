"""Drop events against counters."""


import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropwatchd.history.read.aligned import AlignedDrop
from dropwatchd.history.read.reader import CounterTotal, DeviceRow
from dropwatchd.model import DropKey, Interface, Kind, Location
from dwreport import causes
from dwreport.causes import equalities
from dwreport.evidence.compare import ABSENT, ELSEWHERE, UNPLACED, UNTOLD, Agreement, Evidence
from dwreport.evidence.tally import Place
from tests.dwreport.made import BLUE, HOST, INIT, IPV6, Read, counted, counter, drop, facts, key, looked

FULL = key("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb")
CLOSED = key("NO_SOCKET", "__udp4_lib_rcv")
UDP_PARTS = ("UdpRcvbufErrors", "UdpInCsumErrors", "UdpMemErrors")


def _agreements(drops: list[AlignedDrop], counters: list[CounterTotal], read: Read | None = None, *,
                blind: bool = False) -> list[Agreement]:
    found = Evidence(counted(drops, counters, read, blind=blind)).agreements
    return [agreement for agreement in found if agreement.counted or agreement.drops]


def _only(drops: list[AlignedDrop], counters: list[CounterTotal], read: Read | None = None) -> Agreement:
    [agreement] = _agreements(drops, counters, read)
    return agreement


def test_equal_numbers_agree() -> None:
    """5 230 events for a full buffer, and the counter moved by 5 230."""
    agreement = _only([drop(FULL, 5230)], [counter("UdpRcvbufErrors", 5230)])
    assert (agreement.verdict, agreement.counted, agreement.events) == ("agree", 5230, 5230)
    assert agreement.counters == {"UdpRcvbufErrors": 5230}


def test_events_of_several_places_are_one_number() -> None:
    """Two interfaces and two functions of one namespace move one counter."""
    drops = [drop(FULL, 3), drop(key("SOCKET_RCVBUFF", "__udp_queue_rcv_skb", interface="eth1"), 4)]
    assert _only(drops, [counter("UdpRcvbufErrors", 7)]).verdict == "agree"


def test_protocols_have_counters_of_their_own() -> None:
    """Udp* are of IPv4 and Udp6* of IPv6; a raw socket's full buffer moves neither."""
    six = key("SOCKET_RCVBUFF", "udpv6_queue_rcv_one_skb", IPV6)
    raw = key("SOCKET_RCVBUFF", "raw_rcv_skb")
    found = _agreements([drop(FULL, 3), drop(six, 4), drop(raw, 5)],
                        [counter("UdpRcvbufErrors", 3), counter("Udp6RcvbufErrors", 4)])
    assert [(agreement.verdict, agreement.counted) for agreement in found] == [("agree", 3), ("agree", 4)]


def test_each_namespace_is_compared_with_its_own_counters() -> None:
    """The same sum in the wrong places is no agreement."""
    drops = [drop(CLOSED, 3), drop(key("NO_SOCKET", "__udp4_lib_rcv", netns=BLUE), 4)]
    right = _agreements(drops, [counter("UdpNoPorts", 3), counter("UdpNoPorts", 4, BLUE)])
    assert [agreement.verdict for agreement in right] == ["agree", "agree"]
    wrong = _agreements(drops, [counter("UdpNoPorts", 4), counter("UdpNoPorts", 3, BLUE)])
    assert {agreement.verdict for agreement in wrong} == {"counter-only", "events-only"}


def test_a_namespace_that_is_not_recorded_is_no_disagreement() -> None:
    """Nobody looked; the report says what to configure."""
    agreement = _only([drop(key("NO_SOCKET", "__udp4_lib_rcv", netns=BLUE), 4)], [], looked("UdpNoPorts"))
    assert (agreement.verdict, agreement.because) == ("not looked", ELSEWHERE)


def test_a_source_without_namespaces_is_compared_as_a_whole() -> None:
    """NET_DM: equal to the sum of all namespaces, or else it is said why that cannot be known."""
    drops = [drop(key("NO_SOCKET", "__udp4_lib_rcv", netns=None), 7)]
    both = [counter("UdpNoPorts", 3), counter("UdpNoPorts", 4, BLUE)]
    assert _only(drops, both).verdict == "agree"
    agreement = _only(drops, both[:1])
    assert (agreement.verdict, agreement.because) == ("events-only", UNTOLD)


def test_drops_at_the_edges_may_be_on_either_side() -> None:
    """Equal with or without them is equal; between is so only where they are few, and unknown where they are many."""
    def verdict(inside: int, edge: int, count: int) -> str:
        return _only([drop(CLOSED, inside, edge, outside=9)], [counter("UdpNoPorts", count)]).verdict

    assert verdict(1000, 50, 1000) == verdict(1000, 50, 1050) == verdict(1000, 50, 1020) == "agree"
    assert verdict(10, 50, 30) == verdict(0, 50, 0) == "not yet read"
    assert verdict(1000, 50, 999) == "events-only"
    assert verdict(1000, 50, 1059) == "not yet read"
    assert verdict(1000, 50, 1060) == "counter-only"


def test_what_came_after_the_last_reading_is_not_yet_read() -> None:
    """The window is younger than a snapshot."""
    assert _only([drop(CLOSED, 0, 0, outside=9)], [], looked("UdpNoPorts")).verdict == "not yet read"
    assert _only([drop(CLOSED, 0, 0, outside=9)], [counter("UdpNoPorts", 9)]).verdict == "not yet read"
    assert _only([drop(CLOSED, 0, 0, outside=9)], [counter("UdpNoPorts", 10)]).unexplained == 1


def test_a_total_is_not_added_to_its_parts() -> None:
    """InErrors is taken apart: what is in no part of it is the filter's and its like."""
    filtered = key("SOCKET_FILTER", "udp_queue_rcv_one_skb")
    found = _agreements([drop(FULL, 90), drop(filtered, 10)],
                        [counter("UdpInErrors", 100), counter("UdpRcvbufErrors", 90)], looked(*UDP_PARTS))
    assert [(agreement.counted, agreement.verdict, agreement.equality.less != ()) for agreement in found] == [
        (90, "agree", False), (10, "agree", True)]
    alone = _agreements([drop(FULL, 90)], [counter("UdpInErrors", 90), counter("UdpRcvbufErrors", 90)])
    assert [agreement.counted for agreement in alone] == [90]


def test_what_counters_alone_saw_has_its_known_reason() -> None:
    """A full receive ring has no event; where the source was blind, that is the reason."""
    [missed] = _agreements([], [counter("link/rx_missed_errors", 5, interface="eth0")])
    assert (missed.verdict, missed.unexplained, missed.place.interface) == ("counter-only", 5, "eth0")
    assert "before the kernel saw them" in missed.because
    [blind] = _agreements([], [counter("UdpNoPorts", 5)], blind=True)
    assert "not watched" in blind.because


def test_what_somebody_else_may_have_dropped_is_not_unexplained() -> None:
    """A veth device counts in tx_dropped what a backlog beyond its other end did not take."""
    counters = [counter("link/tx_dropped", 3, interface="out0"), counter("softnet/dropped", 3, None, cpu="0")]
    backlog = drop(key("CPU_BACKLOG", "enqueue_to_backlog", netns=BLUE), 3)
    assert [agreement.unexplained for agreement in _agreements([backlog], counters)] == [0, 0, 0]
    assert [agreement.unexplained for agreement in _agreements([], counters[:1])] == [3]


def test_counts_of_other_units_agree_when_they_are_fewer() -> None:
    """One reassembly that timed out, several fragments dropped."""
    fragments = drop(key("FRAG_REASM_TIMEOUT", "ip_expire"), 6)
    agreement = _only([fragments], [counter("IpReasmTimeout", 2)])
    assert agreement.verdict == "agree"
    assert "for each fragment" in agreement.because
    assert _only([fragments], [counter("IpReasmTimeout", 7)]).verdict == "counter-only"


def test_a_tree_of_qdiscs_counts_each_packet_once() -> None:
    """A parent counts what its children dropped; siblings add; ingress is compared with tc's drops."""
    tree = [counter("qdisc/drops", delta, interface="eth0", handle=handle, parent=parent)
            for delta, handle, parent in ((7, "1:", "root"), (4, "10:", "1:10"), (3, "20:", "1:20"),
                                          (5, "ffff:", "ingress"))]
    found = _agreements([drop(key("QDISC_DROP", "__dev_queue_xmit"), 7), drop(key("TC_INGRESS", "tc_run"), 5)], tree)
    assert [(agreement.verdict, agreement.counted) for agreement in found] == [("agree", 7), ("agree", 5)]
    queues = [counter("qdisc/drops", delta, interface="eth0", handle="0:", parent=parent)
              for delta, parent in ((7, "root"), (4, ":1"), (3, ":2"))]
    assert _only([drop(key("QDISC_DROP", "__dev_queue_xmit"), 7)], queues).verdict == "agree"


def test_a_backlog_drop_is_in_the_host_s_and_in_the_interface_s_counter() -> None:
    """Both are compared, neither added to the other."""
    found = _agreements([drop(key("CPU_BACKLOG", "enqueue_to_backlog", netns=BLUE), 4)],
                        [counter("softnet/dropped", 1, None, cpu="0"), counter("softnet/dropped", 3, None, cpu="1"),
                         counter("link/rx_dropped", 4, BLUE, "eth0")])
    assert [(agreement.verdict, agreement.counted) for agreement in found] == [("agree", 4), ("agree", 4)]


def test_the_algebra_names_what_the_catalogue_knows() -> None:
    """Reasons, counters and totals; each with its source, and with the reason for any inequality it allows."""
    for equality in equalities():
        assert equality.source or equality.counters == equality.reasons
        for name in (*equality.reasons, *equality.closer.values(), *filter(None, [equality.cause])):
            assert causes.written(name), name
        for name in (*equality.counters, *equality.less, *filter(None, [equality.total])):
            collector, _, plain = name.rpartition("/")
            assert name == "devlink/dropped" or causes.counter(collector or "snmp", plain), name
        assert equality.unseen if not equality.reasons else equality.counters or equality.uncounted


_SIZES = st.integers(0, 5)
_DROPS = st.lists(st.builds(
    lambda reason, netns, inside, edge: drop(key(reason, "udp_queue_rcv_one_skb", netns=netns), inside, edge),
    st.sampled_from(["SOCKET_RCVBUFF", "UDP_CSUM", "SOCKET_FILTER", None]), st.sampled_from([INIT, BLUE, None]),
    _SIZES, _SIZES), max_size=6)
_COUNTERS = st.lists(st.builds(counter, st.sampled_from(["UdpRcvbufErrors", "UdpInCsumErrors", "UdpInErrors"]),
                               st.integers(1, 9), st.sampled_from([INIT, BLUE])), max_size=6)


@settings(deadline=None)
@given(_DROPS, _COUNTERS)
def test_every_drop_is_compared_once_for_each_equality(drops: list[AlignedDrop], counters: list[CounterTotal]) -> None:
    """Whatever the namespaces; and an agreement never hides a packet that a counter saw."""
    found = Evidence(counted(drops, counters)).agreements
    for equality in equalities():
        own = [agreement for agreement in found if agreement.equality is equality]
        concerned = sum(row.count for row in drops if equality.concerns(row.key, row.key.kind.reason))
        assert sum(agreement.drops for agreement in own) == concerned
    for agreement in found:
        if agreement.verdict == "agree":
            assert agreement.events <= agreement.counted <= agreement.events + agreement.edge
        certain = max(0, agreement.counted - agreement.drops - agreement.may)
        assert agreement.unexplained == (certain if agreement.verdict in {"counter-only", "open"} else 0)


def test_counters_that_a_host_does_not_have_are_not_another_namespace_s() -> None:
    """A rule set without counters: the namespace was read, and that its rules do not count is the reason."""
    refused = drop(key("NETFILTER_DROP", "nft_do_chain"), 4)
    agreement = _only([refused], [], looked("UdpNoPorts"))
    assert (agreement.verdict, agreement.because) == ("not looked", "rules without a counter drop uncounted")
    absent = _only([drop(CLOSED, 4)], [], looked("UdpInErrors"))
    assert (absent.verdict, absent.because) == ("not looked", ABSENT)


def test_an_optional_counter_is_heard_only_where_it_agrees() -> None:
    """Frames for an unknown protocol move IpInUnknownProtos; a raw socket's drops only where that was the cause."""
    unknown = drop(key("IP_NOPROTO", "ip_local_deliver_finish"), 4)
    total, own = counter("IpInUnknownProtos", 4), counter("sockets/drops", 4, protocol="raw", local="0.0.0.0:200")
    assert [agreement.counters for agreement in _agreements([unknown], [total, own])] == [
        {"IpInUnknownProtos": 4}, {"sockets/drops": 4}]
    other = counter("sockets/drops", 3, protocol="raw", local="0.0.0.0:200")
    assert [agreement.counters for agreement in _agreements([unknown], [total, other])] == [{"IpInUnknownProtos": 4}]


def test_a_newer_kernel_that_is_seen_to_have_changed_ends_elimination() -> None:
    """Of the reasons that it gave in the same function, one is not known; else the conclusion is marked as of it."""
    nameless, named = (drop(key(reason, "ip_error"), 5) for reason in ("NOT_SPECIFIED", "A_REASON_OF_TOMORROW"))
    told = [one.told for one in facts([nameless], kernel="9.0.0").drops]
    assert told == [("blackhole_or_prohibit_route", "names", True, None)]
    assert {one.told for one in facts([nameless, named], kernel="9.0.0").drops} == {None}
    assert [one.told for one in facts([nameless, named], kernel="6.18.0").drops if one.told] == [
        ("blackhole_or_prohibit_route", "names", False, None)]


def test_a_kernel_leaves_only_those_without_a_reason_that_it_does_not_name() -> None:
    """Linux 6.18 names a martian source, Linux 6.1 did not; where the source tells no reasons, all are possible."""
    def candidates(reason: str | None, kernel: str) -> tuple[str, ...]:
        [nameless] = counted([drop(key(reason, "ip_rcv_finish_core"), 1)], kernel=kernel).drops
        return nameless.candidates

    assert "IP_LOCAL_SOURCE" not in candidates("NOT_SPECIFIED", "6.18.44-amd64")
    assert "IP_LOCAL_SOURCE" in candidates("NOT_SPECIFIED", "6.1.0-49-amd64")
    assert "IP_LOCAL_SOURCE" in candidates(None, "6.18.44-amd64")
    assert candidates("NOT_SPECIFIED", "") == candidates(None, "6.18.44")


def test_what_another_namespace_dropped_excuses_no_counter_of_this_one() -> None:
    """A policy that blocks sending, and packets that another namespace's policy refused."""
    blocked = counter("XfrmOutPolBlock", 20)
    refused = drop(key("XFRM_POLICY", "ip_forward", netns=BLUE), 20)
    agreements = _agreements([refused], [blocked, counter("XfrmInPolBlock", 20, BLUE)])
    assert [agreement.unexplained for agreement in agreements if "XfrmOutPolBlock" in agreement.counters] == [20]


def test_unrelated_drops_without_a_reason_excuse_no_counter() -> None:
    """Packets that a Unix socket freed are none that IPsec refused."""
    refused = counter("XfrmInNoStates", 80)
    unrelated = drop(key("NOT_SPECIFIED", "unix_stream_connect"), 100)
    [agreement] = [found for found in _agreements([unrelated], [refused]) if found.counted]
    assert agreement.unexplained == 80
    possible = drop(key("NOT_SPECIFIED", "xfrm_input"), 100)
    [agreement] = [found for found in _agreements([possible], [refused]) if found.counted]
    assert agreement.unexplained == 0


def test_a_counter_of_the_whole_host_that_moved_rules_nothing_out() -> None:
    """softnet counts for all namespaces: 25 packets dropped, 20 of which have no reason."""
    nameless = drop(key(None, "enqueue_to_backlog"), 20)
    moved = counted([nameless], [counter("softnet/dropped", 25, None, cpu="0")])
    rested = counted([nameless], [], looked("softnet/dropped", netns=None))
    assert moved.refuted(moved.drops[0], "CPU_BACKLOG") is None
    assert rested.refuted(rested.drops[0], "CPU_BACKLOG") == "softnet/dropped"


def test_a_drop_without_a_place_is_no_disagreement_of_named_places() -> None:
    """It may have counted in either: an upper edge, whatever its number, and it is not said to have been compared."""
    here, there = drop(CLOSED, 10), drop(key("NO_SOCKET", "__udp4_lib_rcv", netns=BLUE), 4)
    nowhere = drop(key("NO_SOCKET", "__udp4_lib_rcv", netns=None), 1)
    for more in (0, 1):
        found = _agreements([here, there, nowhere], [counter("UdpNoPorts", 10), counter("UdpNoPorts", 4 + more, BLUE)])
        verdicts = {agreement.place.netns: agreement.verdict for agreement in found}
        assert verdicts == {INIT: "agree", BLUE: "open" if more else "agree", None: "uncounted"}
        assert [agreement.because for agreement in found if agreement.place.netns is None] == [UNPLACED]
        assert sum(agreement.unexplained for agreement in found) == 0
    found = _agreements([here, there, nowhere], [counter("UdpNoPorts", 10), counter("UdpNoPorts", 9, BLUE)])
    assert sum(agreement.unexplained for agreement in found) == 4


def test_unrelated_drops_excuse_no_counter_of_a_device() -> None:
    """Of another device or namespace; one of its own may be what it counted."""
    lost = counter("link/tx_dropped", 3, interface="out0")
    for netns, interface, unexplained in ((INIT, "eth1", 3), (BLUE, "out0", 3), (INIT, "out0", 0), (None, None, 0)):
        backlog = drop(key("CPU_BACKLOG", "enqueue_to_backlog", netns=netns, interface=interface), 100)
        found = [agreement for agreement in _agreements([backlog], [lost]) if "link/tx_dropped" in agreement.counters]
        assert [agreement.unexplained for agreement in found] == [unexplained], (netns, interface)


def test_what_is_behind_a_device_may_be_what_it_counted() -> None:
    """As far as it is on record what that is: of a card, nothing, though the numbers are the same."""
    lost = counter("link/tx_dropped", 3, interface="out0")
    behind = drop(key("CPU_BACKLOG", "enqueue_to_backlog", netns=BLUE), 3)
    beside = drop(key("CPU_BACKLOG", "enqueue_to_backlog", interface="out1"), 100)
    for kind, peer, dropped, unexplained in (
            ("physical", None, behind, 3), ("veth", "#2 in another namespace", behind, 0),
            ("veth", "#9 in another namespace", behind, 3), ("veth", "out1", behind, 3), ("veth", "out1", beside, 0),
            ("veth", "out2", beside, 3)):
        device = DeviceRow(HOST, INIT, "out0", kind, None, peer)
        found = Evidence(counted([dropped], [lost], devices=[device])).agreements
        assert sum(agreement.unexplained for agreement in found) == unexplained, (kind, peer)


@pytest.mark.parametrize(("refused", "unexplained"), [(5, 0), (4, 0), (7, 4)])
def test_what_one_end_of_a_pair_refused_is_told_once(refused: int, unexplained: int) -> None:
    """Both ends count it, and the sender has the event: whatever else was dropped at either end."""
    lost = counter("link/rx_dropped", 5, interface="in0")
    drops = [drop(key("NOT_SPECIFIED", "__dev_forward_skb2", netns=BLUE), refused),
             drop(key("NOT_SPECIFIED", "tcp_v4_rcv", netns=BLUE), 2),
             drop(key("NOT_SPECIFIED", "ip6_rcv_core", interface="in0"), 1)]
    device = DeviceRow(HOST, INIT, "in0", "veth", None, "#2 in another namespace")
    found = Evidence(counted(drops, [lost], devices=[device])).agreements
    assert sum(agreement.unexplained for agreement in found) == unexplained


def test_drops_of_a_device_are_compared_where_they_were() -> None:
    """As many on eth1, which its own queue counted, are not those that eth0's counted."""
    there = drop(key("QDISC_DROP", "__dev_queue_xmit", interface="eth1"), 5)
    found = _agreements([there], [counter("qdisc/drops", 5, interface="eth0", handle="1:", parent="root"),
                                  counter("qdisc/drops", 5, interface="eth1", handle="1:", parent="root")])
    assert {agreement.place.interface: (agreement.verdict, agreement.unexplained) for agreement in found} == {
        "eth0": ("counter-only", 5), "eth1": ("agree", 0)}


def test_messages_between_programs_excuse_no_counter() -> None:
    """A netlink message without a reason was in no nfqueue."""
    full = counter("nfqueue/queue_dropped", 5)
    for symbol, unexplained in (("netlink_broadcast_filtered", 5), ("no_such_function", 0)):
        [agreement] = [found for found in _agreements([drop(key("NOT_SPECIFIED", symbol), 5)], [full]) if found.counted]
        assert agreement.unexplained == unexplained


def test_the_same_packets_are_not_told_twice() -> None:
    """Of a function without a name, or with several meanings: its drops may be those that the counters saw."""
    nameless = DropKey(Location(None, address=0xffffffff81234567), Kind(None), Interface())
    [agreement] = _agreements([drop(nameless, 100_000)], [counter("UdpNoPorts", 100_000)])
    assert (agreement.verdict, agreement.may, agreement.unexplained) == ("open", 100_000, 0)
    [agreement] = _agreements([drop(nameless, 100_000)], [counter("UdpNoPorts", 100_500)])
    assert (agreement.verdict, agreement.unexplained) == ("counter-only", 500)
    several = drop(key("NOT_SPECIFIED", "udp_queue_rcv_one_skb"), 40)
    found = _agreements([several], [counter("UdpRcvbufErrors", 30), counter("UdpInCsumErrors", 10)])
    assert [agreement.unexplained for agreement in found] == [0, 0]
    [ring] = _agreements([drop(nameless, 9)], [counter("link/rx_missed_errors", 9, interface="eth0")])
    assert ring.unexplained == 9  # the card's: no event is made of them


_ANY_PLACE = st.builds(Place, st.sampled_from("ab"), st.none() | st.integers(1, 3), st.none() | st.sampled_from("xyz"))


@given(_ANY_PLACE, _ANY_PLACE)
def test_a_place_is_found_by_all_that_cover_it(place: Place, whole: Place) -> None:
    """An index of the places around one finds what a look at every place would."""
    assert (whole in place.around()) == whole.covers(place)
