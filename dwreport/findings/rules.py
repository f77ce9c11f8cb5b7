"""The rules of the firewall that counted a group's drops, and how to list them: pure."""

import json
from collections.abc import Iterable, Sequence
from typing import cast

from dropwatchd.history.read.reader import CounterTotal
from dwreport.evidence.compare import Agreement
from dwreport.evidence.facts import Facts
from dwreport.findings.support import ByRule
from dwreport.text import quoted

_MOST = 3
_RULES = ("nftables/packets", "iptables/packets")


def rule_rows(agreements: Iterable[Agreement], facts: Facts) -> list[CounterTotal]:
    """Return the firewall rules that counted, the most first."""
    rows = [row for agreement in agreements for name in _RULES if name in agreement.counters
            for row in facts.tally.rows(name, agreement.place)]
    return sorted(rows, key=lambda row: -row.delta)


def rules(rows: Sequence[CounterTotal]) -> list[ByRule]:
    """Name the firewall rules that counted most."""
    return [ByRule(labels(row), row.delta) for row in rows[:_MOST]]


def listing(row: CounterTotal) -> str | None:
    """Return the command that lists a rule's chain; quoted, for a name must not become part of it."""
    own = labels(row)
    if "chain" not in own or "table" not in own:
        return None
    if row.collector == "nftables":
        return listing_of(own.get("family", "ip"), own["table"], own["chain"])
    values = {name: quoted(value) for name, value in own.items()}
    program = "ip6tables" if values.get("family") == "ip6" else "iptables"
    return f"{program} -t {values['table']} -vnL {values['chain']} --line-numbers"


def listing_of(family: str, table: str, chain: str) -> str:
    """Return the command that lists a chain of nftables."""
    return f"nft -a list chain {quoted(family)} {quoted(table)} {quoted(chain)}"


def labels(row: CounterTotal) -> dict[str, str]:
    """Return the labels of a counter."""
    return cast("dict[str, str]", json.loads(row.labels))
