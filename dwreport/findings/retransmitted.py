"""Segments that TCP sent again, and whether they were lost on this host: only what is on record says so: pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from dwreport import causes
from dwreport.causes import Harm
from dwreport.evidence.compare import Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.filters import Filters, Match
from dwreport.evidence.observed import Observed
from dwreport.evidence.tally import Place
from dwreport.findings import support
from dwreport.findings.ends import ends_of
from dwreport.findings.finding import Basis, Finding
from dwreport.findings.group import place_name
from dwreport.findings.rules import labels
from dwreport.findings.steps import step

_KINDS = ("data", "syn", "synack")
_SHARES: tuple[tuple[float, Harm], ...] = ((0.01, "harmful"), (0.001, "suspect"))  # of the segments sent; below: benign
_MOST = 3
_FAMILIES = {0x0800, 0x86DD, None}
_NO_TCP = {"icmp", "unix", "netlink", "can", "sctp", "neighbour", "packet"}  # layers that drop nothing of TCP
_UNHEARD = "NO_SOCKET"
_TAKEN = "QUEUE_PURGE"  # of a socket: what TCP has acknowledged, and nobody will read
_BARE = {"icmp", "icmpv6", "igmp"}  # any other packet may be a tunnel's, with a segment in it
_COUNTED_LOSS = {"drop", "error", "pressure"}
_PATH = {"link", "ethtool", "qstats", "ethernet", "qdisc", "softnet", "devlink", "xdp", "xdp_errors", "rdma"}
_LISTENER = {"TcpExtListenDrops", "TcpExtTCPReqQFullDrop"}  # SYNs without an event
_Verdict = Literal["here", "nowhere", "open"]


class _Flow(NamedTuple):
    """One end of connections: the lower of both ports tells the service."""

    peer: str | None
    local_port: int | None
    peer_port: int | None


def retransmitted(evidence: Evidence, filters: Filters) -> Iterator[tuple[Match, Finding]]:
    """Yield a finding for each kind of segments sent again in a namespace, and whether the filters leave it."""
    facts = evidence.facts
    for kind in _KINDS:
        name = f"retransmits/{kind}"
        places = {Place(row.host, row.netns): None for row in facts.counters if (row.collector, row.name) == (
            "retransmits", kind) and row.delta > 0}
        for place in places:
            if (match := filters.of_counters(place)) != "no":
                yield match, _finding(name, place, facts)


def _finding(name: str, place: Place, facts: Facts) -> Finding:
    rows, cause = facts.tally.rows(name, place), causes.written(name)
    assert cause is not None  # noqa: S101 - it is in the catalogue
    flows: Counter[_Flow] = Counter()
    for row in rows:
        flows[_flow(labels(row))] += row.delta
    count, straddling = flows.total(), sum(row.straddling for row in rows)
    sent = facts.delta("TcpOutSegs", place) or 0
    trouble = _trouble(place, facts)
    told = [_told(flow, segments, facts, trouble) for flow, segments in flows.most_common(_MOST) if flow.peer]
    evidence: list[support.Fact] = [support.SentAgain(count, sent, len(flows)), *told]
    leader = next((flow.peer for flow, _count in flows.most_common(1)), None)
    advice = causes.advice(cause, None, **({"destination": leader} if leader else {}))
    harm = _harm(count, sent) if name.endswith("/data") else cause.harm
    return Finding(
        cause.title, harm, count, None, None, evidence, _who(flows), step(advice, facts.spaces.get(place.netns or 0)),
        "high", [place.host],
        Basis(place, "counters", count - min(count, straddling), count, collectors=frozenset({"retransmits"})),
        placed=bool(place.netns) or len(facts.spaces) < 2)


def _harm(count: int, sent: int) -> Harm:
    """Judge by the share; where it is not known how many were sent, nobody knows whether that is much."""
    return next((harm for least, harm in _SHARES if sent and count / sent >= least), "benign" if sent else "suspect")


def _flow(own: Mapping[str, str]) -> _Flow:
    local, remote = (int(own[name]) if name in own else None for name in ("local_port", "peer_port"))
    return _Flow(own.get("peer"), local, remote)


def _who(flows: Counter[_Flow]) -> list[support.Who]:
    """Return the peers with the most of it, of a whole count."""
    peers: Counter[str] = Counter()
    for flow, segments in flows.items():
        if flow.peer:
            peers[flow.peer] += segments
    whole = flows.total()
    if not peers:
        return []
    foremost = {peer: support.Share(100 * segments / whole, 0.0, whole, whole)
                for peer, segments in peers.most_common(_MOST)}
    return [support.Ends("destination", foremost, len(peers))]


def _told(flow: _Flow, segments: int, facts: Facts, trouble: str) -> support.PeerLoss:
    """Say where segments to a peer were lost: dropped on this host, or not, or nobody can tell."""
    to, back = _dropped(flow, facts, back=False), _dropped(flow, facts, back=True)
    verdict: _Verdict = "here" if to or back else "open" if trouble else "nowhere"
    port = flow.local_port or flow.peer_port or 0
    return support.PeerLoss(flow.peer or "", port, bool(flow.local_port), segments, to, back, verdict,
                            trouble if verdict == "open" else "")


def _dropped(flow: _Flow, facts: Facts, *, back: bool) -> dict[str, int]:
    """Return where packets of a flow were dropped that were sampled, and how many these stand for."""
    found: dict[str, float] = defaultdict(float)
    for drop in _harming(facts):
        sampled = sum(packet.weight for packet in drop.packets)
        for packet in drop.packets:
            ends = ends_of(packet)
            address = ends.source if back else ends.destination
            ports = (ends.destination_port, ends.source_port) if back else (ends.source_port, ends.destination_port)
            if ends.transport == "tcp" and address == flow.peer and all(
                    wanted in {None, port} for wanted, port in zip((flow.local_port, flow.peer_port), ports,
                                                                   strict=True)):
                found[f"{drop.reason or 'no reason'} in {place_name(drop)}"] += packet.weight * drop.count / sampled
    return {where: max(1, round(number)) for where, number in found.items()}


def _harming(facts: Facts) -> Iterator[Observed]:
    """Yield drops by which TCP may lose a segment: some lose nothing by their nature, or are of other protocols."""
    for drop in facts.drops:
        cause = causes.of_drop(drop.key)
        if drop.reason == _UNHEARD and "udp" in place_name(drop):  # nobody's tunnel: it has no socket
            continue
        if drop.reason == _TAKEN and place_name(drop).startswith(("tcp_", "inet_")):
            continue
        if drop.key.kind.protocol in _FAMILIES and not (cause and (cause.harm == "benign" or cause.layer in _NO_TCP)):
            yield drop


def _trouble(place: Place, facts: Facts) -> str:
    """Say why nobody can rule out that segments were lost on this host; "" where all is on record, and none was.

    Addresses and ports may have been translated on the way: any packet that was dropped may have been one of them.
    """
    if facts.blind:
        return "drops were not watched all the time"
    for drop in _harming(facts):
        if drop.host == place.host:
            bare = [ends_of(packet).transport in _BARE for packet in drop.packets]
            if len(bare) < drop.count or not all(bare):
                return f"other packets were dropped here that may be these, in {place_name(drop)}"
    for row in facts.counters:
        concerns = row.collector in _PATH or row.name in _LISTENER
        if row.host == place.host and concerns and row.delta > 0 and not row.gauge:
            known = causes.counter(row.collector, row.name)
            if known is None or (known.kind in _COUNTED_LOSS and known.harm != "benign"):
                return f"{row.collector} {row.name} moved, too"
    return ""
