"""The numbers of a report that a script compares."""

from collections import Counter

from dwreport.report.answer import Answer
from dwreport.report.findings import FindingRow

_NEARLY = 0.9999


def sums(answer: Answer) -> dict[str, float]:
    """Return packets by the severity of their finding, drops that were recorded, and coverage in percent."""
    found = [row for section in answer.sections for row in section.rows if isinstance(row, FindingRow)]
    packets: Counter[str] = Counter()
    for row in found:
        packets[row.severity or "unknown"] += row.count
    drops = next((section.rows for section in answer.sections if section.key == "drops"), ())
    return {
        **dict.fromkeys(("harmful", "suspect", "benign", "unknown"), 0), **packets, "packets": packets.total(),
        "findings": len(found), "drops": sum(getattr(row, "count", 0) for row in drops),
        "coverage": _coverage(answer) * 100,
    }


def _coverage(answer: Answer) -> float:
    """Return how much of the window was watched; less than all where drops were missed at times that were."""
    coverage = answer.coverage
    return coverage.fraction if coverage.status == "complete" else min(coverage.fraction, _NEARLY)
