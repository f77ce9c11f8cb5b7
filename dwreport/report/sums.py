"""The numbers of a report that a script compares, each with how few and how many it may be in truth."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import cast

from dwreport.report.answer import Answer
from dwreport.report.findings import FindingRow
from dwreport.report.rows import TotalRow
from dwreport.text import counted

_NEARLY = 0.9999
_SEVERITIES = ("harmful", "suspect", "benign", "unknown")


@dataclass(frozen=True, slots=True)
class Sum:
    """A number as a report has it; the record leaves open whether it is `least`, `most`, or one between."""

    value: float
    least: float
    most: float

    def plus(self, value: float, least: float, most: float) -> "Sum":
        return Sum(self.value + value, self.least + least, self.most + most)


_NONE = Sum(0, 0, 0)


def sums(answer: Answer) -> dict[str, Sum]:
    """Return packets by the severity of their finding, drops that were recorded, and coverage in percent.

    What filters may hide, and what was dropped where nobody watched at all, may be of any severity. Of a window that
    was watched in part numbers are of that part: how much that is, coverage says.
    """
    found = [row for section in answer.sections for row in section.rows if isinstance(row, FindingRow)]
    drops = [row for section in answer.sections if section.key == "drops" for row in section.rows
             if isinstance(row, TotalRow)]
    known: dict[str, Sum] = defaultdict(lambda: _NONE)
    for row in found:
        known[row.severity or "unknown"] = known[row.severity or "unknown"].plus(row.count, row.at_least, row.at_most)
        known["findings"] = known["findings"].plus(1, row.at_least > 0, 1)
    for total in drops:
        least = total.at_least if total.about else total.count - total.straddling
        known["drops"] = known["drops"].plus(total.count, least, total.at_most)
    events, packets = (inf, inf) if answer.coverage.status == "blind" else _hidden(answer)
    near = sum(total.at_most for total in drops if not total.count)  # no finding has drops that may all be outside
    for name in _SEVERITIES:
        known[name] = known[name].plus(0, 0, packets + near)
    known["drops"] = known["drops"].plus(0, 0, events)
    known["findings"] = known["findings"].plus(0, 0, packets + near)
    by_severity = [known[name] for name in _SEVERITIES]
    known["packets"] = Sum(sum(one.value for one in by_severity), sum(one.least for one in by_severity),
                           sum(row.at_most for row in found) + packets + near)
    covered = _coverage(answer) * 100
    return {**known, "coverage": Sum(covered, covered, covered)}


def doubts(answer: Answer) -> list[str]:
    """Say why there may be more than the report has."""
    why = ["nobody watched"] if answer.coverage.status == "blind" else []
    if sum(_hidden(answer)):
        _events, packets = _hidden(answer)
        why.append(f"{counted(packets, 'more packet')} may match the filters")
    return why


def _hidden(answer: Answer) -> tuple[int, int]:
    """Return how many drops the filters may hide, and with what counters alone saw how many packets."""
    drops = cast("int", answer.extra.get("may_match", 0))
    losses = cast("Mapping[str, int]", answer.extra.get("not_judged", {}))
    return drops, drops + losses.get("packets", 0)


def _coverage(answer: Answer) -> float:
    """Return how much of the window was watched; less than all where drops were missed at times that were."""
    coverage = answer.coverage
    return coverage.fraction if coverage.status == "complete" else min(coverage.fraction, _NEARLY)
