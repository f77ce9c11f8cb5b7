"""How a name finds its explanation."""

import subprocess
import sys
from pathlib import Path

import pytest

from dwreport import causes
from dwreport.causes import Counter, Location, Reason


@pytest.mark.parametrize("name", ["NO_SOCKET", "SKB_DROP_REASON_NO_SOCKET"])
def test_a_reason_is_found_with_and_without_the_enumerators_prefix(name: str) -> None:
    found = causes.reason(name)
    assert found is not None
    assert (found.name, found.harm) == ("NO_SOCKET", "suspect")


def test_names_that_begin_like_the_prefix_keep_it() -> None:
    """SKB_CSUM is the whole name of a reason, SKB_CONSUMED is not."""
    csum, consumed = causes.reason("SKB_CSUM"), causes.reason("SKB_CONSUMED")
    assert csum is not None
    assert consumed is not None
    assert (csum.name, consumed.name) == ("SKB_CSUM", "CONSUMED")


def test_unknown_names_have_no_explanation() -> None:
    assert causes.reason("NO_SUCH_REASON") is None
    assert causes.location("no_such_function") is None
    assert causes.counter("snmp", "UdpNoSuchCounter") is None
    assert causes.counter("no_such_collector", "drops") is None
    assert causes.explain("no_such_name") == []


@pytest.mark.parametrize("symbol", [
    "nf_hook_slow", "nf_hook_slow+0x8f", "nf_hook_slow.isra.0", "nf_hook_slow.part.0+0x8f/0xb0",
])
def test_offsets_and_compiler_suffixes_of_a_symbol_do_not_matter(symbol: str) -> None:
    found = causes.location(symbol)
    assert found is not None
    assert found.name == "nf_hook_slow"


def test_a_location_with_one_cause_speaks_with_the_words_of_its_reason() -> None:
    found, reason = causes.location("nf_hook_slow"), causes.reason("NETFILTER_DROP")
    assert found is not None
    assert reason is not None
    assert (found.cause, found.candidates) == ("NETFILTER_DROP", ("NETFILTER_DROP",))
    assert (found.title, found.harm, found.next) == (reason.title, reason.harm, reason.next)


def test_a_location_with_several_causes_names_none_as_the_cause() -> None:
    found = causes.location("udp_queue_rcv_one_skb")
    assert found is not None
    assert found.cause is None
    assert {"SOCKET_RCVBUFF", "UDP_CSUM", "SOCKET_FILTER"} <= set(found.possible(()))


def test_functions_that_the_compiler_merges_share_their_text() -> None:
    outer, inner = causes.location("ip_rcv"), causes.location("ip_rcv_core")
    assert outer is not None
    assert inner is not None
    assert (outer.title, outer.candidates) == (inner.title, inner.candidates)
    assert outer.source != inner.source


def test_the_same_counter_name_means_what_its_collector_makes_of_it() -> None:
    sockets, qdisc = causes.counter("sockets", "drops"), causes.counter("qdisc", "drops")
    assert sockets is not None
    assert qdisc is not None
    assert sockets.layer != qdisc.layer


def test_a_counter_with_its_protocol_in_its_name_is_found_whoever_read_it() -> None:
    found = causes.counter("netstat", "MPTcpExtDataCsumErr")
    assert found is not None
    assert found.collector == "mptcp"


def test_udp_errors_are_a_total_that_says_what_is_in_it() -> None:
    found = causes.counter("snmp", "UdpInErrors")
    assert found is not None
    assert set(found.parts) == {"UdpRcvbufErrors", "UdpInCsumErrors", "UdpMemErrors"}
    assert not found.parts_complete


def test_a_number_in_a_counters_name_is_part_of_a_family() -> None:
    found = causes.counter("snmp", "IcmpMsgInType3")
    assert found is not None
    assert found.name == "IcmpMsgInType3"


@pytest.mark.parametrize(("symbol", "family"), [
    ("mlx5e_something_new", "driver"), ("__vlan_something_new", "link"), ("foo_clean_rx_ring", "driver"),
])
def test_a_function_without_an_entry_is_known_by_how_its_name_begins_or_by_a_pattern(symbol: str, family: str) -> None:
    found = causes.location(symbol)
    assert found is not None
    assert (found.name, found.layer, found.harm) == (symbol, family, "suspect")
    assert found.match
    assert causes.location("mlx5x") is None


