"""All findings of a report, the most harmful first, and what goes on before what is over: pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from dwreport.evidence.compare import Evidence
from dwreport.evidence.filters import Filters
from dwreport.findings.counted import counted
from dwreport.findings.finding import Finding
from dwreport.findings.group import groups
from dwreport.findings.judge import judge
from dwreport.findings.lasting import Lasting
from dwreport.findings.retransmitted import retransmitted

RANK = {"harmful": 0, "suspect": 1, None: 2, "benign": 3}


class Findings(NamedTuple):
    """The findings of a report, and those that counters alone saw and of which the filters cannot be judged."""

    found: Sequence[Finding]
    open: Sequence[Finding] = ()


def findings(evidence: Evidence, filters: Filters, lasting: Lasting | None = None) -> Findings:
    """Return the findings that the filters leave, with whether they go on."""
    only_counted = [*counted(evidence, filters), *retransmitted(evidence, filters)]
    found = [*(judge(group, evidence) for group in groups(evidence)),
             *(finding for match, finding in only_counted if match == "yes")]
    if lasting:
        found = [replace(finding, state=lasting.of(finding.hosts).state(finding)) for finding in found]
    return Findings(sorted(found, key=_order), [finding for match, finding in only_counted if match == "unknown"])


def _order(finding: Finding) -> tuple[int, bool, int, str]:
    return RANK[finding.severity], finding.state == "over", -finding.count, finding.title
