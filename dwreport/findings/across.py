"""Findings of many hosts by what they have in common: the cause; on how many, and where it began: pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dwreport.causes import Harm
from dwreport.findings.finding import Finding
from dwreport.findings.rank import RANK


@dataclass(frozen=True, slots=True)
class Across:
    """One cause on some hosts: `count` packets in all; where the first was lost, of `timed` hosts that tell when."""

    title: str
    severity: Harm | None
    count: int
    hosts: Sequence[str]
    first_host: str | None
    first_ns: int | None
    timed: int


def across(found: Iterable[Finding], off: frozenset[str] = frozenset()) -> list[Across]:
    """Return the causes, the most harmful first, then those of most hosts; none whose clock is `off` is the first."""
    groups: dict[tuple[str, Harm | None], list[Finding]] = defaultdict(list)
    for finding in found:
        groups[finding.title, finding.severity].append(finding)
    return sorted((_cause(*name, those, off) for name, those in groups.items()),
                  key=lambda one: (RANK[one.severity], -len(one.hosts), -one.count, one.title))


def _cause(title: str, severity: Harm | None, found: Sequence[Finding], off: frozenset[str]) -> Across:
    timed = [finding for finding in found if finding.first_ns is not None and off.isdisjoint(finding.hosts)]
    first = min(timed, default=None, key=lambda finding: finding.first_ns or 0)
    return Across(title, severity, sum(finding.count for finding in found),
                  sorted({host for finding in found for host in finding.hosts}),
                  first.hosts[0] if first and first.hosts else None, first.first_ns if first else None,
                  len({host for finding in timed for host in finding.hosts}))
