"""Losses that only counters have seen: what no event accounts for, each packet once: pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dropwatchd.history.reader import CounterTotal
from dwreport import catalogue, causes
from dwreport.findings.lines import counters, where
from dwreport.findings.model import Confidence, Facts, Finding
from dwreport.reconcile import Agreement
from dwreport.render.text import number

_DRIVER = "ethtool"
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
        cause = _cause(name)
        if cause:
            count = sum(agreement.unexplained for agreement in same)
            whole = sum(agreement.counted for agreement in same)
            part = "" if count == whole else f", {number(count)} of them without an event"
            yield Finding(
                cause.title, cause.harm, count, None, None,
                [f"{counters(same)}{where(same, facts.netns_names)}{part}: {because or _NO_EVENT}"],
                _devices(same), catalogue.advice(cause, same[0].place.interface), _confidence(same[0]))


def _main(agreement: Agreement) -> str:
    return max(agreement.counters, key=lambda name: agreement.counters[name])


def _cause(name: str) -> causes.Counter | None:
    collector, _, plain = name.rpartition("/")
    return causes.counter(collector or "snmp", plain)


def _confidence(agreement: Agreement) -> Confidence:
    if not agreement.equality.reasons:
        return "high"
    return "medium" if agreement.because else "low"


def _devices(same: Sequence[Agreement]) -> list[str]:
    return sorted({agreement.place.interface for agreement in same if agreement.place.interface})


def _of_drivers(facts: Facts) -> Iterator[Finding]:
    """Yield what drivers count under names of their own, unless the interface's statistics have the same number."""
    told = {(agreement.place.host, agreement.place.interface, delta)
            for agreement in facts.agreements for delta in agreement.counters.values() if delta}
    alike: dict[tuple[str, str, str], list[CounterTotal]] = defaultdict(list)
    for row in facts.evidence.counters:
        cause = causes.counter(_DRIVER, row.name) if row.collector == _DRIVER and row.delta > 0 else None
        if cause and cause.kind != "info" and not cause.event:
            alike[row.host, row.interface or "", cause.title].append(row)
    for (host, interface, title), rows in alike.items():
        count = _count(rows)
        cause = causes.counter(_DRIVER, rows[0].name)
        if cause and (host, interface, count) not in told:
            yield Finding(title, cause.harm, count, None, None,
                          [", ".join(f"ethtool {row.name} +{number(row.delta)}" for row in rows)], [interface],
                          catalogue.advice(cause, interface), "medium")


def _count(rows: Sequence[CounterTotal]) -> int:
    """Return how many packets these are: counters of queues have numbers in their names, and totals none."""
    queues = sum(row.delta for row in rows if any(char.isdecimal() for char in row.name))
    return max([queues, *(row.delta for row in rows)])
