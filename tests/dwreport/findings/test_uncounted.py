"""What the firewall drops without a counter is named by the rule set that was read while it dropped."""

import json

from dropwatchd.history.read.settings import Level
from dropwatchd.model import NANO
from dwreport.evidence.chains import Chains
from dwreport.report.findings import FindingRow
from tests.dwreport.conftest import START_NS
from tests.dwreport.made import BLUE, HOST, INIT, IPV6, counter, drop, facts, findings, key, packet

POLICY, RULE = "The firewall dropped what no rule of a chain had allowed", "A firewall rule dropped the packet"
INPUT = {"family": "inet", "table": "t", "chain": "in", "hook": "input"}
FORWARD = {"family": "ip", "table": "t", "chain": "fwd", "hook": "forward"}
OUTPUT = {"family": "inet", "table": "t", "chain": "out", "hook": "output"}


def chain(labels: dict[str, str], name: str = "policy_drop", value: int = 1, netns: int = INIT,
          since_ns: int = START_NS - NANO) -> Level:
    return Level(HOST, netns, None, None, name, json.dumps(labels), value, since_ns, START_NS + 9 * NANO)


def found(*levels: Level, counted: int = 0, interface: str | None = "eth0", protocol: int = 0x0800) -> FindingRow:
    """Return what is said of 20 drops of a firewall, of which rules have counted some."""
    dropped = key("NETFILTER_DROP", "nft_do_chain", protocol, interface=interface)
    moved = [counter("nftables/packets", counted, family="inet", table="t", chain="c", handle="4")] if counted else []
    [finding] = findings(facts([drop(dropped, 20)], moved, chains=Chains(lambda: levels)))
    return finding


def test_the_only_chain_that_drops_uncounted() -> None:
    """It is named with hook and table, and listed next."""
    finding = found(chain(INPUT))
    assert (finding.title, finding.advice) == (POLICY, "nft -a list chain inet t in")
    assert finding.evidence[-1] == (
        "by policy drop of chain in (hook input, table inet t): "
        "nothing else of the rule set there drops without a counter")


def test_one_of_several_is_not_named_as_the_one() -> None:
    """Nor where rules have counted some of the packets: then it may be the rest, and the rule is listed."""
    finding = found(chain(INPUT), chain(FORWARD), chain(INPUT, "drop_rules", 2))
    assert (finding.title, finding.advice) == (RULE, "nft -a list chain inet t in")
    assert finding.evidence[-1] == (
        "without a counter, one of: 2 rules of chain in (hook input, table inet t);"
        " policy drop of chain in (hook input, table inet t); policy drop of chain fwd (hook forward, table ip t)")
    assert found(chain(INPUT, "drop_rules", 2)).title == RULE
    partly = found(chain(INPUT), counted=5)
    assert (partly.title, partly.advice) == (RULE, "nft -a list chain inet t c")
    assert partly.evidence[-1].startswith("without a counter, one of: policy drop of chain in")


def test_chains_that_the_packets_did_not_meet() -> None:
    """Of another family, of another namespace, at another hook, gone, or not yet seen when the first was dropped."""
    assert found(chain(FORWARD), protocol=IPV6).title == RULE
    assert found(chain(INPUT, netns=BLUE)).title == RULE
    assert found(chain(INPUT, value=0)).title == RULE
    assert found(chain(INPUT, since_ns=START_NS + 1)).title == RULE
    assert found(chain(INPUT), chain(OUTPUT)).evidence[-1].startswith("by policy drop of chain in ")
    assert found(chain(INPUT), chain(OUTPUT), interface=None).evidence[-1].startswith("by policy drop of chain out ")


def test_nothing_is_said_of_chains_where_rules_counted_all() -> None:
    finding = found(chain(INPUT), counted=20)
    assert finding.title == RULE
    assert not any("without a counter" in line for line in finding.evidence)


def test_losses_of_several_containers_have_each_their_owner() -> None:
    """One finding for each namespace, with the socket that lost there."""
    full = [key("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", netns=netns) for netns in (INIT, BLUE)]
    own = [counter("sockets/drops", 20, netns, local="0.0.0.0:5060", protocol="udp", process=name, pid=pid,
                   cgroup=f"/system.slice/docker-{pid * 64}.scope", container=f"docker:{name}-1")
           for netns, name, pid in ((INIT, "sipd", "8"), (BLUE, "web", "9"))]
    rows = findings(facts([drop(one, 20) for one in full], own, [packet(one) for one in full]))
    assert sorted(one.who[-1] for one in rows) == [
        "owner: sipd[8] of docker:sipd-1, whose socket lost 20", "owner: web[9] of docker:web-1, whose socket lost 20"]
