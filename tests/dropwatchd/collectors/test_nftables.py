"""The nftables collector, on real rules."""

import itertools
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dropwatchd.collectors import AbsentError, nftables
from dropwatchd.kernel.host import Host
from tests import fixtures
from tests.fixtures.namespace import Namespace

pytestmark = pytest.mark.kernel
PACKETS = 10
Labels = dict[str, str]
Silent = dict[tuple[str, ...], int]  # name of the gauge, chain, hook
_numbers = itertools.count(1)        # of namespaces: what one had last is remembered by it


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


def refused(namespace: Namespace, rules: str, *ports: int) -> list[tuple[int, Labels]]:
    """Load the rules of an input chain, send to each port, and return what was refused."""
    namespace.command("nft -f -", f"table inet t {{\n{rules}\n}}\n")
    namespace.run(lambda: send(*ports))
    found = namespace.run(lambda: list(nftables.collect(Host())))
    return [(reading.value, dict(reading.key.labels)) for reading in found if reading.key.name == "packets"]


def send(*ports: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for port in ports:
            for _ in range(PACKETS):
                with suppress(ConnectionRefusedError):
                    sender.sendto(b"", ("127.0.0.1", port))


def chain(*rules: str) -> str:
    return "chain c { type filter hook input priority 0; " + "; ".join(rules) + "; }"


@pytest.mark.parametrize(("rule", "verdict"), [
    ("udp dport 1001 counter drop", "drop"),
    ("udp dport 1001 counter reject", "reject"),
    ('udp dport 1001 counter log prefix "no " drop', "drop"),
    ("udp dport 1001 limit rate over 1/day burst 1 packets counter drop", "drop"),
])
def test_rule_that_refuses_what_it_counts(namespace: Namespace, rule: str, verdict: str) -> None:
    """Each packet that such a rule counted was refused."""
    ((packets, labels),) = refused(namespace, chain(rule), 1001)
    assert packets in {PACKETS, PACKETS - 1}
    assert (labels["verdict"], labels["family"], labels["table"], labels["chain"]) == (verdict, "inet", "t", "c")


@pytest.mark.parametrize("rule", [
    "counter udp dport 1001 drop",
    "udp dport 1001 counter accept",
    "udp dport 1001 counter",
    "udp dport 1001 drop",
    "udp dport 1001 counter limit rate over 1/day drop",
])
def test_rule_whose_counter_does_not_tell(namespace: Namespace, rule: str) -> None:
    """A counter before a condition counts what is let by, too; a rule without one counts nothing."""
    assert refused(namespace, chain(rule), 1001) == []


def test_comment(namespace: Namespace) -> None:
    """A rule's comment says what it is for."""
    ((_packets, labels),) = refused(namespace, chain('udp dport 1001 counter drop comment "old phones"'), 1001)
    assert labels["comment"] == "old phones"


def test_named_counter(namespace: Namespace) -> None:
    """A named counter is the sum over its rules, where all of them refuse."""
    both = chain("udp dport 1001 counter name evil drop", "udp dport 1002 counter name evil drop")
    assert refused(namespace, "counter evil { }\n" + both, 1001, 1002) == [
        (2 * PACKETS, {"family": "inet", "table": "t", "counter": "evil", "verdict": "drop"}),
    ]


def test_named_counter_of_both_kinds(namespace: Namespace) -> None:
    """A named counter that some rule lets packets by with does not tell."""
    one = chain("udp dport 1001 counter name both drop", "udp dport 1002 counter name both accept")
    assert refused(namespace, "counter both { }\n" + one, 1001, 1002) == []


def test_policy_of_iptables(namespace: Namespace) -> None:
    """iptables-nft keeps counters of chains: their policy's packets are those that no rule took."""
    namespace.command("iptables-nft -A INPUT -p udp --dport 1001 -j DROP")
    namespace.command("iptables-nft -A INPUT -p icmp -j ACCEPT")
    namespace.command("iptables-nft -A INPUT -p udp --dport 1002 -j REJECT")
    namespace.command("iptables-nft -P INPUT DROP")
    namespace.run(lambda: send(1001, 1002, 1003))
    found = namespace.run(lambda: list(nftables.collect(Host())))
    by_verdict = {dict(r.key.labels)["verdict"]: r.value for r in found if r.key.name == "packets"}
    assert by_verdict == {"drop": PACKETS, "reject": PACKETS, "policy drop": PACKETS}


def test_not_loaded(tmp_path: Path) -> None:
    """Where the module is not loaded it has no rules, and asking would load it."""
    (tmp_path / "modules").write_text("veth 40960 0 - Live 0x0000000000000000\n")
    with pytest.raises(AbsentError, match="nf_tables is not loaded"):
        nftables.collect(Host(proc=tmp_path, netns=fixtures.NETNS))


def _silent(namespace: Namespace, rules: str, number: int) -> Silent:
    """Return what of these rules drops without a counter: (name, chain, hook) -> value."""
    namespace.command("nft -f -", f"flush ruleset\ntable inet t {{\n{rules}\n}}\n")
    found = namespace.run(lambda: list(nftables.collect(Host(netns=number))))
    return {(reading.key.name, *(dict(reading.key.labels).get(name, "") for name in ("chain", "hook"))): reading.value
            for reading in found if reading.bits == 0}


@pytest.mark.parametrize(("rules", "silent"), [
    ("chain c { type filter hook input priority 0; policy drop; }", {("policy_drop", "c", "input"): 1}),
    ("chain c { type filter hook forward priority 0; policy accept; }", {}),
    (chain("udp dport 1 drop", "udp dport 2 counter drop", "udp dport 3 reject", "counter udp dport 4 drop"),
     {("drop_rules", "c", "input"): 3}),
    ("counter n { }\n" + chain("udp dport 1 counter name n drop", "udp dport 2 counter name n accept"),
     {("drop_rules", "c", "input"): 1}),
    ("counter n { }\n" + chain("udp dport 1 counter name n drop", "udp dport 2 counter"), {}),
    ("chain other { udp dport 1 drop; }", {("drop_rules", "other", ""): 1}),
    (chain("udp dport vmap { 1 : drop, 2 : accept }"), {("drop_rules", "c", "input"): 1}),
    (chain("udp dport { 1, 2 } accept"), {}),
    ("chain c { type filter hook output priority -5; policy drop; counter; }", {("policy_drop", "c", "output"): 1}),
])
def test_chains_that_drop_without_a_counter(namespace: Namespace, rules: str, silent: Silent) -> None:
    """By policy, by rules whose counter is absent, before a condition or shared, and by maps of verdicts."""
    assert _silent(namespace, rules, next(_numbers)) == silent


def test_a_policy_that_has_gone_is_told_once(namespace: Namespace) -> None:
    drops, number = "chain c { type filter hook input priority 0; policy drop; }", next(_numbers)
    assert _silent(namespace, drops, number) == {("policy_drop", "c", "input"): 1}
    assert _silent(namespace, "", number) == {("policy_drop", "c", "input"): 0}
    assert _silent(namespace, "", number) == {}
