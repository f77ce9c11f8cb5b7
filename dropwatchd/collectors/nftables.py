"""Packets that nftables refused: by rule, named counter and policy; and what there drops without a counter."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from dropwatchd.collectors import _modules
from dropwatchd.collectors._chains import (
    CHAIN_COUNTERS,
    CHAIN_NAME,
    CHAIN_POLICY,
    CHAIN_TABLE,
    DROP,
    HEADER,
    Labels,
    family_of,
    looks_up_verdict,
    uncounted,
)
from dropwatchd.collectors._present import Present
from dropwatchd.kernel.host import Host
from dropwatchd.kernel.netlink import NETFILTER, Message, Netlink, attributes, packed, text
from dropwatchd.model import CounterKey, Reading

# Numbers of include/uapi/linux/netfilter/nf_tables.h; NFNL_SUBSYS_NFTABLES is 10
_GETCHAIN, _GETRULE, _GETOBJ = 10 << 8 | 4, 10 << 8 | 7, 10 << 8 | 19
_RULE_TABLE, _RULE_CHAIN, _RULE_HANDLE, _RULE_EXPRESSIONS, _RULE_USERDATA = 1, 2, 3, 4, 7
_OBJ_TABLE, _OBJ_NAME, _OBJ_TYPE, _OBJ_DATA = 1, 2, 3, 4
_OBJREF_TYPE, _OBJREF_NAME, _OBJECT_COUNTER = 1, 2, 1
_COUNTER_FIELDS = {1: "bytes", 2: "packets"}
_EXPRESSION_NAME, _EXPRESSION_DATA = 1, 2
_IMMEDIATE_DATA, _DATA_VERDICT, _VERDICT_CODE = 2, 2, 1
_TARGET_NAME = 1  # of an expression that iptables-nft made
_PRESENT = Present()
_NESTED = 0x8000  # NLA_F_NESTED, which not every kernel sets here
_VERDICT, _NESTED_VERDICT = (packed(kind, packed(_VERDICT_CODE, DROP)) for kind in (
    _DATA_VERDICT, _NESTED | _DATA_VERDICT))
_PROGRAMS = ("nft", "iptables -> xtables-nft-multi")
_PASSIVE = frozenset({"log", "last", "notrack"})  # between counter and verdict, these let every packet by

Name = tuple[str, str, str]  # family, table, and what stands in it


class Rule(NamedTuple):
    """A rule that counts or drops: `refused` is "drop" or "reject" where that befalls each packet it counts, else "".

    `counter` is the data of its counter, or the name of a counter that stands by itself; `drops`, whether any packet
    may be refused.
    """

    chain: Name
    handle: int
    comment: str
    refused: str
    counter: bytes | Name
    drops: bool


def collect(host: Host) -> Iterable[Reading]:
    """Read the rules of the calling thread's network namespace; this takes CAP_NET_ADMIN."""
    _modules.require(host, "nf_tables")
    with _modules.if_used(host, ("nf_tables",), _PROGRAMS), Netlink(NETFILTER) as netlink:
        rules, chains, objects = (netlink.dump(kind, bytes(HEADER.size)) for kind in (_GETRULE, _GETCHAIN, _GETOBJ))
    readings = parse(rules, chains, objects, host.netns)
    return [*readings, *_PRESENT.gone(host.netns, (reading for reading in readings if not reading.bits))]


def parse(
    rules: Iterable[Message], chains: Sequence[Message], objects: Iterable[Message], netns: int | None,
) -> list[Reading]:
    """Parse NFT_MSG_NEWRULE, NEWCHAIN and NEWOBJ messages; what drops uncounted are gauges."""
    known = list(parse_rules(rules))
    found = [*_of_rules(known), *_of_policies(chains), *_of_objects(objects, known)]
    passing = _passing(known)
    dropping = Counter(rule.chain for rule in known
                       if rule.drops and not (rule.refused and rule.counter and rule.counter not in passing))
    return [
        Reading(_key(_COUNTER_FIELDS[kind], netns, labels), int.from_bytes(value, "big"))
        for labels, counter in found
        for kind, value in attributes(counter) if kind in _COUNTER_FIELDS
    ] + [Reading(_key(name, netns, labels), value, bits=0) for name, labels, value in uncounted(chains, dropping)]


def _key(name: str, netns: int | None, labels: Labels) -> CounterKey:
    return CounterKey("nftables", name, netns, labels=tuple(sorted(labels.items())))


def _passing(rules: Iterable[Rule]) -> set[bytes | Name]:
    """Return the counters by name that also count what is not refused."""
    return {rule.counter for rule in rules if not rule.refused and not isinstance(rule.counter, bytes)}