def test_explain_tells_every_meaning_of_a_name() -> None:
    assert [type(cause) for cause in causes.explain("SOCKET_RCVBUFF")] == [Reason]
    assert [type(cause) for cause in causes.explain("ip_forward")] == [Location]
    homes = [cause.collector for cause in causes.explain("drops") if isinstance(cause, Counter)]
    assert {"qdisc", "sockets", "tc"} <= set(homes)


def test_a_reason_may_mean_more_in_one_function() -> None:
    plain, there = causes.reason("IP_INHDR"), causes.reason("IP_INHDR", "ip6_forward.isra.0+0x1f")
    assert plain is not None
    assert there is not None
    assert there.title != plain.title
    assert (there.harm, there.counters) == (plain.harm, plain.counters)
    assert causes.reason("IP_INHDR", "br_nf_pre_routing") == plain
    names = [cause.name for cause in causes.explain("IP_INHDR")]
    assert names[:2] == ["IP_INHDR", "IP_INHDR in ip_forward, ip6_forward"]
    assert [cause.name for cause in causes.explain("IP_INHDR in ip6_forward")] == ["IP_INHDR in ip6_forward"]


def test_functions_that_stand_for_a_reason_are_not_those_of_its_special_cases() -> None:
    plain, there = causes.reason("SOCKET_CLOSE"), causes.reason("SOCKET_CLOSE", "packet_release")
    assert plain is not None
    assert there is not None
    assert "unix_release_sock" in plain.functions
    assert there.functions == ()


def test_a_reason_names_the_counters_of_its_equalities_and_their_total() -> None:
    found = causes.reason("SOCKET_RCVBUFF")
    assert found is not None
    assert {"UdpRcvbufErrors", "UdpInErrors", "Udp6RcvbufErrors", "Udp6InErrors"} <= set(found.counters)
    assert "sockets/drops" in found.counters


def test_a_counter_that_is_a_cause_by_itself_has_events_without_a_reason() -> None:
    found = causes.counter("netstat", "IpExtReasmOverlaps")
    assert found is not None
    assert found.event == ("NOT_SPECIFIED",)


def test_a_hardware_trap_is_explained() -> None:
    [found] = causes.explain("blackhole_route")
    assert found == causes.trap("blackhole_route")
    assert causes.trap("no_such_trap") is None


def test_explain_takes_a_collector_before_the_name() -> None:
    [found] = causes.explain("softnet/dropped")
    assert isinstance(found, Counter)
    assert found.event == ("CPU_BACKLOG",)


@pytest.mark.parametrize(("typed", "collector", "name"), [
    ("link tx_dropped", "link", "tx_dropped"), ("qdisc drops", "qdisc", "drops"), ("sockets drops", "sockets", "drops"),
    ("TCPBacklogDrop", "netstat", "TcpExtTCPBacklogDrop"),
    ("netstat TCPBacklogDrop", "netstat", "TcpExtTCPBacklogDrop"),
    ("Udp: RcvbufErrors", "snmp", "UdpRcvbufErrors"), ("IpExt InCsumErrors", "netstat", "IpExtInCsumErrors"),
    ("snmp UdpNoPorts", "snmp", "UdpNoPorts"), ("Ip6 InNoRoutes", "snmp6", "Ip6InNoRoutes"),
])
def test_explain_takes_counters_as_programs_print_them(typed: str, collector: str, name: str) -> None:
    """A report prints the collector before the name, and `netstat -s` leaves out the protocol."""
    [found] = causes.explain(typed)
    assert isinstance(found, Counter)
    assert (found.collector, found.name) == (collector, name)


