"""What of the firewall may have dropped a group that its counters do not account for: pure."""

from collections.abc import Sequence

from dwreport.evidence.chains import Chain
from dwreport.evidence.compare import Agreement
from dwreport.evidence.facts import Facts
from dwreport.findings.group import Group
from dwreport.findings.support import Uncounted

POLICY = "firewall_policy"
_COUNTED = "nftables/packets"
_SILENT = {"events-only", "not looked", "uncounted"}


def uncounted(group: Group, compared: Sequence[Agreement], facts: Facts) -> Uncounted | None:
    """Return the chains that may have dropped more than was counted, where every drop of a group has the same ones."""
    if not any(_COUNTED in agreement.equality.counters and agreement.verdict in _SILENT for agreement in compared):
        return None
    each = [facts.chains.uncounted(drop) for drop in group.drops]
    found = set.union(*each)
    if not found:
        return None
    is_alone = len(found) == 1 and all(each) and not any(agreement.counted for agreement in compared)
    return Uncounted(tuple(sorted(found)), is_alone)


def is_policy(found: Uncounted | None) -> bool:
    """Say whether it was a chain's policy, for nothing else there drops without a counter."""
    return found is not None and found.is_alone and found.chains[0].how == "policy_drop"


def first(found: Uncounted) -> Chain:
    """Return the chain to look at first: one with such a policy."""
    return min(found.chains, key=lambda chain: chain.how != "policy_drop")
