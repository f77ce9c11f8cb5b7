"""Findings: drops by cause, with what speaks for it."""


from hypothesis import given, settings
from hypothesis import strategies as st

from dropwatchd.history.read.aligned import AlignedDrop
from dropwatchd.history.read.reader import CounterTotal
from dropwatchd.model import NANO, Kind
from dwreport import causes
from dwreport.causes import equalities
from dwreport.evidence.compare import Evidence
from dwreport.report.findings import FindingRow
from dwreport.report.rows import Moment
from tests.dwreport.conftest import START_NS
from tests.dwreport.made import BLUE, HOST, INIT, counter, drop, facts, findings, key, looked, packet

FULL = key("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb")
UDP = looked("UdpRcvbufErrors", "UdpInCsumErrors", "UdpMemErrors", "UdpInErrors")


def _only(given: Evidence) -> FindingRow:
    [finding] = findings(given)
    return finding


def test_a_full_buffer_with_everything_known() -> None:
    """Reason and counters agree, siblings did not move, samples and socket say who: golden."""
    samples = [*(packet(FULL) for _ in range(98)), *(packet(FULL, 5061, "192.0.2.9") for _ in range(2))]
    owner = counter("sockets/drops", 15012, local="0.0.0.0:5060", protocol="udp", process="sipd", pid="812",
                    cgroup="/system.slice/sip.service")
    other = counter("sockets/drops", 7, local="0.0.0.0:53", protocol="udp", process="dnsd", pid="9")
    found = _only(facts([drop(FULL, 15012)], [counter("UdpRcvbufErrors", 15012), counter("UdpInErrors", 15012),
                                              owner, other], samples, UDP))
    assert found == FindingRow(
        title="A socket's receive buffer was full", severity="harmful", count=15012,
        first=Moment(START_NS), last=Moment(START_NS + NANO),
        evidence=["SOCKET_RCVBUFF: 15 012 events in udp_queue_rcv_one_skb", "agrees: UdpRcvbufErrors +15 012",
                  "not wrong checksum (UdpInCsumErrors +0) nor lack of memory (UdpMemErrors +0)"],
        who=["eth0", "udp/5060 (about 98 % ± 5 of samples), udp/5061 (about 2 % ± 5 of samples)",
             "from 192.0.2.1 (about 98 % ± 5 of samples), 192.0.2.9 (about 2 % ± 5 of samples)", "to 198.51.100.2",
             "owner: sipd[812] of sip.service, whose socket lost 15 012"],
        advice="ss -uampn 'sport = :5060'", confidence="high", hosts=[HOST], details=found.details,
        number=1, state=None, at_least=15012, at_most=15012, about=False)


def test_an_error_total_is_taken_apart() -> None:
    """The rest is named where there is one."""
    filtered = key("SOCKET_FILTER", "udp_queue_rcv_one_skb")
    full, rest = findings(facts([drop(FULL, 90), drop(filtered, 10)],
                                [counter("UdpRcvbufErrors", 90), counter("UdpInErrors", 100)], read=UDP))
    apart = "UdpInErrors +100 is full receive buffer 90, socket filter, IPsec policy or wrong length 10"
    assert full.evidence[-1] == rest.evidence[-1] == apart
    assert "agrees: UdpInErrors +100 (10 without its other parts)" in rest.evidence


def test_firewalls_in_two_namespaces() -> None:
    """Two findings; each namespace agrees with its own rules, and the rules are named: golden."""
    here, there = key("NETFILTER_DROP", "nft_do_chain"), key("NETFILTER_DROP", "nft_do_chain", netns=BLUE)
    mine, other = findings(facts([drop(here, 300), drop(there, 20)], [
        counter("nftables/packets", 300, table="t", chain="in", family="inet", handle="4", comment="no dns"),
        counter("nftables/packets", 20, BLUE, table="t", chain="in", family="ip", handle="2")]))
    assert mine.evidence == ["NETFILTER_DROP: 300 events in nft_do_chain", "agrees: nftables packets +300",
                             'by rule: inet t in handle 4 "no dns" +300']
    assert other.evidence == ["NETFILTER_DROP: 20 events in nft_do_chain", "agrees: nftables packets +20 in blue",
                              "by rule: ip t in handle 2 +20"]
    assert (mine.severity, mine.count, mine.confidence, mine.who) == ("suspect", 300, "high", ["eth0"])
    assert (other.count, other.who) == (20, ["eth0 (blue)"])


