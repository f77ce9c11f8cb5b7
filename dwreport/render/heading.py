"""The first lines of a report: which host, when, watched by what, and how far it can be trusted."""

from dropwatchd.history.reader import LedgerGap
from dropwatchd.history.scope import Scope
from dropwatchd.model import GapCause
from dwreport.evidence.coverage import NEVER_WAS, NOT_WRITTEN, Coverage
from dwreport.report.answer import Answer
from dwreport.text import clean, clock, duration, fraction, number, time_format, window


def heading(answer: Answer) -> list[str]:
    """Return host, window, source and coverage."""
    return [
        clean(", ".join(answer.hosts())) or "no host",
        window(answer.scope.since_ns, answer.scope.until_ns),
        clean(" + ".join(answer.coverage.sources)) or "no source",
        _coverage(answer),
    ]


def _coverage(answer: Answer) -> str:
    coverage, scope = answer.coverage, answer.scope
    if coverage.status == "complete":
        return "coverage complete"
    if coverage.status == "partial" and coverage.only_unwritten:
        return f"coverage complete up to {_written(coverage, scope)}, what came after is not yet written"
    harmful = [gap for gap in coverage.gaps if gap.effect != "detail"]
    if not harmful:
        return "no time to cover"
    told = _gap(harmful[0], scope) if len(harmful) == 1 else f"{len(harmful)} gaps"
    return f"coverage {fraction(coverage.fraction) if coverage.fraction < 1 else 'partial'}: {told}"


def _written(coverage: Coverage, scope: Scope) -> str:
    times = time_format(scope.since_ns, scope.until_ns)
    return "an unknown time" if coverage.written_until_ns is None else clock(coverage.written_until_ns, times)


def _gap(gap: LedgerGap, scope: Scope) -> str:
    since_ns, until_ns = max(gap.since_ns, scope.since_ns), min(gap.until_ns, scope.until_ns)
    lost = "an unknown number of" if gap.lost is None else number(gap.lost)
    what = f"blind {duration(until_ns - since_ns)}" if gap.effect == "blind" else f"{lost} drops missed"
    return f"{what} at {clock(since_ns, time_format(scope.since_ns, scope.until_ns))} ({clean(gap.cause)})"


def warning(answer: Answer) -> list[str]:
    """Return what must be known before the figures are read."""
    coverage = answer.coverage
    watched, unknown, missed = _WORDS.get(coverage.asked, _WORDS["software"])
    causes = {gap.cause for gap in coverage.gaps if gap.effect == "blind" or gap.cause == NEVER_WAS}
    if coverage.status == "blind" and causes == {NOT_WRITTEN}:
        return [f"Nothing of this time is written yet ({_written(coverage, answer.scope)} was the last): {unknown}."]
    if coverage.status == "blind" and causes == {NEVER_WAS}:
        return ["The clock was set forward over this time: it never was."]
    if coverage.status == "blind" and causes == {GapCause.EXPIRED}:
        return [f"The record of this time has expired: {unknown}."]
    if coverage.status == "complete" or coverage.only_unwritten:
        return []
    return [f"{watched} in this window: {unknown}." if coverage.status == "blind" else
            f"The record has holes, listed below: {missed}."]


# Of what is asked for: that nobody watched it, what is unknown then, and what may be missing where somebody did.
_WORDS = {
    "software": ("Nothing watched for drops", "whether packets were dropped is unknown",
                 "packets may have been dropped that are not counted here"),
    "hardware": ("Nothing watched for drops by hardware", "whether hardware dropped packets is unknown",
                 "hardware may have dropped packets that are not counted here"),
    "packets": ("Nobody sampled packets", "what was dropped is not to be seen",
                "packets may have been dropped of which there are no samples"),
    "counters": ("Nobody read counters", "whether they moved is unknown",
                 "counters may have moved by more than is told here"),
}


def nothing(coverage: Coverage, scope: Scope) -> list[str]:
    """Return how to say that there are no drops: none, or none that was seen."""
    what = "packet that matches the filters" if scope.filtered else "packet"
    if coverage.status == "complete":
        return [f"No {what} was dropped."]
    if coverage.status == "blind":
        return []
    if coverage.only_unwritten:
        return [f"No {what} was dropped up to {_written(coverage, scope)}, when the daemon last wrote."]
    return [f"No drop of a {what} was recorded."]
