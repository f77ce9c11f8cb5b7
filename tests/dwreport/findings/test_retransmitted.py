"""Segments that were sent again: how much that is, and whether they were lost on this host."""

import struct
from socket import inet_aton

import pytest

from dropwatchd.history.read.reader import CounterTotal, PacketRow
from dropwatchd.model import DropKey
from dwreport.report.findings import FindingRow
from tests.dwreport.conftest import START_NS
from tests.dwreport.made import HOST, counter, drop, facts, findings, key, looked

TITLE = "TCP had to send segments again"
PEER = "198.51.100.9"
DROPPED = key("NETFILTER_DROP", "nf_hook_slow")


def _sent_again(count: int, sent: int = 1000, local_port: str = "") -> list[CounterTotal]:
    again = (counter("retransmits/data", count, peer=PEER, local_port=local_port) if local_port else
             counter("retransmits/data", count, peer=PEER, peer_port="443"))
    return [again, counter("TcpOutSegs", sent)]


def _packet(dropped: DropKey, source: tuple[str, int], destination: tuple[str, int], protocol: int = 6) -> PacketRow:
    data = struct.pack(">BBHHHBBH4s4sHH", 0x45, 0, 40, 1, 0, 64, protocol, 0, inet_aton(source[0]),
                       inet_aton(destination[0]), source[1], destination[1]) + bytes(16)
    return PacketRow(HOST, dropped, START_NS, 40, 1, link_header=False, data=data)


def _found(moved: list[CounterTotal], packets: tuple[PacketRow, ...] = (), *, blind: bool = False,
           key_of: DropKey = DROPPED) -> FindingRow:
    drops = [drop(key_of, len(packets))] if packets else []
    rows = findings(facts(drops, moved, packets, looked("TcpOutSegs"), blind=blind))
    [found] = [row for row in rows if row.title == TITLE]
    return found


@pytest.mark.parametrize(("count", "severity"), [(10, "harmful"), (9, "suspect"), (1, "suspect")])
def test_it_is_judged_by_its_share(count: int, severity: str) -> None:
    """Of the segments that TCP sent in that namespace."""
    found = _found(_sent_again(count))
    assert (found.count, found.severity, found.confidence) == (count, severity, "high")
    assert found.advice == f"ss -tino 'dst [{PEER}]'"
    assert found.evidence[0].startswith(f"{count} segment")
    assert "of the 1 000 that TCP sent there" in found.evidence[0].replace("\u202f", " ").replace("\xa0", " ")
    assert _found(_sent_again(count, 1_000_000)).severity == "benign"


def test_what_was_dropped_of_the_flow_says_that_it_was_here() -> None:
    """Packets to the peer, and such as came back, of that port alone."""
    ours, there = ("192.0.2.1", 40000), (PEER, 443)
    found = _found(_sent_again(20), (_packet(DROPPED, ours, there), _packet(DROPPED, ours, there),
                                     _packet(DROPPED, there, ours), _packet(DROPPED, ours, (PEER, 80))))
    assert found.evidence[1] == (
        f"20 to {PEER} port 443: packets to it were dropped here: 2 NETFILTER_DROP in nf_hook_slow; packets from it "
        "were dropped here: 1 NETFILTER_DROP in nf_hook_slow")
    served = _found(_sent_again(20, local_port="22"), (_packet(DROPPED, ("192.0.2.1", 22), (PEER, 5000)),))
    assert served.evidence[1].startswith(f"20 to {PEER} from port 22: packets to it were dropped here: 1 ")


def test_what_tcp_had_taken_was_not_lost_on_its_way() -> None:
    """A socket that is closed frees what nobody will read: it was acknowledged."""
    purged = key("QUEUE_PURGE", "tcp_disconnect")
    found = _found(_sent_again(20), (_packet(purged, ("192.0.2.1", 40000), (PEER, 443)),), key_of=purged)
    assert "dropped here" not in found.evidence[1]


def test_that_it_was_not_here_takes_that_nothing_was_dropped_that_may_have_been_it() -> None:
    """Addresses may be translated, and any packet but ICMP may be a tunnel's; a card's losses have no events."""
    nowhere = "no drop seen on this host can have been these: lost beyond it, or answered late"
    assert _found(_sent_again(20)).evidence[1].endswith(nowhere)
    other = _packet(DROPPED, ("192.0.2.1", 4), ("203.0.113.1", 5))
    for found, because in (
        (_found(_sent_again(20), blind=True), "drops were not watched all the time"),
        (_found(_sent_again(20), (other,)), "other packets were dropped here that may be these, in nf_hook_slow"),
        (_found([*_sent_again(20), counter("TcpExtListenDrops", 3, netns=7)]), "snmp TcpExtListenDrops moved, too"),
        (_found([*_sent_again(20), counter("link/rx_missed_errors", 3, interface="eth0")]),
         "link rx_missed_errors moved, too"),
    ):
        assert found.evidence[1] == f"20 to {PEER} port 443: whether on this host is open: {because}"
    ping = _packet(DROPPED, ("192.0.2.1", 4), (PEER, 5), protocol=1)
    assert _found(_sent_again(20), (ping,)).evidence[1].endswith(nowhere)
    unheard = key("NO_SOCKET", "__udp4_lib_rcv")
    assert _found(_sent_again(20), (_packet(unheard, (PEER, 4), ("192.0.2.1", 443), 17),),
                  key_of=unheard).evidence[1].endswith(nowhere)


def test_connections_that_nobody_answers_are_another_finding() -> None:
    """And so are such as nobody finishes, of whom no address is believed."""
    rows = findings(facts([], [counter("retransmits/syn", 6, peer=PEER, peer_port="443"),
                               counter("retransmits/synack", 9, local_port="80")]))
    assert [(row.count, row.severity, row.title) for row in rows] == [
        (9, "suspect", "Peers did not finish the handshake of TCP connections in time"),
        (6, "suspect", "Peers did not answer new TCP connections in time")]
    assert rows[0].who == []
    assert rows[1].who == [f"to {PEER}"]
