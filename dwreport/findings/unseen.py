"""Losses that only counters have seen: what no event accounts for, each packet once: pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dropwatchd.history.reader import CounterTotal
from dwreport import catalogue, causes
from dwreport.evidence.compare import Agreement
from dwreport.evidence.facts import Facts
from dwreport.evidence.tally import Place
from dwreport.findings.finding import Confidence, Finding
from dwreport.findings.lines import counters, where
from dwreport.findings.owners import losers
from dwreport.reconcile.algebra import UNSPECIFIED
from dwreport.text import number

_DRIVER, _LISTEN = "ethtool", "TcpExtListenDrops"
_NO_EVENT = "no event accounts for them, why is not known"


def unseen(facts: Facts) -> list[Finding]:
    """Return a finding for each kind of loss that counters alone tell of."""
    return [*_of_equalities(facts), *_of_drivers(facts)]


def _of_equalities(facts: Facts) -> Iterator[Finding]:
    alike: dict[tuple[str, str], list[Agreement]] = defaultdict(list)
    for agreement in facts.agreements:
        if agreement.unexplained:
            alike[_main(agreement), agreement.because].append(agreement)
    for (name, because), same in alike.items():
        cause = causes.written(name)
        if cause:
            count = sum(agreement.unexplained for agreement in same)
            whole = sum(agreement.counted for agreement in same)
            part = "" if count == whole else f", {number(count)} of them without an event"
            yield Finding(
                cause.title, cause.harm, count, None, None,
                [f"{counters(same)}{where(same, facts.netns_names)}{part}: {because or _NO_EVENT}"],
                _who(same, facts), catalogue.advice(cause, same[0].place.interface), _confidence(same[0]),
                sorted({agreement.place.host for agreement in same}))


def _main(agreement: Agreement) -> str:
    """Return what names the loss."""
    return agreement.equality.cause or max(agreement.counters, key=lambda name: agreement.counters[name])


def _confidence(agreement: Agreement) -> Confidence:
    if not agreement.equality.reasons:
        return "high"
    return "medium" if agreement.because else "low"


def _who(same: Sequence[Agreement], facts: Facts) -> list[str]:
    """Return the interfaces, or the sockets: the listeners of connections that were refused, or those that lost."""
    sockets = [line for agreement in same if (protocol := _protocol(agreement))
               for line in losers(agreement.place, protocol, facts)]
    return [*sorted({agreement.place.interface for agreement in same if agreement.place.interface}), *sockets]


def _protocol(agreement: Agreement) -> str | None:
    """Return which sockets count what an agreement is about."""
    return "tcp" if agreement.equality.total == _LISTEN else agreement.equality.labels.get("protocol")


def _of_drivers(facts: Facts) -> Iterator[Finding]:
    """Yield what drivers count under names of their own, unless the interface's statistics have the same number."""
    told = {(agreement.place, delta)
            for agreement in facts.agreements for delta in agreement.counters.values() if delta}
    alike: dict[tuple[Place, str], list[CounterTotal]] = defaultdict(list)
    for row in facts.evidence.counters:
        cause = causes.counter(_DRIVER, row.name) if row.collector == _DRIVER and row.delta > 0 else None
        if cause and cause.kind != "info" and not cause.event:
            alike[Place(row.host, row.netns, row.interface), cause.title].append(row)
    for (place, title), rows in alike.items():
        count = _count(rows)
        cause = causes.counter(_DRIVER, rows[0].name)
        if cause and (place, count) not in told and count > _unnamed(facts, place):
            yield Finding(title, cause.harm, count, None, None,
                          [", ".join(f"ethtool {row.name} +{number(row.delta)}" for row in rows)],
                          [place.interface or ""], catalogue.advice(cause, place.interface), "medium", [place.host])


def _unnamed(facts: Facts, place: Place) -> int:
    """Return how many drops of an interface have no reason: a driver may have made these events itself."""
    return sum(drop.host_at_most for drop in facts.evidence.drops
               if drop.host == place.host and drop.key.interface.name == place.interface
               and drop.key.kind.reason in {None, UNSPECIFIED})


def _count(rows: Sequence[CounterTotal]) -> int:
    """Return how many packets these are: counters of queues have numbers in their names, and totals none."""
    queues = sum(row.delta for row in rows if any(char.isdecimal() for char in row.name))
    return max([queues, *(row.delta for row in rows)])
