"""Which part of a report's window was watched: the union of the watches on record, and why the rest was not: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dropwatchd.history.read.reader import LedgerGap, Run, WatchRow
from dropwatchd.model import NANO, GapCause
from dwreport.evidence.recorded import Recorded, Span
from dwreport.text import duration

Status = Literal["complete", "partial", "blind"]

NOT_RUNNING = "no record: dropwatchd was not running"
NO_SOURCE = "no source of drop events: counters alone"
NOT_WATCHED = "not watched"
NOT_WRITTEN = "not yet written"
NEVER_WAS = "the clock was set over this time: it never was"
TO_AND_FRO = "the clock was set to and fro over this time: it may never have been"
SET_BACK = "the clock was set back since: this time may have come once more"
_OF_ALL = {GapCause.DAEMON_DOWN, GapCause.EXPIRED, GapCause.NOT_ANSWERED, GapCause.CLOCK_OFF, GapCause.TWO_MACHINES}
_AT_ONCE_NS = 100_000
_AHEAD_NS = NANO  # of the clock: hosts of one history may disagree by less
SILENT_NS = 30 * NANO  # a daemon writes every ten seconds; one that has been silent for longer stalls, or has died
_UNSENT_NS = 900 * NANO  # hosts send every five minutes, and wait for a bit longer at times

# What sources do not see by their nature, as watches name it: the cause that a report gives, and whether it loses
# drops that nobody counts.
LIMITS = {
    "nested drops": ("drops inside a drop are counted, but not placed", False),
    "more than 64 places a second and CPU": ("beyond 64 places a second and CPU nothing is counted", False),
    "packets without a MAC header": ("packets without a MAC header are not reported in packet mode", True),
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """`fraction` of the window (0..1) was watched; `written_until_ns` is up to when all of that was written.

    `written` is the same of each host.

    `sources` are those that watched, with what they saw where that is not software drops alone; `limits`, what they
    could not see by their nature. `asked` is what was to be watched: `own` are the gaps that speak of that.
    """

    status: Status
    fraction: float
    gaps: list[LedgerGap]
    written_until_ns: int | None
    sources: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    asked: str = "software"
    own: Sequence[LedgerGap] = ()
    written: Mapping[str | None, int] = field(default_factory=dict)

    def passed_ns(self, window: Span) -> int:
        """Return how long that window of one host lasted: less what a clock that was set has left out."""
        never = sum(min(gap.until_ns, window[1]) - max(gap.since_ns, window[0])
                    for gap in self.gaps if gap.cause == NEVER_WAS)
        return max(0, window[1] - window[0] - never)

    def watched_ns(self, window: Span) -> int:
        """Return how long of it was watched."""
        return int(self.fraction * self.passed_ns(window))

    @property
    def only_unwritten(self) -> bool:
        """Say whether nothing is amiss but that the last seconds are not written yet, by a daemon that lives."""
        costly = [gap for gap in self.own if gap.effect != "detail" and gap.lost != 0]
        return bool(costly) and all(gap.cause == NOT_WRITTEN and not gap.detail for gap in costly)


def assess(found: Recorded, window: Span, asked: str | None = None) -> Coverage:
    """Judge how far something was watched in a window whose end lies not in the future; several hosts count alike.

    `asked` is software or hardware (drops), packets or counters; where nothing is, software drops, and what was lost of
    hardware drops where somebody watched these. Time that no watch vouches for becomes a gap: the ledger's where it has
    one, else one that says why as far as the record tells.
    """
    what = asked or "software"
    scopes = _scopes(found, asked)
    gaps = [gap for gap in found.ledger
            if max(gap.since_ns + 1, gap.until_ns) > window[0] and gap.since_ns < window[1]]  # or it has no length
    own = [gap for gap in gaps if _concerns(gap, scopes)]
    covered_ns = passed_ns = 0
    parts = found.by_host or {None: found}
    for host, part in parts.items():
        passed = _passed(part, host, window)
        watched = _union(part.spans.get((host, what), ()), passed)
        skipped, again = _skipped(part.ledger, host, passed)
        never = _without(_without(skipped, again), watched)
        covered_ns += _length(watched)
        passed_ns += window[1] - window[0] - _length(never)
        left = _without(_without([window], watched), never)
        blind = _union(((gap.since_ns, gap.until_ns) for gap in part.ledger
                        if gap.host == host and gap.effect == "blind" and _concerns(gap, scopes)), window)
        told = [*_unexplained(part, host, _without(left, blind), what, skipped),
                *(LedgerGap(host, *span, cause=NEVER_WAS, effect="detail", lost=0) for span in never)]
        gaps, own = [*gaps, *told], [*own, *told]
    limited = _limited(found.watches, window, what)
    gaps, own = ([*sorted([*some, *limited], key=lambda gap: (gap.since_ns, gap.until_ns))] for some in (gaps, own))
    harmed = any(gap.effect in {"blind", "partial"} and gap.lost != 0 and _concerns(gap, scopes) for gap in own)
    written = _written(parts, what)
    status: Status = "blind" if not covered_ns else "partial" if harmed or covered_ns < passed_ns else "complete"
    return Coverage(
        status, covered_ns / passed_ns if passed_ns else 0.0,
        gaps,
        _written_until(parts, written),
        sources(watch for watch in found.watches
                if watch.since_ns < window[1] and (watch.until_ns >= window[0] or not watch.ending)),
        tuple(dict.fromkeys(limit for watch in found.watches if watch.what == what for limit in watch.limits)),
        what, own, written)


def sources(watches: Iterable[WatchRow]) -> tuple[str, ...]:
    """Return the sources of drop events: bpf, net_dm (hardware), net_dm (software, hardware)."""
    seen: dict[str, set[str]] = {}
    for watch in watches:
        if watch.what in {"software", "hardware"}:
            seen.setdefault(watch.name, set()).add(watch.what)
    return tuple(name if what == {"software"} else f"{name} ({', '.join(sorted(what, reverse=True))})"
                 for name, what in seen.items())


def _scopes(found: Recorded, asked: str | None) -> set[str]:
    """Return the scopes of gaps that speak of what is asked for."""
    if asked == "counters":
        return {"counters"}
    if asked == "packets":
        return {"packets", "software", "drops"}
    hardware = asked == "hardware" or (asked is None and any(watch.what == "hardware" for watch in found.watches))
    return {"drops"} | ({"hardware"} if hardware else set()) | ({"software"} if asked != "hardware" else set())


def _passed(found: Recorded, host: str | None, window: Span) -> Span:
    """Return the window up to where the last run has come: of what is later, runs spoke when the clock was ahead.

    Where that run's end is yet to come, the clock was set back after it, nobody knows how far: it speaks of nothing.
    """
    last = _last(found, host)
    if last is None:
        return window
    return window[0], min(window[1], last.since_ns if _is_ahead(last, found) else last.until_ns)


def _is_ahead(run: Run, found: Recorded) -> bool:
    return found.now_ns is not None and run.until_ns > found.now_ns + _AHEAD_NS


def _skipped(gaps: Iterable[LedgerGap], host: str | None, window: Span) -> tuple[list[Span], list[Span]]:
    """Return the times that a clock which was set forward has left out, and those that came again, or may have.

    A clock that was set back may have been set forward once more before it came so far.
    """
    steps = [gap for gap in gaps if gap.host == host and gap.cause == GapCause.CLOCK_STEP]
    left_out, again = (_union(((gap.since_ns, gap.until_ns) for gap in steps if gap.detail[:1] == sign), window)
                       for sign in "+-")
    return left_out, again


def _last(found: Recorded, host: str | None) -> Run | None:
    return next((run for run in reversed(found.runs) if run.hostname == host), None)


def _unexplained(found: Recorded, host: str | None, left: list[Span], what: str,
                 skipped: list[Span]) -> list[LedgerGap]:
    """Say of time that neither watch nor ledger speaks of what can be said; some of it a clock has `skipped` once."""
    if not left:
        return []
    gaps: list[LedgerGap] = []
    last, end_ns = _last(found, host), left[-1][1]
    ran: list[Span] = []
    is_off = host in found.clocks_off
    if last and _is_ahead(last, found):
        gaps = [_synthetic(host, span, GapCause.CLOCK_OFF if is_off else SET_BACK)
                for span in _from(last.since_ns, left)]
    elif last and not last.ended:
        unwritten = _from(_seen_until(found, last, what), left)
        if found.watches_never(last, what) and not any(_silence(span, sent=found.sent) for span in unwritten):
            ran, unwritten = unwritten, []
        elif ends := found.written.get(last.run_id):  # what it wrote last, whatever that was, it wrote while it ran
            ran = [(min(ends.values()), max(ends.values()))]
        gaps = [_synthetic(host, span, NOT_WRITTEN, _silence(span, sent=found.sent, is_off=is_off))
                for span in unwritten]
    left = _without(left, [(gap.since_ns, gap.until_ns) for gap in gaps])
    absent = _without(left, _union([
        *_union(found.spans.get((host, "daemon"), ()), _passed(found, host, (0, end_ns))), *ran], (0, end_ns)))
    sure = _without(absent, skipped)
    gaps += [_synthetic(host, span, NOT_RUNNING) for span in sure]
    gaps += [_synthetic(host, span, TO_AND_FRO) for span in _without(absent, sure)]
    cause = NO_SOURCE if what in {"software", "hardware"} else NOT_WATCHED
    return gaps + [_synthetic(host, span, cause) for span in _without(left, absent)]


def _from(since_ns: int, spans: list[Span]) -> list[Span]:
    """Return the part of spans that lies behind a time."""
    return _without(spans, [(spans[0][0], since_ns)] if spans[0][0] < since_ns else [])


def _seen_until(found: Recorded, run: Run, what: str) -> int:
    """Return up to when a run that goes on has written what it watches; all kinds are not written at one moment.

    Of what it does not watch, that would be a time when the daemon itself has written.
    """
    ends = found.written.get(run.run_id, {})
    return ends.get(what, ends.get("daemon", run.until_ns))


def _written(parts: Mapping[str | None, Recorded], what: str) -> dict[str | None, int]:
    """Return up to when each host that goes on has written what is asked for; of another, when it last did."""
    found = {}
    for host, part in parts.items():
        last = _last(part, host)
        if last and not last.ended:
            found[host] = _seen_until(part, last, what)
        elif part.runs:
            found[host] = max(_ended_at(part, run, what) for run in part.runs)
    return found


def _written_until(parts: Mapping[str | None, Recorded], written: Mapping[str | None, int]) -> int | None:
    """Return up to when all hosts that go on have written; where none does, when the last ended."""
    goes_on = [written[host] for host, part in parts.items() if (run := _last(part, host)) and not run.ended]
    return min(goes_on) if goes_on else max(written.values(), default=None)


def _ended_at(found: Recorded, run: Run, what: str) -> int:
    """Return up to when a run has watched what is asked for, or anything; others are read a moment longer."""
    ends = [watch.until_ns for watch in found.watches if watch.run_id == run.run_id and watch.what == what]
    return min(run.until_ns, max(ends, default=run.until_ns))


def _silence(span: Span, *, sent: bool, is_off: bool = False) -> str:
    lasted_ns = span[1] - span[0]
    if is_off:
        return "by the host's clock, which is off, this time is yet to come, or was not sent"
    if sent:
        return f"nothing has come for {duration(lasted_ns)}: the host is silent, or cannot send" \
            if lasted_ns > _UNSENT_NS else ""
    return f"the daemon has been silent for {duration(lasted_ns)}: it stalls, or has died" \
        if lasted_ns > SILENT_NS else ""


def _limited(watches: Iterable[WatchRow], window: Span, what: str) -> list[LedgerGap]:
    """Return a gap for each watch that missed drops by its nature, which nobody counts."""
    return [LedgerGap(watch.host, max(watch.since_ns, window[0]), min(watch.until_ns, window[1]), LIMITS[limit][0],
                      "partial", what)
            for watch in watches if watch.what == what and watch.since_ns < window[1] and watch.until_ns > window[0]
            for limit in watch.limits if LIMITS.get(limit, ("", False))[1]]


def speaks_of_drops(gap: LedgerGap) -> bool:
    """Say whether a gap may have cost drops, of software or hardware: those of counters and samples cost none."""
    return _concerns(gap, {"drops", "software", "hardware"})


def _concerns(gap: LedgerGap, scopes: set[str]) -> bool:
    """Say whether a gap speaks of what is judged; a daemon that is down sees nothing, and what expired is all gone."""
    return (gap.scope == "drops" and gap.cause in _OF_ALL) or gap.scope.partition(":")[0] in scopes


def _synthetic(host: str | None, span: Span, cause: str, detail: str = "") -> LedgerGap:
    return LedgerGap(host, *span, cause=cause, effect="blind", detail=detail)


def _union(spans: Iterable[Span], window: Span) -> list[Span]:
    """Return the spans within the window, joined where they touch, in order: two clocks are read one after another."""
    joined: list[Span] = []
    for since, until in sorted((max(since, window[0]), min(until, window[1])) for since, until in spans):
        if since >= until:
            continue
        if joined and since <= joined[-1][1] + _AT_ONCE_NS:
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
