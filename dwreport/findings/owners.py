"""Whose sockets lost packets, as the sockets themselves count: pure."""

import json
from collections.abc import Iterator
from typing import cast

from dropwatchd.history.reader import CounterTotal
from dwreport.causes import Reason
from dwreport.evidence.facts import Facts
from dwreport.evidence.tally import Place
from dwreport.findings.group import Group
from dwreport.findings.senders import Senders
from dwreport.text import number

_MOST = 2
_COUNTER = "sockets/drops"
_PORTLESS = {"PACKET_SOCK_ERROR": "packet", "raw_socket_full": "raw"}
_ALSO = {"TCP_LISTEN_OVERFLOW"}  # a listener's sk_drops, by tcp_listendrop (include/net/tcp.h)


def owners(group: Group, senders: Senders, facts: Facts) -> list[str]:
    """Say which sockets dropped at the port that most samples were sent to; some kinds of sockets have no port."""
    cause = group.cause
    if not isinstance(cause, Reason) or not (_COUNTER in cause.counters or cause.name in _ALSO):
        return []
    return [line for host in sorted({total.host for total in group.drops})
            for line in _of(host, group, cause.name, senders, facts)][:_MOST]


def _of(host: str, group: Group, reason: str, senders: Senders, facts: Facts) -> Iterator[str]:
    spaces = {total.drop.key.interface.netns for total in group.drops} - {None}
    for labels, row in _rows(facts, Place(host)):
        if (not spaces or row.netns in spaces) and _fits(labels, reason, senders):
            yield _owner(labels, row.delta)


def losers(place: Place, protocol: str, facts: Facts) -> list[str]:
    """Say which sockets of a protocol dropped in a place, and what they are bound to."""
    return [f"to {labels['local']}, {_owner(labels, row.delta)}" for labels, row in _rows(facts, place)
            if labels.get("protocol") == protocol][:_MOST]


def _rows(facts: Facts, place: Place) -> Iterator[tuple[dict[str, str], CounterTotal]]:
    for row in facts.evidence.tally.rows(_COUNTER, place):
        yield cast("dict[str, str]", json.loads(row.labels)), row


def _fits(labels: dict[str, str], reason: str, senders: Senders) -> bool:
    if kind := _PORTLESS.get(reason):
        return labels.get("protocol", "").removesuffix("6") == kind
    if not senders.ports:
        return False
    (transport, port), _weight = senders.ports.most_common(1)[0]
    return labels.get("protocol", "").removesuffix("6") == transport and labels.get("local", "").endswith(f":{port}")


def _owner(labels: dict[str, str], delta: int) -> str:
    process = labels.get("process")
    name = f"{process}[{labels.get('pid')}]" if process else f"not known, of {labels.get('local')}"
    unit = labels.get("cgroup", "").rpartition("/")[2]
    return f"owner: {name}{f' of {unit}' if unit else ''}, whose socket lost {number(delta)}"
