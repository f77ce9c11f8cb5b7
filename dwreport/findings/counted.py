"""Losses that only counters have seen: what no event accounts for, each packet once: pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dropwatchd.history.reader import CounterTotal
from dwreport import catalogue, causes
from dwreport.evidence.compare import Agreement, Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.filters import Filters, Match
from dwreport.evidence.tally import Place
from dwreport.findings import support
from dwreport.findings.finding import Confidence, Finding
from dwreport.findings.owners import losers
from dwreport.findings.weigh import moved, where
from dwreport.reconcile.algebra import UNSPECIFIED, Equality

_DRIVER, _LISTEN = "ethtool", "TcpExtListenDrops"


def counted(evidence: Evidence, filters: Filters) -> Iterator[tuple[Match, Finding]]:
    """Yield a finding for each kind of loss that counters alone tell of, and whether the filters leave it."""
    yield from _of_equalities(evidence, filters)
    yield from _of_drivers(evidence, filters)


def _of_equalities(evidence: Evidence, filters: Filters) -> Iterator[tuple[Match, Finding]]:
    alike: dict[tuple[str, str, Match], list[Agreement]] = defaultdict(list)
    for agreement in evidence.agreements:
        if agreement.unexplained:
            match = filters.of_counters(agreement.place, agreement.equality)
            alike[_main(agreement), agreement.because, match].append(agreement)
    for (name, because, match), same in alike.items():
        cause = causes.written(name)
        if cause and match != "no":
            count = sum(agreement.unexplained for agreement in same)
            whole = sum(agreement.counted for agreement in same)
            yield match, Finding(
                cause.title, cause.harm, count, None, None,
                [support.Counted(moved(same), count, whole, where(same, evidence.facts.names), because)],
                _who(same, evidence.facts), catalogue.advice(cause, same[0].place.interface), _confidence(same[0]),
                sorted({agreement.place.host for agreement in same}))


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
                        for owner in losers(agreement.place, protocol, facts))]


def _protocol(equality: Equality) -> str | None:
    """Return which sockets count what an equality is about."""
    return "tcp" if equality.total == _LISTEN else equality.labels.get("protocol")


def _of_drivers(evidence: Evidence, filters: Filters) -> Iterator[tuple[Match, Finding]]:
    """Yield what drivers count under names of their own, unless the interface's statistics have the same number."""
    told = {(agreement.place, delta)
            for agreement in evidence.agreements for delta in agreement.counters.values() if delta}
    alike: dict[tuple[Place, str], list[CounterTotal]] = defaultdict(list)
    for row in evidence.facts.counters:
        cause = causes.counter(_DRIVER, row.name) if row.collector == _DRIVER and row.delta > 0 else None
        if cause and cause.kind != "info" and not cause.event:
            alike[Place(row.host, row.netns, row.interface), cause.title].append(row)
    for (place, title), rows in alike.items():
        count = _count(rows)
        cause = causes.counter(_DRIVER, rows[0].name)
        match = filters.of_counters(place)
        if cause and match != "no" and (place, count) not in told and count > _unnamed(evidence, place):
            counters = {f"{_DRIVER}/{row.name}": row.delta for row in rows}
            yield match, Finding(
                title, cause.harm, count, None, None,
                [support.ByDriver(counters)],
                [support.OnInterface(place.interface or "", None, count, count)],
                catalogue.advice(cause, place.interface), "medium", [place.host])


def _unnamed(evidence: Evidence, place: Place) -> int:
    """Return how many drops of an interface have no reason: a driver may have made these events itself."""
    return sum(drop.host_at_most for drop in evidence.facts.drops
               if drop.host == place.host and drop.interface == place.interface
               and drop.netns in {None, place.netns} and drop.key.kind.reason in {None, UNSPECIFIED})


def _count(rows: Sequence[CounterTotal]) -> int:
    """Return how many packets these are: counters of queues have numbers in their names, and totals none."""
    queues = sum(row.delta for row in rows if any(char.isdecimal() for char in row.name))
    return max([queues, *(row.delta for row in rows)])
