"""What connection tracking found, failed to insert and dropped per CPU, and how full its table is."""

import struct
from collections.abc import Iterable, Iterator

from dropwatchd.collectors import AbsentError, _proc
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import NETFILTER, Message, Netlink, attributes
from dropwatchd.model import CounterKey, Reading

# Columns of /proc/net/stat/nf_conntrack (net/netfilter/nf_conntrack_standalone.c) and the names that ctnetlink has for
# them; the other columns are always zero, or belong to expectations.
_COLUMNS = {
    "found": "found", "invalid": "invalid", "insert": "insert", "insert_failed": "insert_failed", "drop": "drop",
    "early_drop": "early_drop", "icmp_error": "error", "search_restart": "search_restart",
    "clashres": "clash_resolve", "chainlength": "chain_toolong",
}
# CTA_STATS_* of include/uapi/linux/netfilter/nfnetlink_conntrack.h
_ATTRIBUTES = {
    2: "found", 4: "invalid", 8: "insert", 9: "insert_failed", 10: "drop", 11: "early_drop", 12: "error",
    13: "search_restart", 14: "clash_resolve", 15: "chain_toolong",
}
_GET_STATS_CPU = 1 << 8 | 4  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET_STATS_CPU
_HEADER = struct.Struct("=BBH")  # struct nfgenmsg: family, version, CPU in network order
_TABLE = "sys/net/netfilter"


def collect(host: Host) -> Iterable[Reading]:
    """Read the counters of the calling thread's network namespace.

    Many distributions leave out the file: there the same comes over netlink, which takes CAP_NET_ADMIN. The table's
    size is read first: without it connection tracking is not loaded, and asking over netlink would load it.
    """
    table = [
        Reading(CounterKey("conntrack", name, host.netns), _number(host, name), 0)
        for name in ("nf_conntrack_count", "nf_conntrack_max")
    ]
    return [*table, *_counters(host)]


def _number(host: Host, name: str) -> int:
    return int(_proc.read_file(host.proc / _TABLE / name))


def _counters(host: Host) -> list[Reading]:
    try:
        return list(parse(_proc.read(host, "stat/nf_conntrack"), host.netns))
    except AbsentError:
        with Netlink(NETFILTER) as netlink:
            messages = netlink.dump(_GET_STATS_CPU, _HEADER.pack(0, 0, 0))
        return list(parse_messages(messages, host.netns))


def parse(text: str, netns: int | None) -> Iterator[Reading]:
    """Parse /proc/net/stat/nf_conntrack: a line for each possible CPU."""
    for cpu, row in enumerate(_proc.columns(text)):
        yield from (
            _reading(name, value, cpu, netns) for column, value in row.items() if (name := _COLUMNS.get(column))
        )


def parse_messages(messages: Iterable[Message], netns: int | None) -> Iterator[Reading]:
    """Parse IPCTNL_MSG_CT_GET_STATS_CPU messages: one for each possible CPU, numbers in network order."""
    for _type, payload in messages:
        cpu = int.from_bytes(payload[2:4], "big")
        for kind, value in attributes(payload, _HEADER.size):
            if name := _ATTRIBUTES.get(kind):
                yield _reading(name, int.from_bytes(value, "big"), cpu, netns)


def _reading(name: str, value: int, cpu: int, netns: int | None) -> Reading:
    return Reading(CounterKey("conntrack", name, netns, labels=(("cpu", str(cpu)),)), value, 32)
