"""Why a pair's other end refused packets: they were longer than its MTU, or it was down, by its settings: pure."""

from collections.abc import Iterator

from dropwatchd.history.read.reader import PacketRow
from dwreport.causes.lookup import function
from dwreport.evidence.facts import Facts
from dwreport.evidence.observed import Limit, Observed, Told
from dwreport.evidence.settings import Span
from dwreport.evidence.tally import Place

_FORWARDING = {"__dev_forward_skb", "__dev_forward_skb2", "dev_forward_skb"}
_TOO_BIG, _DOWN = "PKT_TOO_BIG", "DEV_READY"
_ETHERNET, _TAG = 14, 4  # bytes: is_skb_forwardable lets the header pass, and one VLAN tag (include/linux/netdevice.h)
_COUNTED = "link/rx_dropped"


def told_by_sizes(facts: Facts) -> Iterator[tuple[Observed, Told]]:
    """Yield the reasons of drops on the way to a pair's other end, of which it is on record how it was set meanwhile.

    That it counted them speaks for it being the other end indeed.
    """
    for drop in facts.drops:
        if function(drop.key.location.symbol or "") not in _FORWARDING or not drop.candidates:
            continue
        if limit := _limit(drop, facts):
            longest = limit.mtu + _ETHERNET + _TAG
            if not limit.is_up:
                yield drop, Told(_DOWN, "sizes", limit=limit)
            elif drop.packets and all(_frame(packet) > longest for packet in drop.packets):
                yield drop, Told(_TOO_BIG, "sizes", limit=limit)


def _limit(drop: Observed, facts: Facts) -> Limit | None:
    """Return how the other end was set from the first drop to the last; None where that is not on record."""
    if drop.total is None:
        return None
    during = Span(drop.total.drop.first_ns, drop.total.drop.last_ns)
    there = facts.settings.other_end(Place(drop.host, drop.netns, drop.interface), drop.key.interface.ifindex,
                                     facts.devices)
    if there is None or facts.tally.delta(_COUNTED, there) < drop.at_most:
        return None
    mtu, up = (facts.settings.value(there, name, during) for name in ("mtu", "up"))
    return None if mtu is None or up is None else Limit(there.interface or "", there.netns, mtu, bool(up))


def _frame(packet: PacketRow) -> int:
    """Return how long a packet was with its link header."""
    return packet.length if packet.link_header else packet.length + _ETHERNET