@pytest.mark.parametrize(("printed", "known"), [
    ("QDISC_DROP_OVERLIMIT", "QDISC_OVERLIMIT"), ("QDISC_DROP_CONGESTED", "QDISC_CONGESTED"),
    ("QDISC_DROP_CAKE_FLOOD", "CAKE_FLOOD"), ("QDISC_DROP_FQ_BAND_LIMIT", "FQ_BAND_LIMIT"),
    ("QDISC_DROP_FQ_HORIZON_LIMIT", "FQ_HORIZON_LIMIT"), ("QDISC_DROP_FLOW_LIMIT", "FQ_FLOW_LIMIT"),
    ("QDISC_DROP_FLOOD_PROTECTION", "CAKE_FLOOD"), ("QDISC_DROP_BAND_LIMIT", "FQ_BAND_LIMIT"),
    ("QDISC_DROP_HORIZON_LIMIT", "FQ_HORIZON_LIMIT"), ("QDISC_DROP_L4S_STEP_NON_ECN", "DUALPI2_STEP_DROP"),
    ("QDISC_DROP_MAXFLOWS", "QDISC_MAXFLOWS"), ("QDISC_DROP_GENERIC", "QDISC_DROP"), ("QDISC_DROP", "QDISC_DROP"),
])
def test_names_of_the_queues_own_tracepoint(printed: str, known: str) -> None:
    """Newer kernels tell there alone why a queue dropped; the names of include/net/dropreason-qdisc.h."""
    found, other = causes.reason(printed), causes.reason(known)
    assert found is not None
    assert other is not None
    assert found.title == other.title


def test_filters_know_a_reason_by_both_names() -> None:
    assert causes.called("QDISC_OVERLIMIT") == {"QDISC_OVERLIMIT", "QDISC_DROP_OVERLIMIT"}
    assert causes.called("CAKE_FLOOD") == {"CAKE_FLOOD", "QDISC_DROP_FLOOD_PROTECTION"}
    for other in ("NO_SOCKET", "UdpIgnoredMulti"):
        assert causes.called(other) == {other}


def test_a_name_that_several_protocols_have_is_explained_for_each() -> None:
    assert {cause.name for cause in causes.explain("RcvbufErrors")} == {
        "UdpRcvbufErrors", "UdpLiteRcvbufErrors", "Udp6RcvbufErrors", "UdpLite6RcvbufErrors"}
    assert {"IpExtInCsumErrors", "TcpInCsumErrors", "UdpInCsumErrors"} <= {
        cause.name for cause in causes.explain("InCsumErrors")}


def test_every_extended_counter_is_known_without_its_protocol() -> None:
    for line in (Path(__file__).parent / "counters-6.18.txt").read_text().splitlines():
        name = line.split()[1]
        if name.startswith("TcpExt"):
            assert name in [found.name for found in causes.explain(name.removeprefix("TcpExt"))]


@pytest.mark.parametrize(("typo", "meant"), [
    ("SOCKET_RCVBUF", "SOCKET_RCVBUFF"), ("udprcvbuferror", "UdpRcvbufErrors"), ("ip_rcv_cor", "ip_rcv_core"),
    ("neigh_faild", "NEIGH_FAILED"),
])
def test_a_typo_leads_to_the_name_that_was_meant(typo: str, meant: str) -> None:
    assert meant in causes.near(typo)


def test_nothing_is_near_to_nonsense() -> None:
    assert causes.near("qqqqqqqqqqqq") == []


def test_explaining_reads_what_it_needs_and_imports_no_parser() -> None:
    """dwreport is typed at a prompt: a parser of all TOML, or all counters read for one reason, would be felt."""
    code = (
        "import sys, dwreport.causes as causes, dwreport.causes.files as files; "
        "assert files.read.cache_info().currsize == 0; causes.reason('NO_SOCKET'); "
        "assert files.read.cache_info().currsize == len(files.files('layers')) + 1; "
        "causes.counter('snmp', 'UdpInErrors'); "
        "assert files.read.cache_info().currsize == len(files.files('layers')) + 2; "
        "assert 'tomllib' not in sys.modules and 'difflib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_where_reasons_are_not_told_a_function_is_as_harmful_as_its_worst_candidate() -> None:
    """Segments that tcp_v4_rcv frees without a reason were used; in a summary, wrong checksums are among them."""
    found = causes.location("tcp_v4_rcv")
    assert found is not None
    assert (found.harm, causes.untold(found).harm) == ("benign", "harmful")
    assert found.harmless
    assert not causes.untold(found).harmless
