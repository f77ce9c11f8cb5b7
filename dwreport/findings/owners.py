"""Whose sockets lost packets, as the sockets themselves count: pure."""

import json
from collections.abc import Iterator
from typing import cast

from dwreport import causes
from dwreport.findings.grouping import Group
from dwreport.findings.model import Facts
from dwreport.findings.samples import Senders
from dwreport.reconcile.tally import Place
from dwreport.render.text import number

_MOST = 2
_COUNTER = "sockets/drops"
_ALSO = {"TCP_LISTEN_OVERFLOW"}  # a listener's sk_drops, by tcp_listendrop (include/net/tcp.h)


def owners(group: Group, senders: Senders, facts: Facts) -> list[str]:
    """Say which sockets dropped at the port that most samples were sent to; a capture's socket has no port."""
    reason = causes.reason(group.name) if group.ground in {"reason", "counters"} else None
    if reason is None or not (_COUNTER in reason.counters or reason.name in _ALSO):
        return []
    return [line for host in sorted({total.host for total in group.drops})
            for line in _of(host, group, senders, facts)][:_MOST]


def _of(host: str, group: Group, senders: Senders, facts: Facts) -> Iterator[str]:
    spaces = {total.drop.key.interface.netns for total in group.drops} - {None}
    for row in facts.evidence.tally.rows(_COUNTER, Place(host)):
        labels = cast("dict[str, str]", json.loads(row.labels))
        if (not spaces or row.netns in spaces) and _fits(labels, group.name, senders):
            yield _owner(labels, row.delta)


def listeners(place: Place, facts: Facts) -> list[str]:
    """Say which TCP listeners of a place dropped."""
    rows = [(cast("dict[str, str]", json.loads(row.labels)), row.delta)
            for row in facts.evidence.tally.rows(_COUNTER, place)]
    return [f"to {labels['local']}, {_owner(labels, delta)}" for labels, delta in rows
            if labels.get("protocol") == "tcp"][:_MOST]


def _fits(labels: dict[str, str], reason: str, senders: Senders) -> bool:
    if reason == "PACKET_SOCK_ERROR":
        return labels.get("protocol") == "packet"
    if not senders.ports:
        return False
    (transport, port), _weight = senders.ports.most_common(1)[0]
    return labels.get("protocol", "").removesuffix("6") == transport and labels.get("local", "").endswith(f":{port}")


def _owner(labels: dict[str, str], delta: int) -> str:
    process = labels.get("process")
    name = f"{process}[{labels.get('pid')}]" if process else f"not known, of {labels.get('local')}"
    unit = labels.get("cgroup", "").rpartition("/")[2]
    return f"owner: {name}{f' of {unit}' if unit else ''}, whose socket lost {number(delta)}"
