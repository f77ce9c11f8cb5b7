"""Findings: drops by cause, with evidence, who and the next step, and losses that counters alone saw: pure."""

from collections.abc import Sequence

from dwreport import catalogue
from dwreport.evidence.compare import Agreement
from dwreport.evidence.facts import Facts
from dwreport.findings.finding import Confidence, Finding
from dwreport.findings.group import Group, groups, place_name
from dwreport.findings.lines import (
    comparisons,
    events,
    excluded,
    happened,
    listing,
    rule_rows,
    ruled_out,
    rules,
    shown,
    taken_apart,
)
from dwreport.findings.owners import owners
from dwreport.findings.senders import Senders
from dwreport.findings.unseen import unseen
from dwreport.text import counted

_TRAITS = {
    "multicast": "was sent to a multicast address",
    "many": "was sent to a multicast address or to everybody",
    "group_frame": "came in a broadcast or multicast frame",
    "source_route": "says by which routers it wants to go",
}
_RANK = {"harmful": 0, "suspect": 1, None: 2, "benign": 3}


def findings(facts: Facts, *, filtered: bool = False) -> list[Finding]:
    """Return the findings, the most harmful first; under filters, of drops alone."""
    found = [_finding(group, facts) for group in groups(facts)]
    return sorted([*found, *([] if filtered else unseen(facts))],
                  key=lambda finding: (_RANK[finding.severity], -finding.count, finding.title))


def _finding(group: Group, facts: Facts) -> Finding:
    senders = Senders(group.drops, facts.sampled(group.drops))
    compared = facts.compared(group.drops)
    refusing = rule_rows(compared, facts.evidence)
    if group.told:  # that the counters of the reason's other causes rested is no news
        compared = [agreement for agreement in compared if agreement.verdict == "agree"]
    return Finding(
        group.title, group.cause.harm if group.cause else None, group.count,
        min(total.drop.first_ns for total in group.drops), max(total.drop.last_ns for total in group.drops),
        [*events(group), *_ground(group, facts), *happened(group, facts.events),
         *comparisons(group, compared, facts.netns_names), *rules(refusing),
         *ruled_out(compared, facts.agreements), *taken_apart(compared, facts.agreements, facts.evidence)],
        [*senders.lines(), *owners(group, senders, facts)],
        (listing(refusing[0]) if refusing else None) or _advice(group, senders),
        _confidence(group, compared), sorted({total.host for total in group.drops}))


def _ground(group: Group, facts: Facts) -> list[str]:
    """Say on what the cause rests where the kernel did not name it, or not as closely."""
    closer = [f"{shown(group.told)} accounts for every one of them"] if group.told else []
    if group.ground == "counters":
        return [f"the kernel names no reason; only the counters of {shown(group.name)} moved, and by as much", *closer]
    if group.ground == "packets" and group.cause and group.cause.packets:
        sampled = counted(len(facts.sampled(group.drops)), "sampled packet")
        return [f"the kernel names no reason; of {sampled}, every one {_TRAITS[group.cause.packets]}", *closer]
    if group.ground == "names":
        return ["the kernel names no reason, and does name one for every other drop in this function"]
    if group.ground == "others":
        return ["the kernel names no reason; its other names, counters that rested and the packets leave this one"]
    if group.ground != "place":
        return closer
    candidates = dict.fromkeys(name for total in group.drops
                               for name in facts.evidence.candidates(total.host, total.drop.key))
    without = excluded(group, candidates, facts.evidence)
    left = [shown(name) for name in candidates if name not in without]
    not_so = " nor ".join(f"{shown(name)} ({shown(counter)} +0)" if name != counter else f"{shown(name)} +0"
                          for name, counter in without.items())
    return [*([f"may be {' or '.join(left)}"] if left else []), *([f"not {not_so}"] if not_so else [])]


def _confidence(group: Group, compared: Sequence[Agreement]) -> Confidence:
    """High is a reason that the counters agree with or a device's own word, low a function of several meanings."""
    if group.ground == "trap":
        return "high"
    if group.ground in {"place", "nothing"} or group.cause is None:
        return "low"
    verdicts = [agreement.verdict for agreement in compared if agreement.counted or agreement.verdict == "events-only"]
    agree = "agree" in verdicts and all(
        agreement.because for agreement in compared if agreement.verdict in {"counter-only", "events-only"})
    return "high" if group.ground == "reason" and agree else "medium"


def _advice(group: Group, senders: Senders) -> str | None:
    if group.cause is None:
        return None
    interface = next((interface.name for interface, _count in senders.interfaces.most_common(1)), None)
    known = {"symbol": place_name(group.drops[0].drop.key)}
    if senders.ports:
        known["port"] = str(senders.ports.most_common(1)[0][0][1])
    for word, ends in (("source", senders.sources), ("destination", senders.destinations)):
        if ends:
            known[word] = ends.most_common(1)[0][0]
    return catalogue.advice(group.cause, interface, **known)