def test_one_counter_may_name_the_cause_more_closely_than_the_reason() -> None:
    """A full connection table is no rule: said where its counter accounts for all, and not where rules counted too."""
    refused = key("NETFILTER_DROP", "nf_hook_slow")
    full = _only(facts([drop(refused, 20)], [counter("conntrack/drop", 20)]))
    assert (full.title, full.severity) == (
        "Packets dropped because the connection table was full or out of memory", "harmful")
    assert full.advice == "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max"
    assert "conntrack drop accounts for every one of them" in full.evidence
    mixed = _only(facts([drop(refused, 25)], [counter("conntrack/drop", 22)]))
    assert (mixed.title, mixed.severity) == ("A firewall rule dropped the packet", "suspect")


def test_counters_that_add_up_to_the_drops_tell_the_causes_apart() -> None:
    """A table that was full for a while is not hidden among what rules drop all day: each has its count and step."""
    refused = key("NETFILTER_DROP", "nf_hook_slow")
    rule = counter("nftables/packets", 5, table="t", chain="in", family="inet")
    full, ruled = findings(facts([drop(refused, 25)], [counter("conntrack/drop", 20), rule]))
    assert (full.title, full.count) == ("Packets dropped because the connection table was full or out of memory", 20)
    assert (ruled.title, ruled.count) == ("A firewall rule dropped the packet", 5)
    assert "25 events are conntrack drop +20 and nftables packets +5, to the packet" in full.evidence
    assert (full.advice, ruled.advice) == ("sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max",
                                           "nft -a list chain inet t in")
    assert [any("by rule" in line for line in found.evidence) for found in (full, ruled)] == [False, True]


def test_without_reasons_a_function_may_mean_several_things() -> None:
    """The candidates are named, and what tells them apart is the next step: golden."""
    found = _only(facts([drop(key("NOT_SPECIFIED", "ip_rcv_finish_core"), 3)]))
    assert found.title == "An IPv4 packet was refused when its route was looked up"
    assert found.evidence[0] == "no reason given: 3 events in ip_rcv_finish_core"
    assert found.evidence[1].startswith("may be multicast_not_joined or source_route_refused or IP_RPFILTER or ")
    assert found.confidence == "low"
    assert found.advice is not None
    assert found.advice.startswith("ip route get ")


def test_without_reasons_the_counters_may_say_what_it_was_not() -> None:
    """A candidate is ruled out by a counter that was read before and after and did not move: not by one moving."""
    refused, read = key("NOT_SPECIFIED", "ip_error"), looked("IpExtInNoRoutes", "IpInAddrErrors")
    rule = "blackhole_or_prohibit_route"
    both = "not IP_INNOROUTES (IpExtInNoRoutes +0) nor IP_INADDRERRORS (IpInAddrErrors +0)"
    found = _only(facts([drop(refused, 20)], read=read))
    assert found.evidence == ["no reason given: 20 events in ip_error", f"may be {rule}", both]
    one = findings(facts([drop(refused, 20)], [counter("IpInAddrErrors", 7)], read=read))[0]
    assert one.evidence[1:3] == [f"may be {rule} or IP_INADDRERRORS", "not IP_INNOROUTES (IpExtInNoRoutes +0)"]
    for unsure in (facts([drop(refused, 20)]), facts([drop(refused, 18, outside=2)], read=read)):
        assert f"may be {rule} or IP_INNOROUTES or IP_INADDRERRORS" in _only(unsure).evidence


