"""Losses that only counters have seen: what no event accounts for, each packet once: pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import cast

from dwreport import causes
from dwreport.causes import UNSPECIFIED, Cause, Equality, Harm, kinds
from dwreport.evidence.compare import Agreement, Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.filters import Filters, Match
from dwreport.evidence.tally import Place
from dwreport.findings import support
from dwreport.findings.drivers import Drivers, drivers
from dwreport.findings.finding import Confidence, Finding
from dwreport.findings.owners import losers
from dwreport.findings.weigh import moved, where
from dwreport.text import named_netns

_LISTEN = "TcpExtListenDrops"


def counted(evidence: Evidence, filters: Filters) -> Iterator[tuple[Match, Finding]]:
    """Yield a finding for each kind of loss that counters alone tell of, and whether the filters leave it."""
    cards = drivers(evidence.facts)
    yield from _of_equalities(evidence, filters, cards)
    yield from _of_drivers(evidence, filters, cards)


def _of_equalities(evidence: Evidence, filters: Filters, cards: Drivers) -> Iterator[tuple[Match, Finding]]:
    alike: dict[tuple[str, str, str, Match], list[Agreement]] = defaultdict(list)
    for agreement in evidence.agreements:
        if _left(agreement, cards):
            match = filters.of_counters(agreement.place, agreement.equality)
            alike[_main(agreement), _kind(agreement.place, evidence.facts), agreement.because, match].append(agreement)
    for (name, kind, because, match), same in alike.items():
        cause = _meaning(name, kind)
        if cause and match != "no":
            count = sum(_left(agreement, cards) for agreement in same)
            whole = sum(agreement.counted for agreement in same)
            yield match, Finding(
                cause.title, cause.harm, count, None, None,
                [support.Counted(moved(same), count, whole, where(same, evidence.facts.names), because,
                                 min(count, _straddling(same, evidence.facts)))],
                _who(same, evidence.facts), causes.advice(cause, same[0].place.interface), _confidence(same[0]),
                sorted({agreement.place.host for agreement in same}))


def _left(agreement: Agreement, cards: Drivers) -> int:
    """Return how many packets neither an event nor a driver's own name accounts for: that is told instead."""
    return max(0, agreement.unexplained - cards.accounted(agreement.place, agreement.counters))


def _kind(place: Place, facts: Facts) -> str:
    device = facts.devices.get(place)
    return device.kind or "" if device else ""


def _meaning(name: str, kind: str) -> Cause | None:
    """Return what a counter means on such a device: on a tunnel collisions are none."""
    return kinds.counter(name.removeprefix("link/"), kind) if name.startswith("link/") else causes.written(name)


def _straddling(same: Sequence[Agreement], facts: Facts) -> int:
    """Return how many packets may have been counted before the window, since the reading before it."""
    return sum(row.straddling for agreement in same for name in agreement.counters
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
                        for owner in losers(agreement.place, protocol, facts))]


def _protocol(equality: Equality) -> str | None:
    """Return which sockets count what an equality is about."""
    return "tcp" if equality.total == _LISTEN else equality.labels.get("protocol")


def _of_drivers(evidence: Evidence, filters: Filters, cards: Drivers) -> Iterator[tuple[Match, Finding]]:
    """Yield what drivers tell under names of their own; a driver may have made the events of unnamed drops itself."""
    for place, losses in cards.losses.items():
        match = filters.of_counters(place)
        for loss in losses if match != "no" else ():
            if loss.harm == "benign" or loss.event or loss.count <= _unnamed(evidence, place):
                continue
            yield match, Finding(
                loss.title, cast("Harm", loss.harm), loss.count, None, None,
                [support.ByDriver(dict(loss.names), dict(loss.less), dict(loss.agree), dict(loss.link),
                                  dict(loss.beside), loss.at_least, min(loss.count, cards.straddling.get(place, 0)))],
                [support.OnInterface(place.interface or "", _netns(place, evidence.facts), loss.count, loss.count)],
                causes.filled(loss.next, interface=place.interface),
                "high" if (loss.agree or loss.link) and not loss.at_least else "medium", [place.host])


def _netns(place: Place, facts: Facts) -> str | None:
    return named_netns(place.netns, facts.names)


def _unnamed(evidence: Evidence, place: Place) -> int:
    """Return how many drops of an interface have no reason: a driver may have made these events itself."""
    return sum(drop.host_at_most for drop in evidence.facts.drops
               if drop.host == place.host and drop.interface == place.interface
               and drop.netns in {None, place.netns} and drop.key.kind.reason in {None, UNSPECIFIED})