def _of_rules(rules: list[Rule]) -> Iterator[tuple[dict[str, str], bytes]]:
    for rule in rules:
        if rule.refused and isinstance(rule.counter, bytes):
            family, table, chain = rule.chain
            labels = {"family": family, "table": table, "chain": chain, "handle": str(rule.handle)}
            comment = {"comment": rule.comment} if rule.comment else {}
            yield labels | comment | {"verdict": rule.refused}, rule.counter


def _of_policies(messages: Iterable[Message]) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield base chains that drop what no rule took; nft_do_chain counts those, where the chain has a counter."""
    for _type, payload in messages:
        found = dict(attributes(payload, HEADER.size))
        if found.get(CHAIN_POLICY) == DROP and CHAIN_COUNTERS in found:
            labels = {"family": family_of(payload), "table": text(found[CHAIN_TABLE])}
            yield labels | {"chain": text(found[CHAIN_NAME]), "verdict": "policy drop"}, found[CHAIN_COUNTERS]


def _of_objects(messages: Iterable[Message], rules: list[Rule]) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield named counters of which each rule that refers to one refuses what it counts."""
    passing = _passing(rules)
    refused = {rule.counter: rule.refused for rule in rules if rule.counter not in passing}
    for _type, payload in messages:
        found = dict(attributes(payload, HEADER.size))
        family, table, counter = name = (family_of(payload), text(found[_OBJ_TABLE]), text(found[_OBJ_NAME]))
        if name in refused and int.from_bytes(found[_OBJ_TYPE], "big") == _OBJECT_COUNTER:
            labels = {"family": family, "table": table, "counter": counter, "verdict": refused[name]}
            yield labels, found[_OBJ_DATA]


def parse_rules(messages: Iterable[Message]) -> Iterator[Rule]:
    """Yield rules that count or drop. Of the thousands that some hosts have, those that refuse nothing stay unread."""
    for _type, payload in messages:
        by_map = looks_up_verdict(payload)
        if by_map or b"objref\0" in payload or _may_refuse(payload):
            found = dict(attributes(payload, HEADER.size))
            family, table = family_of(payload), text(found[_RULE_TABLE])
            refused, counter, drops = _fate(family, table, found.get(_RULE_EXPRESSIONS, b""))
            if counter or drops or by_map:
                handle = int.from_bytes(found[_RULE_HANDLE], "big")
                comment = _comment(found.get(_RULE_USERDATA, b""))
                yield Rule((family, table, text(found[_RULE_CHAIN])), handle, comment, refused, counter,
                           drops or by_map)


def _may_refuse(payload: bytes) -> bool:
    """Say whether a rule may refuse packets: four searches for a text are faster than one for a pattern."""
    return _NESTED_VERDICT in payload or _VERDICT in payload or b"reject\0" in payload or b"REJECT\0" in payload


def _fate(family: str, table: str, expressions: bytes) -> tuple[str, bytes | Name, bool]:
    """Return what becomes of the packets that a rule counts, the counter, b"" where there is none, and if any drop.

    Only of a counter behind all conditions is it known: "counter tcp dport 80 drop" counts what it lets by, too.
    """
    counter: bytes | Name = b""
    behind = False
    for _element, expression in attributes(expressions):
        found = dict(attributes(expression))
        name, data = text(found[_EXPRESSION_NAME]), found.get(_EXPRESSION_DATA, b"")
        refused = _refused(name, data)
        if refused:
            return refused if behind else "", counter, True
        if name == "counter":
            counter, behind = data, True
        elif name == "objref":
            counter, behind = (family, table, text(dict(attributes(data)).get(_OBJREF_NAME, b""))), True
        elif name not in _PASSIVE:
            behind = False
    return "", counter, False


def _refused(name: str, data: bytes) -> str:
    """Return "drop" or "reject" for an expression that does that to each packet that comes to it."""
    found = dict(attributes(data)) if name in {"immediate", "target"} else {}
    verdict = dict(attributes(dict(attributes(found.get(_IMMEDIATE_DATA, b""))).get(_DATA_VERDICT, b"")))
    if name == "immediate" and verdict.get(_VERDICT_CODE) == DROP:
        return "drop"
    if name == "reject" or (name == "target" and text(found.get(_TARGET_NAME, b"")) == "REJECT"):
        return "reject"
    return ""


def _comment(data: bytes) -> str:
    """Return the comment of a rule: the first of the nft program's own (type, length, value), of type 0."""
    return text(data[2:2 + data[1]]) if len(data) > 2 and data[0] == 0 else ""
