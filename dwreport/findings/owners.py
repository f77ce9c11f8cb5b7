"""Whose sockets lost packets, and which have a port, as the sockets themselves count: pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict

from dropwatchd.history.read.reader import CounterTotal
from dwreport.causes import Reason
from dwreport.evidence.facts import Facts
from dwreport.evidence.tally import Place
from dwreport.findings.ends import Senders
from dwreport.findings.group import Group
from dwreport.findings.rules import labels
from dwreport.findings.support import OneSocket, OtherSocket, Owner

_MOST = 2
_COUNTER = "sockets/drops"
_CAPTURE = "capture/lost"
_PORTLESS = {"PACKET_SOCK_ERROR": "packet", "raw_socket_full": "raw"}
_ALSO = {"TCP_LISTEN_OVERFLOW"}  # a listener's sk_drops, by tcp_listendrop (include/net/tcp.h)
_UNHEARD = "NO_SOCKET"


def owners(group: Group, senders: Senders, facts: Facts) -> list[Owner]:
    """Say which sockets dropped at the port that most samples were sent to; some kinds of sockets have no port."""
    cause = group.cause
    if not isinstance(cause, Reason) or not (_COUNTER in cause.counters or cause.name in _ALSO):
        return []
    return [_owner(own, row.delta) for own, row in _rows_of(group, facts) if _fits(own, cause.name, senders)][:_MOST]


def losers(place: Place, protocol: str, facts: Facts, counters: Collection[str] = ()) -> list[Owner]:
    """Say which sockets of a protocol dropped in a place, and what they are bound to."""
    counter = _CAPTURE if _CAPTURE in counters else _COUNTER
    return [_owner(own, row.delta, is_named_by_address=True) for own, row in _rows(facts, place, counter)
            if own.get("protocol") == protocol][:_MOST]


def other_sockets(group: Group, senders: Senders, facts: Facts) -> list[OtherSocket]:
    """Say which sockets of the port are on record though none took the packets: they are for others alone."""
    if group.name != _UNHEARD:
        return []
    port = senders.leader(senders.ports)
    places = {(drop.host, drop.netns) for drop in group.drops}
    there = [OneSocket(socket.local, socket.peer or None) for socket in facts.sockets
             if (socket.host, socket.netns) in places and port and _is_at(asdict(socket), port)]
    local = [OneSocket(own["local"], None) for own, _row in _rows_of(group, facts) if port and _is_at(own, port)]
    known = {one.local for one in there}
    found = [*there, *(one for one in local if one.local not in known)]
    return [OtherSocket(port or "", tuple(found[:_MOST]), bool(port) and places <= facts.sockets_looked)]


def _rows_of(group: Group, facts: Facts) -> Iterator[tuple[dict[str, str], CounterTotal]]:
    spaces = {drop.netns for drop in group.drops} - {None}
    for host in sorted({drop.host for drop in group.drops}):
        yield from ((own, row) for own, row in _rows(facts, Place(host)) if not spaces or row.netns in spaces)


def _rows(facts: Facts, place: Place, counter: str = _COUNTER) -> Iterator[tuple[dict[str, str], CounterTotal]]:
    for row in facts.tally.rows(counter, place):
        yield labels(row), row


def _fits(own: dict[str, str], reason: str, senders: Senders) -> bool:
    if kind := _PORTLESS.get(reason):
        return own.get("protocol", "").removesuffix("6") == kind
    port = senders.leader(senders.ports)
    return port is not None and _is_at(own, port)


def _is_at(own: Mapping[str, str], port: str) -> bool:
    transport, _, number = port.partition("/")
    return own.get("protocol", "").removesuffix("6") == transport and own.get("local", "").endswith(f":{number}")


def _owner(own: dict[str, str], lost: int, *, is_named_by_address: bool = False) -> Owner:
    return Owner(own.get("local", ""), own.get("process"), own.get("pid"),
                 own.get("container") or own.get("cgroup", "").rpartition("/")[2] or None, lost, is_named_by_address)