def test_the_next_step_lists_the_chain_that_refused() -> None:
    """With names quoted; a rule of another table that counted less is evidence only."""
    refused = key("NETFILTER_DROP", "nft_do_chain")
    rules = [counter("nftables/packets", 30, table="a b", chain="in", family="inet", handle="4"),
             counter("iptables/packets", 5, table="filter", chain="INPUT", family="ip6", rule="0a")]
    assert _only(facts([drop(refused, 35)], rules)).advice == "nft -a list chain inet 'a b' in"
    assert _only(facts([drop(refused, 5)], rules[1:])).advice == "ip6tables -t filter -vnL INPUT --line-numbers"
    assert _only(facts([drop(refused, 5)])).advice == "nft list ruleset"


def test_without_reasons_the_counters_may_tell() -> None:
    """The cause is named, on what it rests is said, and it is no more than likely."""
    nameless = key(None, "udp_queue_rcv_one_skb")
    found = _only(facts([drop(nameless, 40)], [counter("UdpRcvbufErrors", 40), counter("UdpInErrors", 40)], read=UDP))
    assert (found.title, found.confidence) == ("A socket's receive buffer was full", "medium")
    assert "the kernel names no reason; only the counters of SOCKET_RCVBUFF moved, and by as much" in found.evidence


def test_a_sure_function_is_as_good_as_a_reason() -> None:
    """Drops with and without a reason are one finding."""
    drops = [drop(key("NETFILTER_DROP", "nft_do_chain"), 3), drop(key("NOT_SPECIFIED", "nf_hook_slow"), 4)]
    found = _only(facts(drops, [counter("nftables/packets", 7)]))
    assert (found.count, found.confidence) == (7, "high")


def test_counters_that_were_not_read_are_not_zero() -> None:
    """Nothing is ruled out, nothing agrees, and a reason alone is of medium confidence."""
    found = _only(facts([drop(FULL, 5)], read=looked("UdpRcvbufErrors", netns=BLUE)))
    assert found.evidence == [
        "SOCKET_RCVBUFF: 5 events in udp_queue_rcv_one_skb",
        "5 not compared: counters of that namespace are not recorded ([counters] namespaces)"]
    assert found.confidence == "medium"


def test_disagreement_is_told() -> None:
    """With its size, and the reason where there is a known one."""
    found = _only(facts([drop(FULL, 5)], [counter("UdpRcvbufErrors", 3)]))
    assert "differs: UdpRcvbufErrors +3 for 5 events between two readings, 2 fewer (why is not known)" in found.evidence
    assert found.confidence == "medium"


def test_what_no_counter_counts_is_told() -> None:
    """A closed TCP port."""
    found = _only(facts([drop(key("NO_SOCKET", "tcp_v4_rcv"), 5)]))
    assert "5 not compared: a TCP segment for no socket moves no input counter" in found.evidence


def test_loss_without_an_event_is_a_finding() -> None:
    """The card's ring; a listener's queue, with the listener; what drivers count, queues and total not added."""
    ring, listener, xdp = findings(facts([], [
        counter("link/rx_missed_errors", 812, interface="eth0"),
        counter("netstat/TcpExtListenOverflows", 30), counter("netstat/TcpExtListenDrops", 30),
        counter("sockets/drops", 30, local="0.0.0.0:443", protocol="tcp", process="webd", pid="7"),
        counter("ethtool/rx_xdp_drop", 9, interface="eth1"), counter("ethtool/rx0_xdp_drop", 5, interface="eth1"),
        counter("ethtool/rx1_xdp_drop", 4, interface="eth1"),
        counter("ethtool/rx_missed_errors", 812, interface="eth0")]))
    assert (ring.title, ring.count, ring.confidence) == (
        "Packets lost because the card's receive ring was full", 812, "high")
    assert ring.evidence == ["link rx_missed_errors +812 on eth0: the card lost them before the kernel saw them"]
    assert (ring.first, ring.who, ring.advice) == (None, ["eth0"], "ethtool -g eth0")
    assert listener.who == ["to 0.0.0.0:443, owner: webd[7], whose socket lost 30"]
    assert (xdp.count, xdp.who) == (9, ["eth1"])


