"""What a view says where it has no drops to show: none, none that was seen, or none that is sure to match."""

from collections.abc import Sequence

from dropwatchd.history.read.reader import Reader
from dwreport.evidence.ask import gather
from dwreport.evidence.coverage import Coverage
from dwreport.evidence.filters import Filters
from dwreport.findings.finding import Finding
from dwreport.findings.rank import Findings, findings
from dwreport.render.heading import nothing
from dwreport.text import clean, counted, number

_MOST = 5  # values that a person reads
_NO_FINDINGS = Findings(())
_ONLY_COUNTED = "No drop event was recorded, but counters saw losses."
_ELSEWHERE = "No drop event was recorded, but counters saw losses; dwreport without a view shows them."


def hidden(reader: Reader, found: Findings | None = None) -> dict[str, object]:
    """Return for programs what the filters may hide: drops, and losses that counters alone have seen."""
    if not reader.scope.filtered:
        return {}
    counters = {} if found is None else {
        "not_judged": {"findings": len(found.open), "packets": _packets(found.open)}}
    return {"may_match": reader.may_match(), **counters}


def events_lead(reader: Reader, coverage: Coverage, *, any_drops: bool) -> list[str]:
    """Return what a view of drop events says first; where it has none, counters may have seen losses all the same."""
    if any_drops:
        return unjudged(reader)
    evidence = gather(reader, ())
    return lead(reader, coverage, findings(evidence, Filters(reader.scope, reader.namespaces())))


def lead(reader: Reader, coverage: Coverage, found: Findings, *, shows_findings: bool = False) -> list[str]:
    """Return what to say where no drop event matches: never "none" above a counter that moved there."""
    unsure = unjudged(reader, found)
    if near := _near(reader):
        maybe = f"No drop is sure to be of this window, but up to {number(near)} may be"
        return [f"{maybe}: of what was dropped in a longer time around it, no more is on record.", *unsure]
    if found.found:
        return [_ONLY_COUNTED if shows_findings else _ELSEWHERE, *unsure]
    if unsure and not (len(unsure) == 1 and reader.others()):
        return ["No drop event is sure to match the filters.", *unsure]
    return [*nothing(coverage, reader.scope), *unsure]


def unjudged(reader: Reader, found: Findings = _NO_FINDINGS) -> list[str]:
    """Return what to say of drops and counters of which it is not on record whether they match."""
    lines = []
    if others := reader.others():
        more = f" and {len(others) - _MOST} more" if len(others) > _MOST else ""
        lines.append(f"No sampled packet matches; there are such of {clean(', '.join(others[:_MOST]))}{more}.")
    if reader.scope.only and (count := reader.unsampled()):
        lines.append(f"{counted(count, 'more drop')} may match: no sampled packet tells, or too few were sampled.")
    if reader.scope.filtered and (count := reader.unnamed()):
        lines.append(f"{counted(count, 'more drop')} may match: what the filters ask for is not on record "
                     "of them.")
    if found.open:
        count = _packets(found.open)
        lines.append(f"Counters alone saw {counted(count, 'more packet')} that may match; see "
                     f"{'it' if count == 1 else 'them'} without filters.")
    return lines


def _near(reader: Reader) -> int:
    """Return how many drops may be of the window: of rows that reach beyond it, where the share of that is none."""
    since_ns, until_ns = reader.scope.since_ns, reader.scope.until_ns
    totals = reader.drops(since_ns, min(until_ns - since_ns, 2**63 - 1))
    return 0 if any(total.drop.count for total in totals) else sum(total.at_most for total in totals)


def _packets(found: Sequence[Finding]) -> int:
    return sum(finding.count for finding in found)
