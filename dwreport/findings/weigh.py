"""What speaks for the cause of a group of drops: events, what happened, counters, rules, packets: pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from dropwatchd.history.read.reader import CounterTotal
from dwreport.causes import UNSPECIFIED
from dwreport.evidence.ask import BEFORE_NS
from dwreport.evidence.compare import Agreement, Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.observed import Limit, Means
from dwreport.findings import support
from dwreport.findings.group import Group, place_name
from dwreport.findings.rules import rules
from dwreport.text import named_netns

_MOST_PLACES = 3
_MOST_WAYS = 2
_MOST_FUNCTIONS = 16  # what is further out is the interrupt, or the system call
_TOO_NEAR = "too near to the first or last reading of the counters"
_FRAME = 1518  # bytes of the longest Ethernet frame without jumbo; loopback and jumbo frames have more
_COMPARED = ("agree", "counter-only", "events-only")


def weighed(group: Group, compared: Sequence[Agreement], refusing: Sequence[CounterTotal],
            evidence: Evidence) -> list[support.Fact]:
    """Return what speaks for, or against, the cause of a group.

    `compared` are its comparisons that tell something, `refusing` the rules of the firewall that counted its drops.
    """
    counted = [*_comparisons(group, compared, evidence.facts.names), *_possible(group, evidence)]
    return [*_events(group), *_ground(group, evidence.facts), *_called(group, evidence.facts),
            *_happened(group, evidence.facts), *(_parts(group) if group.part else counted), *rules(refusing),
            *_rested(compared, evidence), *_apart(compared, evidence), *_large(group)]


def _called(group: Group, facts: Facts) -> Iterator[support.CalledBy]:
    """Say how the kernel came to drops that the catalogue cannot name: the ways of the most of them, each once."""
    if group.cause or group.ground == "trap":
        return
    ways: Counter[tuple[str, ...]] = Counter()
    for drop in group.drops:
        ways[facts.stacks.functions(drop.host, drop.key)] += drop.shown
    del ways[()]
    for functions, _count in ways.most_common(_MOST_WAYS):
        yield support.CalledBy(functions[:_MOST_FUNCTIONS], max(0, len(functions) - _MOST_FUNCTIONS))


def _events(group: Group) -> Iterator[support.Fact]:
    """Say how many events of which reason there were in which function."""
    found: Counter[support.Events] = Counter()
    for drop in group.drops:
        kind = drop.key.kind
        reason = None if kind.reason == UNSPECIFIED else kind.reason
        function = None if kind.trap else place_name(drop)
        found[support.Events(reason, kind.trap, function, 0)] += drop.shown
    for what, count in found.most_common(_MOST_PLACES):
        yield support.Events(what.reason, what.trap, what.function, count)
    if len(found) > _MOST_PLACES:
        rest = found.total() - sum(count for _what, count in found.most_common(_MOST_PLACES))
        yield support.MoreEvents(rest, len(found) - _MOST_PLACES)


def _ground(group: Group, facts: Facts) -> Iterator[support.Fact]:
    """Say on what the cause rests where the kernel did not name it, or not as closely."""
    if group.ground in {"counters", "names", "others"}:
        yield support.ToldBy(cast("Means", group.ground), group.name, is_newer=is_newer(group))
    if group.ground == "packets" and group.cause:
        yield support.ToldBy("packets", group.name, sum(len(drop.packets) for drop in group.drops), group.cause.packets)
    if group.ground == "sizes":
        yield from _by_sizes(group, facts)
    if group.told:
        yield support.Closer(group.told)
    if group.ground == "place":
        candidates = dict.fromkeys(name for drop in group.drops for name in drop.candidates)
        without = _excluded(group, candidates, facts)
        if left := tuple(name for name in candidates if name not in without):
            yield support.MayBe(left)
        if without:
            yield support.NotBy(without)


def _by_sizes(group: Group, facts: Facts) -> Iterator[support.ToldBy]:
    """Say which devices refused the packets, and what they take."""
    samples: Counter[Limit] = Counter()
    for drop in group.drops:
        if drop.told and drop.told.limit:
            samples[drop.told.limit] += len(drop.packets)
    for limit, count in samples.most_common(_MOST_PLACES):
        place = support.Where(1, limit.interface, named_netns(limit.netns, facts.names))
        yield support.ToldBy("sizes", group.name, count, where=place, mtu=limit.mtu if limit.is_up else 0)


def is_newer(group: Group) -> bool:
    """Say whether a cause was left over on a kernel that is newer than the sources of the others."""
    return any(drop.told and drop.told.is_newer for drop in group.drops)


def _excluded(group: Group, candidates: Iterable[str], facts: Facts) -> dict[str, str]:
    """Return the reasons that the drops cannot have had, each with a counter that would have moved and did not."""
    refuted = ((reason, [facts.refuted(drop, reason) for drop in group.drops]) for reason in candidates)
    return {reason: counters[0] for reason, counters in refuted if counters and counters[0] and all(counters)}


def _happened(group: Group, facts: Facts) -> list[support.Happened]:
    """Say what happened where the drops were, shortly before them or meanwhile, that such drops follow."""
    first_ns, last_ns = span(group)
    places = {(drop.host, drop.netns) for drop in group.drops}
    found = [event for event in facts.events if group.cause and event.kind in group.cause.follows
             and first_ns - BEFORE_NS <= event.time_ns <= last_ns
             and not places.isdisjoint({(event.host, event.netns), (event.host, None)})]
    return [support.Happened(event.kind, event.subject, event.detail, event.time_ns - first_ns)
            for event in found[-_MOST_PLACES:]]


def span(group: Group) -> tuple[int, int]:
    """Return when the first and the last drop of a group was."""
    totals = [drop.total.drop for drop in group.drops if drop.total]
    return min(drop.first_ns for drop in totals), max(drop.last_ns for drop in totals)


def _comparisons(group: Group, agreements: Sequence[Agreement], names: Mapping[int, str]) -> Iterator[support.Fact]:
    """Say what the counters have to each, the same of several places in one line."""
    alike: dict[tuple[object, ...], list[Agreement]] = defaultdict(list)
    missing: Counter[str] = Counter()
    for agreement in agreements:
        if agreement.verdict in _COMPARED:
            alike[id(agreement.equality), agreement.verdict, agreement.because].append(agreement)
        elif why := _TOO_NEAR if agreement.verdict == "not yet read" else agreement.because:
            missing[why] += _shown(group, [agreement])
    for same in alike.values():
        yield _comparison(same, group, names)
    for why, count in missing.items():
        if count:
            yield support.NotCompared(count, why)


def _comparison(same: Sequence[Agreement], group: Group, names: Mapping[int, str]) -> support.Compared:
    least = sum(agreement.events for agreement in same)
    most = least + sum(agreement.edge for agreement in same)
    counted = sum(agreement.counted for agreement in same)
    verdict = same[0].verdict
    surplus = {"counter-only": counted - most, "events-only": counted - least}.get(verdict, 0)
    own, exact = set(group.drops), counted == _shown(group, same)
    others = not all(own.issuperset(agreement.members) for agreement in same)
    return support.Compared(
        cast("support.Tells", verdict), moved(same), counted, least, most, surplus, where(same, names),
        exact and not others, others, same[0].because)


def _parts(group: Group) -> Iterator[support.Parts]:
    """Say which counters add up to the drops, of which this finding has a part."""
    counters = Counter({name: delta for part in group.parts for name, delta in part.counters.items()})
    yield support.Parts(counters.total(), dict(counters.most_common()))


def _shown(group: Group, agreements: Iterable[Agreement]) -> int:
    """Return how many drops of a group were compared: it is of the window, which readings need not begin with."""
    members = {drop for agreement in agreements for drop in agreement.members}
    return sum(drop.shown for drop in group.drops if drop in members)


def _possible(group: Group, evidence: Evidence) -> Iterator[support.MayCount]:
    """Yield the counters that may have counted these drops, of which the reason or the place is not on record."""
    told = {(name, agreement.place) for agreement in evidence.compared(group.drops) if agreement.verdict == "agree"
            for name in agreement.counters}
    possible = [agreement for agreement in evidence.possible(group.drops)
                if not told.issuperset((name, agreement.place) for name in agreement.counters)]
    for agreement in possible[:_MOST_PLACES]:
        yield support.MayCount(moved([agreement]), agreement.counted - agreement.events,
                               where([agreement], evidence.facts.names))


def moved(same: Iterable[Agreement]) -> dict[str, int]:
    """Return counters and by how much they moved; of several that did not, the first."""
    found: Counter[str] = Counter()
    still: list[str] = []
    for agreement in same:
        found.update({name: delta for name, delta in agreement.counters.items() if delta})
        still += agreement.counters
    return dict(found.most_common()) or {still[0]: 0}


def where(same: Sequence[Agreement], names: Mapping[int, str]) -> support.Where:
    """Say where."""
    place = same[0].place
    if len(same) > 1:
        return support.Where(len(same))
    return support.Where(1, place.interface, named_netns(place.netns, names))


def _rested(own: Iterable[Agreement], evidence: Evidence) -> Iterator[support.Rested]:
    """Say which other parts of the same total were looked at and did not move."""
    totals = {(agreement.equality.total, agreement.place) for agreement in own
              if agreement.equality.total and agreement.verdict == "agree" and agreement.counted}
    still: dict[tuple[str, str], bool] = {}
    for agreement in evidence.totalled(totals):
        equality = agreement.equality
        if not equality.less:
            what = equality.fault, equality.counters[0]
            still[what] = still.get(what, True) and not agreement.counted and not agreement.drops
    if found := {fault: counter for (fault, counter), rests in still.items() if rests}:
        yield support.Rested(found)


def _apart(own: Iterable[Agreement], evidence: Evidence) -> Iterator[support.Apart]:
    """Yield totals that hold more than this finding, taken apart; the rest is named where there is one."""
    totals = {(agreement.equality.total or "", agreement.place) for agreement in own if agreement.counted}
    for total, place in sorted((subject for subject in totals if subject[0]), key=str):
        parts = {agreement.equality.fault: agreement.counted for agreement in evidence.totalled([(total, place)])
                 if agreement.counted}
        if len(parts) > 1:
            yield support.Apart(total, evidence.facts.delta(total, place) or 0, parts)


def _large(group: Group) -> Iterator[support.LargePackets]:
    """Yield how long packets were that no frame holds: kernel and counters count each as one."""
    longest = max((packet.length for drop in group.drops for packet in drop.sampled), default=0)
    if longest > _FRAME:
        yield support.LargePackets(longest)
