"""Which part of a report's window was watched for drops, from runs and the ledger: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dropwatchd.history.reader import LedgerGap, Run

Status = Literal["complete", "partial", "blind"]
Span = tuple[int, int]

NOT_RUNNING = "no record: dropwatchd was not running"
NO_SOURCE = "no source of drop events: counters alone"
_SPEAK_OF_DROPS = {"drops", "software", "hardware"}


@dataclass(frozen=True, slots=True)
class Coverage:
    """`fraction` of the window (0..1) was watched; `recorded_until_ns` is when the last drops were written."""

    status: Status
    fraction: float
    gaps: list[LedgerGap]
    recorded_until_ns: int | None


def assess(runs: list[Run], ledger: list[LedgerGap], window: Span, origin: str | None = None) -> Coverage:
    """Judge a window whose end lies not in the future; several hosts count alike.

    Time that no run watched and no row of the ledger explains becomes a gap of its own.
    """
    hosts = sorted({run.hostname for run in runs})
    gaps = [gap for gap in ledger if gap.until_ns >= window[0] and gap.since_ns < window[1]]
    covered_ns = 0
    everyone: list[str | None] = [*hosts] or [None]
    for host in everyone:
        own = [run for run in runs if run.hostname == host]
        watched = _union(((run.since_ns, run.until_ns) for run in own if _watches(run, origin)), window)
        present = _union(((run.since_ns, run.until_ns) for run in own), window)
        blind = _union(((gap.since_ns, gap.until_ns) for gap in gaps
                        if gap.host == host and gap.effect == "blind" and _concerns(gap, own, origin)), window)
        covered_ns += _length(_without(watched, blind))
        unexplained = _without(_without([window], watched), blind)
        gaps += [_synthetic(host, span, NOT_RUNNING) for span in _without(unexplained, present)]
        gaps += [_synthetic(host, span, NO_SOURCE) for span in _without(unexplained, _without([window], present))]
    fraction = covered_ns / ((window[1] - window[0]) * max(1, len(hosts)))
    harmed = any(gap.effect in {"blind", "partial"} and gap.lost != 0 and _concerns(gap, runs, origin) for gap in gaps)
    status: Status = "blind" if covered_ns == 0 else "partial" if harmed or fraction < 1 else "complete"
    gaps.sort(key=lambda gap: (gap.since_ns, gap.until_ns))
    return Coverage(status, fraction, gaps, max((run.recorded_until_ns for run in runs), default=None))


def _watches(run: Run, origin: str | None) -> bool:
    """Say whether a run looked at drops of an origin, of software where none is named.

    Its sources say what they see where that is not software alone: "bpf + net_dm (hardware)".
    """
    sources = run.source.split(" + ")
    if origin == "hardware":
        return any("hardware" in source for source in sources)
    return any(source != "none" and not source.endswith("(hardware)") for source in sources)


def _concerns(gap: LedgerGap, runs: list[Run], origin: str | None) -> bool:
    """Say whether a gap speaks of the drops asked for; of hardware drops only where somebody wanted to see them."""
    if gap.scope == "software":
        return origin != "hardware"
    if gap.scope == "hardware":
        return origin != "software" and any(_watches(run, "hardware") for run in runs if run.hostname == gap.host)
    return gap.scope in _SPEAK_OF_DROPS


def _synthetic(host: str | None, span: Span, cause: str) -> LedgerGap:
    return LedgerGap(host, *span, cause=cause, effect="blind")


def _union(spans: Iterable[Span], window: Span) -> list[Span]:
    """Return the spans within the window, joined where they touch, in order."""
    joined: list[Span] = []
    for since, until in sorted((max(since, window[0]), min(until, window[1])) for since, until in spans):
        if since >= until:
            continue
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((since, until))
    return joined


def _without(spans: list[Span], holes: list[Span]) -> list[Span]:
    """Return the spans less the holes; both are in order and do not overlap among themselves."""
    left = []
    for since, until in spans:
        start = since
        for hole_since, hole_until in holes:
            if hole_until <= start or hole_since >= until:
                continue
            if hole_since > start:
                left.append((start, hole_since))
            start = hole_until
        if start < until:
            left.append((start, until))
    return left


def _length(spans: list[Span]) -> int:
    return sum(until - since for since, until in spans)
