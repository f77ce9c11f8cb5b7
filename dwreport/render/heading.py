"""The first lines of a report: which host, when, watched by what, and how far it can be trusted."""

from dropwatchd.history.read.reader import LedgerGap
from dropwatchd.history.read.scope import Scope
from dropwatchd.history.read.stops import Stop
from dropwatchd.model import NANO, GapCause
from dwreport.evidence.coverage import NEVER_WAS, NOT_WRITTEN, Coverage
from dwreport.report.answer import Answer
from dwreport.text import clean, clock, duration, fraction, number, time_format, window

_MOST_HOSTS = 8  # that a person reads


def heading(answer: Answer) -> list[str]:
    """Return host, window and source, what it is narrowed to, and that all of it was watched, if it was."""
    return [
        _hosts(answer.hosts()),
        window(answer.scope.since_ns, answer.scope.until_ns),
        *([clean(" + ".join(answer.coverage.sources)) or "no source"] if answer.runs else []),
        *map(clean, answer.filters),
        *_complete(answer.coverage, answer.scope),
    ]


def _hosts(names: list[str]) -> str:
    """Name the hosts; of many their number says more."""
    return f"{number(len(names))} hosts" if len(names) > _MOST_HOSTS else clean(", ".join(names)) or "no host"


def _complete(coverage: Coverage, scope: Scope) -> list[str]:
    if coverage.status == "complete":
        return ["coverage complete"]
    if coverage.status == "partial" and coverage.only_unwritten:
        return [f"coverage complete up to {_written(coverage, scope)}, when the daemon last wrote"]
    return []


def _partial(answer: Answer) -> str:
    """Say how far the window was watched, where that is not all of it."""
    coverage, scope = answer.coverage, answer.scope
    harmful = [gap for gap in coverage.own if gap.effect != "detail"]
    if not harmful:
        return "no time to cover"
    told = _gap(harmful[0], scope) if len(harmful) == 1 else f"{len(harmful)} gaps"
    if less := sum(gap.effect == "detail" for gap in coverage.gaps):
        told += f" and {less} of detail alone"
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
    return [*_of_window(answer), *answer.beside]


def _of_window(answer: Answer) -> list[str]:
    coverage = answer.coverage
    watched, unknown, missed = _WORDS.get(coverage.asked, _WORDS["software"])
    if coverage.status == "complete":
        return []
    if coverage.status == "partial":
        if coverage.only_unwritten:  # the heading says so
            return []
        return [f"{_partial(answer)}{_ended(answer)}; {missed}"]
    causes = {gap.cause for gap in coverage.own if gap.effect == "blind" or gap.cause == NEVER_WAS}
    if causes == {NEVER_WAS}:
        return ["The clock was set forward over this time: it never was."]
    return [f"{clean(why)}: {unknown}." for why in _why_blind(answer, causes, watched)]


def _why_blind(answer: Answer, causes: set[str], watched: str) -> list[str]:
    if causes == {NOT_WRITTEN}:
        return [f"Nothing of this time is written yet ({_written(answer.coverage, answer.scope)} was the last)"]
    if causes == {GapCause.EXPIRED}:
        return ["The record of this time has expired"]
    if GapCause.CLOCK_OFF in causes:
        return ["Nothing is on record of this window by the clock of the host, which was off when it last sent"]
    return list(map(_stopped, answer.stops)) or [f"{watched} in this window"]


def _stopped(stop: Stop) -> str:
    """Say when a host was last recorded."""
    what = "dropwatchd stopped" if stop.ending == "stopped" else "The record ends"
    return f"{what} on {stop.host} at {clock(stop.until_ns, '%Y-%m-%d %H:%M:%S')}, before this window"


def _ended(answer: Answer) -> str:
    """Say when the record ends, where that is before the window does."""
    runs, until_ns = answer.runs, min(answer.scope.until_ns, answer.now_ns)
    gaps = sum(gap.effect != "detail" for gap in answer.coverage.own)  # one alone is told with its time
    if gaps < 2 or len(answer.hosts()) != 1 or not runs[-1].ended or until_ns - runs[-1].until_ns < NANO:
        return ""
    return f"; the record ends at {clock(runs[-1].until_ns, time_format(answer.scope.since_ns, answer.scope.until_ns))}"


# Of what is asked for: that nobody watched it, what is unknown then, and what may be missing where somebody did.
_WORDS = {
    "software": ("Nothing watched for drops", "whether packets were dropped is unknown",
                 "drops may be missing here"),
    "hardware": ("Nothing watched for drops by hardware", "whether hardware dropped packets is unknown",
                 "drops by hardware may be missing here"),
    "packets": ("Nobody sampled packets", "what was dropped is not to be seen",
                "there may be drops without samples"),
    "counters": ("Nobody read counters", "whether they moved is unknown",
                 "they may have moved by more"),
}


def nothing(coverage: Coverage, scope: Scope) -> list[str]:
    """Return how to say that there are no drops: none, or none that was seen."""
    what = "packet that matches the filters" if scope.filtered else "packet"
    if coverage.status == "complete":
        return [f"No {what} was dropped: all of {window(scope.since_ns, scope.until_ns)} was watched."]
    if coverage.status == "blind":
        return []
    if coverage.only_unwritten:
        until = _written(coverage, scope)
        return [f"No {what} was dropped up to {until}, when the daemon last wrote: all of it was watched."]
    return [f"No drop of a {what} was recorded in {fraction(coverage.fraction)} of the window that was watched."]
