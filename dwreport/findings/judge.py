"""A finding from a group of drops: with its evidence, who had part in it, the next step, and how sure it is: pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dropwatchd.history.read.reader import CounterTotal
from dwreport import causes
from dwreport.evidence.compare import Agreement, Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.tally import Place
from dwreport.findings.ends import Senders
from dwreport.findings.finding import Basis, Confidence, Finding, event_of
from dwreport.findings.group import Group, place_name
from dwreport.findings.owners import other_sockets, owners
from dwreport.findings.rules import listing, listing_of, rule_rows
from dwreport.findings.steps import step
from dwreport.findings.support import OtherSocket, Uncounted
from dwreport.findings.uncounted import POLICY, first, is_policy, uncounted
from dwreport.findings.weigh import is_newer, span, weighed

_ENOUGH = 90  # percent of a finding's packets that counters have to agree with before it is sure


def judge(group: Group, evidence: Evidence) -> Finding:
    """Return what there is to say about a group of drops."""
    senders = Senders(group.drops)
    compared = evidence.compared(group.drops)
    refusing = rule_rows(compared, evidence.facts)
    if group.part:  # what each counter has of the drops says it all
        named = group.part.counters
        compared = [agreement for agreement in compared if not named.keys().isdisjoint(agreement.counters)]
        refusing = [row for row in refusing if f"{row.collector}/{row.name}" in named]
    if group.told or group.part:  # that the counters of the reason's other causes rested is no news
        compared = [agreement for agreement in compared if agreement.verdict == "agree"]
    others = other_sockets(group, senders, evidence.facts)
    silent = uncounted(group, evidence.compared(group.drops), evidence.facts)
    if is_policy(silent):
        group = replace(group, cause=causes.written(POLICY))
    who = [*senders.told(), *owners(group, senders, evidence.facts)]
    advice = _rule(refusing, silent) or _advice(group, senders, evidence.facts)
    return Finding(
        group.title, group.cause.harm if group.cause else None, group.count, *span(group),
        [*weighed(group, compared, refusing, evidence), *([silent] if silent else []), *others],
        who, step(advice, evidence.facts.spaces.get(_netns(group)), who),
        _confidence(group, compared, others), sorted({drop.host for drop in group.drops}), _basis(group),
        _shape(group),
        placed=bool(_netns(group)) or len(evidence.facts.spaces) < 2,
        drops=frozenset((drop.host, drop.key) for drop in group.drops))


def _basis(group: Group) -> Basis:
    totals = [drop.total for drop in group.drops if drop.total]
    return Basis(
        group.place, "hardware" if group.ground == "trap" else "software",
        max(0, group.count - sum(total.drop.count - total.at_least for total in totals)),
        group.count + sum(total.at_most - total.drop.count for total in totals),
        events=frozenset(event_of(drop.key) for drop in group.drops), about=any(total.about for total in totals))


def _netns(group: Group) -> int:
    """Return the namespace that a group is of, 0 where that is not on record: it is of one."""
    return next((drop.netns for drop in group.drops if drop.netns is not None), 0)


def _shape(group: Group) -> Counter[int]:
    """Return how the drops of a group spread over the report; of a part of them that is not on record."""
    if group.part:
        return Counter()
    shape: Counter[int] = Counter()
    for drop in group.drops:
        if drop.total:
            shape.update(drop.total.shape)
    return shape


def _rule(refusing: Sequence[CounterTotal], silent: Uncounted | None) -> str | None:
    """Return the command that lists what refused the packets: a rule that counted them, or a chain that does not."""
    if refusing:
        return listing(refusing[0])
    chain = first(silent) if silent else None
    return listing_of(chain.family, chain.table, chain.name) if chain else None


def _confidence(group: Group, compared: Sequence[Agreement], others: Sequence[OtherSocket]) -> Confidence:
    """High is a reason that the counters agree with, for nearly every packet, or a device's own word.

    Low is a function of several meanings, what is left over on a kernel newer than the sources that were looked at, and
    a port of which a socket lost packets meanwhile; one that was looked for and found, or not looked for, is between.
    """
    if group.ground == "trap":
        return "high"
    if (group.ground in {"place", "nothing"} or group.cause is None or is_newer(group)
            or any(other.sockets and not other.looked for other in others)):
        return "low"
    verdicts = [agreement.verdict for agreement in compared if agreement.counted or agreement.verdict == "events-only"]
    agree = "agree" in verdicts and all(
        agreement.because for agreement in compared if agreement.verdict in {"counter-only", "events-only"})
    heard = all(other.looked and not other.sockets for other in others)
    sure = group.ground == "reason" and agree and heard and _agreed(group, compared) >= _ENOUGH
    return "high" if sure else "medium"


def _agreed(group: Group, compared: Sequence[Agreement]) -> int:
    """Return how much of a group counters agree with, in percent of its packets."""
    shares = {drop: drop.between(agreement.equality.per)[1] / drop.count for agreement in compared
              if agreement.verdict == "agree" and agreement.counted for drop in agreement.members if drop.count}
    return int(100 * sum(drop.shown * shares.get(drop, 0) for drop in group.drops) / group.count)


def _advice(group: Group, senders: Senders, facts: Facts) -> str | None:
    if group.cause is None:
        return None
    interface = next((interface.name for interface, _count in senders.interfaces.most_common(1)), None)
    known = {"symbol": place_name(group.drops[0])}
    if port := senders.leader(senders.ports):
        known["port"] = port.partition("/")[2]
    for word, ends in (("source", senders.sources), ("destination", senders.destinations)):
        if leader := senders.leader(ends):
            known[word] = leader
    if "{remote}" in group.cause.next and (remote := _remote(group, facts)):
        known["remote"] = remote
    return causes.advice(group.cause, interface, **known)


def _remote(group: Group, facts: Facts) -> str | None:
    """Return the other end of the one tunnel that all drops of a group were on."""
    places = {Place(drop.host, drop.netns, drop.interface) for drop in group.drops}
    return facts.settings.remote(places.pop()) if len(places) == 1 else None
