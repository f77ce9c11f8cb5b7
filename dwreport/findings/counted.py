"""Losses that only counters have seen: what no event accounts for, each packet once: pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dwreport import causes
from dwreport.causes import Cause, Equality, kinds
from dwreport.evidence.compare import Agreement, Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.filters import Filters, Match
from dwreport.evidence.tally import Place
from dwreport.findings import support
from dwreport.findings.drivers import devices, findings_of
from dwreport.findings.finding import Basis, Confidence, Finding
from dwreport.findings.owners import losers
from dwreport.findings.steps import step
from dwreport.findings.weigh import moved, where

TOGETHER = "so many that the drops without a place or a reason cannot be all of them"
_LINK, _LISTEN = "link/", "TcpExtListenDrops"


def counted(evidence: Evidence, filters: Filters) -> Iterator[tuple[Match, Finding]]:
    """Yield a finding for each kind of loss that counters alone tell of, and whether the filters leave it."""
    with_driver = devices(evidence.facts)
    yield from _of_equalities(evidence, filters, {device.place: device.of_link() for device in with_driver})
    for device in with_driver:
        match = filters.of_counters(device.place)
        if match != "no":
            yield from ((match, finding) for finding in findings_of(device, evidence))


def _together(evidence: Evidence) -> Iterator[tuple[list[Agreement], int]]:
    """Yield comparisons of several places that have more packets than the drops that may be those of each."""
    alike: dict[tuple[int, str], list[Agreement]] = defaultdict(list)
    for agreement in evidence.agreements:
        if agreement.verdict == "open" and not agreement.unexplained:
            alike[id(agreement.equality), agreement.place.host].append(agreement)
    for same in alike.values():
        others = {drop: drop.between(same[0].equality.per)[1] for agreement in same for drop in agreement.others}
        count = sum(agreement.counted - agreement.drops for agreement in same) - sum(others.values())
        if count > 0:
            yield same, count


class _Subject(NamedTuple):
    """What the comparisons of one finding have in common: it is of one place, for each has its own cause."""

    name: str
    place: Place
    because: str
    match: Match


def _of_equalities(evidence: Evidence, filters: Filters, exact: Mapping[Place, Mapping[str, int]],
                   ) -> Iterator[tuple[Match, Finding]]:
    """Yield what no event accounts for, nor a driver's exact name."""
    alike: dict[_Subject, list[tuple[Agreement, int]]] = defaultdict(list)
    for agreement in evidence.agreements:
        named = sum(exact.get(agreement.place, {}).get(name.removeprefix(_LINK), 0) for name in agreement.counters)
        if (count := agreement.unexplained - named) > 0:
            match = filters.of_counters(agreement.place, agreement.equality)
            alike[_Subject(_main(agreement), agreement.place, agreement.because, match)].append((agreement, count))
    for same, count in _together(evidence):
        everywhere = Place(same[0].place.host)
        match = filters.of_counters(everywhere, same[0].equality)
        alike[_Subject(_main(same[0]), everywhere, TOGETHER, match)] += [
            (same[0], count), *((one, 0) for one in same[1:])]
    for subject, found in alike.items():
        cause = _cause(subject, evidence.facts)
        if cause and cause.kind != "info" and subject.match != "no":
            yield subject.match, _finding(cause, subject, found, evidence.facts)


def _finding(cause: Cause, subject: _Subject, found: Sequence[tuple[Agreement, int]], facts: Facts) -> Finding:
    same = [agreement for agreement, _count in found]
    count = sum(count for _agreement, count in found)
    whole = sum(agreement.counted for agreement in same)
    who, place = _who(same, facts), same[0].place
    straddling = min(count, _straddling(same, facts))
    basis = Basis(subject.place, "counters", count - straddling, count, collectors=_collectors(same, facts))
    return Finding(
        cause.title, cause.harm, count, None, None,
        [support.Counted(moved(same), count, whole, where(same, facts.names), subject.because, straddling)],
        who, step(_advice(cause, same, facts), facts.spaces.get(place.netns or 0), who), _confidence(same[0]),
        sorted({agreement.place.host for agreement in same}), basis)


def _advice(cause: Cause, same: Sequence[Agreement], facts: Facts) -> str | None:
    """Return the next step, at the other end of a tunnel where that is on record."""
    place = same[0].place
    remote = facts.settings.remote(place) if "{remote}" in cause.next else None
    return causes.advice(cause, place.interface, **({"remote": remote} if remote else {}))


def _cause(subject: _Subject, facts: Facts) -> Cause | None:
    """Return what a counter means, on a device of that kind."""
    if subject.name.startswith(_LINK):
        device = facts.devices.get(subject.place)
        return kinds.counter(subject.name.removeprefix(_LINK), device.kind if device else None)
    return causes.written(subject.name)


def _straddling(same: Sequence[Agreement], facts: Facts) -> int:
    """Return how many packets may have been counted before the window, since the reading before it."""
    return sum(row.straddling for agreement in same for name in agreement.counters
               for row in facts.tally.rows(name, agreement.place))


def _collectors(same: Sequence[Agreement], facts: Facts) -> frozenset[str]:
    return frozenset(row.collector for agreement in same for name in agreement.counters
                     for row in facts.tally.rows(name, agreement.place))


def _main(agreement: Agreement) -> str:
    """Return what names the loss."""
    return agreement.equality.cause or max(agreement.counters, key=lambda name: agreement.counters[name])


def _confidence(agreement: Agreement) -> Confidence:
    if not agreement.equality.reasons:
        return "high"
    return "medium" if agreement.because else "low"


def _who(same: Sequence[Agreement], facts: Facts) -> list[support.Who]:
    """Return the interfaces, or the sockets: the listeners of connections that were refused, or those that lost."""
    places = {(agreement.place.interface, where([agreement], facts.names).netns): agreement.unexplained
              for agreement in same if agreement.place.interface}
    whole = sum(places.values())
    devices = [support.OnInterface(interface or "", netns, count, whole)
               for (interface, netns), count in sorted(places.items(), key=str)]
    return [*devices, *(owner for agreement in same if (protocol := _protocol(agreement.equality))
                        for owner in losers(agreement.place, protocol, facts, agreement.equality.counters))]


def _protocol(equality: Equality) -> str | None:
    """Return which sockets count what an equality is about."""
    return "tcp" if equality.total == _LISTEN else equality.labels.get("protocol")
