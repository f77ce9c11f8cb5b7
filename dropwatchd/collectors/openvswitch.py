"""Packets that Open vSwitch's datapath could not hand to its daemon, over generic netlink."""

import struct
from collections.abc import Iterable, Iterator

from dropwatchd.collectors import AbsentError, _generic
from dropwatchd.kernel import generic
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import Message, attributes, text
from dropwatchd.model import CounterKey, Reading

# Of include/uapi/linux/openvswitch.h: each message has the datapath's ifindex behind the header
_DP_GET = 3
_NO_DATAPATH = bytes(4)
_NAME, _STATS = 1, 3  # OVS_DP_ATTR_*
_FIELDS = (("hit", 64), ("missed", 64), ("lost", 64), ("flows", 0))
_STRUCT = struct.Struct("=4Q")  # struct ovs_dp_stats


def collect(host: Host) -> Iterable[Reading]:
    """Read the datapaths of the calling thread's network namespace."""
    messages = _generic.dump("ovs_datapath", _DP_GET, _NO_DATAPATH)
    if not messages:
        raise AbsentError("Open vSwitch has no datapath here")
    return parse(messages, host.netns)


def parse(messages: Iterable[Message], netns: int | None) -> Iterator[Reading]:
    """Parse OVS_DP_CMD_NEW messages: `lost` are packets without a flow that found the daemon's queue full."""
    for _type, payload in messages:
        found = dict(attributes(payload, generic.HEADER.size + len(_NO_DATAPATH)))
        labels = (("datapath", text(found[_NAME])),)
        for (name, bits), value in zip(_FIELDS, _STRUCT.unpack_from(found[_STATS]), strict=True):
            yield Reading(CounterKey("openvswitch", name, netns, labels=labels), value, bits)