def test_a_capture_that_loses_is_told_with_its_program() -> None:
    """The ring of one, beside the event of a packet that nobody else wanted, which is one of those; and the buffer."""
    found = findings(facts([drop(key("PACKET_SOCK_ERROR", "tpacket_rcv"), 1)], [
        counter("capture/lost", 292, local="eth0", protocol="packet", process="suricata", pid="901"),
        counter("sockets/drops", 7, local="ethertype 0x0003", protocol="packet", process="tcpdump", pid="8")]))
    rings, buffers, event = sorted(found, key=lambda finding: -finding.count)
    assert (rings.count, rings.severity, rings.title) == (
        291, "suspect", "A packet capture's ring was full, and the capture lost packets")
    assert rings.who == ["to eth0, owner: suricata[901], whose socket lost 292"]
    assert (buffers.count, buffers.who) == (7, ["to ethertype 0x0003, owner: tcpdump[8], whose socket lost 7"])
    assert (event.count, event.severity) == (1, "suspect")


def test_under_filters_there_are_findings_of_drops_alone() -> None:
    """A counter knows no reason; comparisons are still those of all drops."""
    given = facts([drop(FULL, 5)], [counter("UdpRcvbufErrors", 5), counter("link/rx_missed_errors", 3)])
    [found] = findings(given, reason="SOCKET_RCVBUFF")
    assert "agrees: UdpRcvbufErrors +5" in found.evidence


def test_the_most_harmful_come_first() -> None:
    """Then the most; an unknown cause stands between suspect and benign."""
    reasons = [("UNHANDLED_PROTO", 90), ("A_NEW_ONE", 80), ("NO_SOCKET", 7), ("IP_NOPROTO", 8), ("SOCKET_RCVBUFF", 1)]
    found = findings(facts([drop(key(reason, "f"), count) for reason, count in reasons]))
    assert [(finding.severity, finding.count) for finding in found] == [
        ("harmful", 1), ("suspect", 8), ("suspect", 7), (None, 80), ("benign", 90)]
    assert found[3].title == "Packets dropped for A_NEW_ONE"
    assert (found[3].advice, found[3].confidence) == (None, "low")


def test_a_hardware_drop_is_known_by_its_trap() -> None:
    """The device says why; of a trap that the catalogue does not have, the name is told."""
    trapped = key(None, "f")._replace(kind=Kind(None, 0x0800, "hardware", "blackhole_route", "l3_drops"))
    found = _only(facts([drop(trapped, 5)]))
    assert (found.title, found.severity) == ("The hardware dropped a packet on a blackhole route", "suspect")
    assert (found.evidence, found.confidence) == (["trap blackhole_route: 5 events"], "high")
    unknown = _only(facts([drop(trapped._replace(kind=trapped.kind._replace(trap="new_drop")), 5)]))
    assert unknown.title == "The device dropped packets in hardware: new_drop"


def test_samples_weigh_as_much_as_the_drops_they_stand_for() -> None:
    """Few samples of many drops outweigh many samples of few."""
    other = key("SOCKET_RCVBUFF", "__udp_queue_rcv_skb")
    samples = [*(packet(FULL, 5060) for _ in range(10)), *(packet(other, 53) for _ in range(100))]
    found = _only(facts([drop(FULL, 900), drop(other, 100)], packets=samples))
    assert "udp/5060 (about 90 % ± 28 of samples), udp/53 (about 10 % ± 28 of samples)" in found.who


def test_names_cannot_become_part_of_a_command() -> None:
    """Advice is there to be pasted."""
    found = _only(facts([drop(key("TC_INGRESS", "f", interface="$(reboot)"), 1)]))
    assert found.advice == "tc -s filter show dev '$(reboot)' ingress"


_REASONS = sorted({reason for equality in equalities() for reason in equality.reasons} | {"A_NEW_ONE", "QUEUE_PURGE"})
_KEYS = st.builds(key, st.sampled_from([None, "NOT_SPECIFIED", *_REASONS]),
                  st.sampled_from(["udp_queue_rcv_one_skb", "ip_error", "nf_hook_slow", "tcp_v4_rcv", "no_such_place"]),
                  st.sampled_from([None, 0x0800, 0x86DD, 0x88CC]), st.sampled_from([None, INIT, BLUE]),
                  st.sampled_from([None, "eth0", "eth1"]))
