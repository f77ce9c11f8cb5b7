"""Chains of nftables that may drop what nothing there counts: by their policy, or by rules without a counter."""

import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from dropwatchd.kernel.netlink import Message, attributes, packed, text

HEADER = struct.Struct("=BBH")  # struct nfgenmsg: family, version, resource
FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
# Numbers of include/uapi/linux/netfilter/nf_tables.h and, of the hooks, of netfilter.h and its like for each family
CHAIN_TABLE, CHAIN_NAME, CHAIN_POLICY, CHAIN_COUNTERS = 1, 3, 5, 8
_CHAIN_HOOK, _HOOK_NUMBER, _HOOK_PRIORITY = 4, 1, 2
_LOOKUP_DREG = 3
_IP_HOOKS = ("prerouting", "input", "forward", "output", "postrouting", "ingress")
_HOOKS = {"arp": ("input", "output", "forward"), "netdev": ("ingress", "egress")}
DROP = bytes(4)  # NF_DROP, as a verdict's code and as a chain's policy
_MAP = re.compile(re.escape(packed(_LOOKUP_DREG, bytes(4))))  # NFT_REG_VERDICT: the elements of a map have verdicts
Labels = dict[str, str]
Chain = tuple[str, str, str]  # family, table, name


def family_of(payload: bytes) -> str:
    """Return the family of a message's table."""
    return FAMILIES.get(payload[0], str(payload[0]))


def looks_up_verdict(payload: bytes) -> bool:
    """Say whether a rule takes its verdict from a map, where nothing counts by element that is read here."""
    return b"lookup\0" in payload and _MAP.search(payload) is not None


def uncounted(chains: Iterable[Message], dropping: Counter[Chain]) -> Iterator[tuple[str, Labels, int]]:
    """Yield (name, labels, value): base chains whose policy drops uncounted, and rules of chains that do."""
    base: dict[Chain, Labels] = {}
    for _type, payload in chains:
        found = dict(attributes(payload, HEADER.size))
        chain = family_of(payload), text(found[CHAIN_TABLE]), text(found[CHAIN_NAME])
        base[chain] = _hook(chain[0], found)
        if found.get(CHAIN_POLICY) == DROP and CHAIN_COUNTERS not in found:
            yield "policy_drop", _labels(chain) | base[chain], 1
    for chain, rules in dropping.items():
        yield "drop_rules", _labels(chain) | base.get(chain, {}), rules


def _labels(chain: Chain) -> Labels:
    return dict(zip(("family", "table", "chain"), chain, strict=True))


def _hook(of: str, chain: Mapping[int, bytes]) -> Labels:
    """Return where a base chain is hooked in, and its priority; others are reached by rules that jump to them."""
    found = dict(attributes(chain.get(_CHAIN_HOOK, b"")))
    if _HOOK_NUMBER not in found:
        return {}
    number, names = int.from_bytes(found[_HOOK_NUMBER], "big"), _HOOKS.get(of, _IP_HOOKS)
    priority = int.from_bytes(found.get(_HOOK_PRIORITY, b""), "big", signed=True)
    return {"hook": names[number] if number < len(names) else str(number), "priority": str(priority)}
