"""Bridge ports: whether each forwards, how often it was blocked, and what came and went by VLAN."""

import struct
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.collectors import AbsentError
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.links import IFINFO, RTM_GETLINK, parse_name
from dropwatchd.kernel.netlink import ROUTE, Message, Netlink, attributes
from dropwatchd.model import CounterKey, Reading

_AF_BRIDGE = 7
_IFLA_PROTINFO, _IFLA_BRPORT_STATE = 12, 1
_RTM_GETSTATS = 94
_STATS_HEADER = struct.Struct("=BxxxiI")  # struct if_stats_msg: family, ifindex, filter
_XSTATS_SLAVE, _TYPE_BRIDGE, _XSTATS_VLAN, _XSTATS_STP = 3, 1, 1, 4
_STP = struct.Struct("=QQ")  # struct bridge_stp_xstats: times blocked, times set to forward
_VLAN = struct.Struct("=QQQQH")  # struct bridge_vlan_xstats: bytes and packets received, sent, and the VLAN
_VLAN_FIELDS = ("vlan_rx_bytes", "vlan_rx_packets", "vlan_tx_bytes", "vlan_tx_packets")


def collect(host: Host) -> Iterable[Reading]:
    """Read the bridge ports of the calling thread's network namespace.

    What a port drops because it does not forward, or because its VLAN is not allowed, counts nowhere in the bridge
    (net/bridge/br_input.c): its state says why, and the VLANs' own numbers what was let by.
    """
    with Netlink(ROUTE) as netlink:
        ports = netlink.dump(RTM_GETLINK, IFINFO.pack(_AF_BRIDGE, 0, 0, 0, 0))
        states = list(parse_states(ports, host.netns))
        if not states:
            raise AbsentError("no bridge has a port")
        messages = netlink.dump(_RTM_GETSTATS, _STATS_HEADER.pack(0, 0, 1 << (_XSTATS_SLAVE - 1)))
    return [*states, *parse_statistics(messages, dict(parse_name(port.payload) for port in ports), host.netns)]


def parse_states(messages: Iterable[Message], netns: int | None) -> Iterator[Reading]:
    """Parse RTM_NEWLINK messages of AF_BRIDGE: 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking."""
    for _type, payload in messages:
        port = dict(attributes(dict(attributes(payload, IFINFO.size)).get(_IFLA_PROTINFO, b"")))
        if _IFLA_BRPORT_STATE in port:
            yield Reading(CounterKey("bridge", "state", netns, *parse_name(payload)), port[_IFLA_BRPORT_STATE][0], 0)


def parse_statistics(
    messages: Iterable[Message], names: Mapping[int, str], netns: int | None,
) -> Iterator[Reading]:
    """Parse RTM_NEWSTATS messages; a bridge counts by VLAN and port where it was told to (vlan_stats_per_port)."""
    for _type, payload in messages:
        ifindex = _STATS_HEADER.unpack_from(payload)[1]
        port = CounterKey("bridge", "", netns, ifindex, names.get(ifindex))
        slave = dict(attributes(payload, _STATS_HEADER.size)).get(_XSTATS_SLAVE, b"")
        if port.interface:
            for kind, value in attributes(dict(attributes(slave)).get(_TYPE_BRIDGE, b"")):
                if kind == _XSTATS_STP:
                    yield Reading(port._replace(name="transition_blk"), _STP.unpack_from(value)[0])
                elif kind == _XSTATS_VLAN:
                    *values, vlan = _VLAN.unpack_from(value)
                    labels = (("vlan", str(vlan)),)
                    for name, number in zip(_VLAN_FIELDS, values, strict=True):
                        yield Reading(port._replace(name=name, labels=labels), number)
