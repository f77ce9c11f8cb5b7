"""Packets that rules and policies of legacy iptables dropped or rejected; iptables-nft's are nftables' own."""

import ctypes
import os
import socket
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2s
from typing import NamedTuple

from dropwatchd.collectors import AbsentError, _modules, _proc
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import text
from dropwatchd.model import CounterKey, Reading


class Version(NamedTuple):
    """Where a version of IP keeps its tables: sizes and offsets of struct ipt_entry and struct ip6t_entry."""

    family: str
    names: str
    domain: int
    level: int
    offsets: int  # of target_offset and next_offset, both u16
    counters: int  # of struct xt_counters: packets, bytes
    size: int


# include/uapi/linux/netfilter_ipv4/ip_tables.h and its IPv6 twin
VERSIONS = (
    Version("ip", "ip_tables_names", socket.AF_INET, socket.SOL_IP, 88, 96, 112),
    Version("ip6", "ip6_tables_names", socket.AF_INET6, socket.IPPROTO_IPV6, 140, 152, 168),
)
# The modules that make tables; ip_tables alone has none.
_TABLES = tuple(f"{version}_{table}" for version in ("iptable", "ip6table")
                for table in ("filter", "nat", "mangle", "raw", "security"))
_PROGRAMS = ("iptables -> xtables-legacy-multi", "ip6tables -> xtables-legacy-multi", "iptables -> xtables-multi")
_GET_INFO, _GET_ENTRIES = 64, 65
_INFO = struct.Struct("=32sI5I5III")  # struct ipt_getinfo: table, hooks, entries and underflows by hook, number, size
_ENTRIES_BYTES = 40  # struct ipt_get_entries: table, size; then the entries
_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_TARGET_BYTES = 32  # struct xt_entry_target: size, name, revision; then the target's own
_STANDARD_DROP = struct.pack("=i", -1)  # of struct xt_standard_target: -NF_DROP - 1


def collect(host: Host) -> Iterable[Reading]:
    """Read the tables of the calling thread's network namespace that are in use; this takes CAP_NET_ADMIN."""
    with _modules.if_used(host, _TABLES, _PROGRAMS):
        tables = [(version, table) for version in VERSIONS for table in _tables(host, version)]
    if not tables:
        raise AbsentError("legacy iptables has no tables here")
    return [reading for version, table in tables for reading in _table(version, table, host.netns)]


def _tables(host: Host, version: Version) -> list[str]:
    """Return the tables that exist: asking for another would make the kernel load and create it."""
    try:
        return _proc.read(host, version.names).split()
    except AbsentError:
        return []


def _table(version: Version, table: str, netns: int | None) -> list[Reading]:
    with socket.socket(version.domain, socket.SOCK_DGRAM) as control:
        name = table.encode().ljust(32, b"\0")
        information = _option(control, version.level, _GET_INFO, name.ljust(_INFO.size, b"\0"))
        size = _INFO.unpack(information)[-1]
        request = name + struct.pack("=I", size)
        entries = _option(control, version.level, _GET_ENTRIES, request.ljust(_ENTRIES_BYTES + size, b"\0"))
    return list(parse(version, table, information, entries[_ENTRIES_BYTES:], netns))


def _option(control: socket.socket, level: int, option: int, request: bytes) -> bytes:
    """Return what the kernel makes of the request, in place; Python's own getsockopt() sends none and ends at 1 KiB."""
    answer = ctypes.create_string_buffer(request, len(request))
    length = ctypes.c_uint32(len(request))
    library = ctypes.CDLL(None, use_errno=True)
    if library.getsockopt(control.fileno(), level, option, answer, ctypes.byref(length)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer.raw


def parse(version: Version, table: str, information: bytes, entries: bytes, netns: int | None) -> Iterator[Reading]:
    """Parse struct ipt_getinfo and the entries of a table.

    A change writes the whole table anew and rules have no numbers that last, so a rule is known by what it says:
    `rule` is a digest of its matches and target, and `twin` counts those that say the same.
    """
    twins: Counter[tuple[str, str]] = Counter()
    for chain, policy, entry in _entries(version, information, entries):
        target_offset = struct.unpack_from("=H", entry, version.offsets)[0]
        refused = _refused(entry[target_offset:])
        if refused:
            labels = {"family": version.family, "table": table, "chain": chain, "verdict": refused}
            if policy:
                labels["verdict"] = f"policy {refused}"
            else:
                labels |= _rule(version, entry, target_offset)
                twins[chain, labels["rule"]] += 1
                labels["twin"] = str(twins[chain, labels["rule"]])
            values = struct.unpack_from("=QQ", entry, version.counters)
            for name, value in zip(("packets", "bytes"), values, strict=True):
                yield Reading(CounterKey("iptables", name, netns, labels=tuple(sorted(labels.items()))), value)


def _entries(version: Version, information: bytes, entries: bytes) -> Iterator[tuple[str, bool, bytes]]:
    """Yield (chain, whether it is the chain's policy, entry).

    Chains follow one another: the hooks say where a built-in one begins and where its policy is, and an entry with
    the target ERROR bears the name of the chain that follows.
    """
    _table, hooks, *places = _INFO.unpack(information)
    used = [number for number in range(len(_HOOKS)) if hooks & 1 << number]
    begins = {places[number]: _HOOKS[number] for number in used}
    policies = {places[len(_HOOKS) + number] for number in used}
    chain, offset = "", 0
    while offset < len(entries):
        target, following = struct.unpack_from("=HH", entries, offset + version.offsets)
        entry = entries[offset:offset + following]
        chain = begins.get(offset, chain)
        if _name(entry[target:]) == "ERROR":
            chain = text(entry[target + _TARGET_BYTES:])
        yield chain, offset in policies, entry
        offset += following


def _name(target: bytes) -> str:
    """Return the name of a struct xt_entry_target or xt_entry_match."""
    return text(target[2:31])


def _refused(target: bytes) -> str:
    name = _name(target)
    if name == "REJECT":
        return "reject"
    return "drop" if not name and target[_TARGET_BYTES:_TARGET_BYTES + 4] == _STANDARD_DROP else ""


def _rule(version: Version, entry: bytes, target_offset: int) -> dict[str, str]:
    """Return what a rule is known by: not its place, its counters, or who jumped to it."""
    labels = {"rule": blake2s(entry[:version.offsets] + entry[version.size:], digest_size=4).hexdigest()}
    offset = version.size
    while offset < target_offset:
        if _name(entry[offset:]) == "comment":
            labels["comment"] = text(entry[offset + _TARGET_BYTES:])
        offset += struct.unpack_from("=H", entry, offset)[0]
    return labels