_DROPS = st.dictionaries(_KEYS, st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9)), max_size=8).map(
    lambda found: [drop(counted_by, *counts) for counted_by, counts in found.items()])
_COUNTERS = st.lists(st.builds(
    counter, st.sampled_from([name for equality in equalities() for name in equality.counters]), st.integers(1, 20),
    st.sampled_from([None, INIT, BLUE]), st.sampled_from([None, "eth0"])), max_size=8)


@settings(deadline=None)
@given(_DROPS, _COUNTERS)
def test_every_drop_is_in_exactly_one_finding(drops: list[AlignedDrop], counters: list[CounterTotal]) -> None:
    """Nothing is counted twice or lost, whatever counters say; those that only counters saw have no time."""
    found = findings(facts(drops, counters))
    assert sum(finding.count for finding in found if finding.first is not None) == sum(row.count for row in drops)
    assert all(finding.count > 0 and finding.evidence for finding in found)


def test_each_namespace_may_have_its_own_cause_for_one_reason() -> None:
    """A rule drops here, a full table there: two findings, though the kernel gives both the same reason."""
    here, there = key("NETFILTER_DROP", "nft_do_chain"), key("NETFILTER_DROP", "nf_hook_slow", netns=BLUE)
    full, refused = findings(facts([drop(here, 30), drop(there, 20)], [
        counter("nftables/packets", 30, table="t", chain="in", family="inet", handle="4"),
        counter("conntrack/drop", 20, BLUE)]))
    assert (full.title, full.count) == ("Packets dropped because the connection table was full or out of memory", 20)
    assert (refused.title, refused.count) == ("A firewall rule dropped the packet", 30)


def test_frames_that_no_station_acknowledged() -> None:
    """They have no event; each device's are one finding, and what is beside them is no loss."""
    rows = findings(facts([], [counter("stations/tx_failed", 4, interface="wlan0", station="02:00:00:00:00:01"),
                               counter("stations/tx_failed", 6, interface="wlan0", station="02:00:00:00:00:02"),
                               counter("stations/tx_retries", 70, interface="wlan0", station="02:00:00:00:00:01"),
                               counter("fec/uncorrectable_blocks", 3, interface="eth0"),
                               counter("page_pool/alloc-slow", 3, interface="eth0", pool="18")]))
    assert [(row.title, row.count, row.who) for row in rows] == [
        ("Frames that a wireless station never acknowledged", 10, ["wlan0"])]


def test_a_queue_that_says_why_is_held_against_its_counter() -> None:
    """Under the name that kernels of 7.1 have for the reason, and the one of those before."""
    for reason in ("QDISC_DROP_OVERLIMIT", "QDISC_OVERLIMIT"):
        dropped = drop(key(reason, "__tcf_kfree_skb_list"), 9)
        found = _only(facts([dropped], [counter("qdisc/drops", 9, interface="eth0", kind="fq", handle="8001:")]))
        assert found.title == "The outgoing queue was full"
        assert any(line.startswith("agrees: qdisc drops") for line in found.evidence), found.evidence


def test_a_native_program_that_aborts_is_told_from_one_that_drops() -> None:
    """As long as it did nothing but abort: then each drop of the pair is one that was counted as aborted."""
    dropped = drop(key("NOT_SPECIFIED", "veth_xdp_rcv_skb"), 20)
    aborted = causes.counter("xdp_errors", "aborted")
    assert aborted
    assert _only(facts([dropped], [counter("xdp_errors/aborted", 20, interface="eth0")])).title == aborted.title
    for moved in ([], [counter("xdp_errors/aborted", 5, interface="eth0")]):
        titles = [row.title for row in findings(facts([dropped], moved))]
        assert "An XDP program of the interface dropped the packet" in titles
