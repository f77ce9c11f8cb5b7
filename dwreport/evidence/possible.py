"""Which other drops may count with an equality's counters, for all that is on record of them: pure."""

from collections import Counter
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from dwreport.evidence.facts import Facts
from dwreport.evidence.observed import Observed
from dwreport.evidence.tally import Place
from dwreport.packets.ethertypes import protocol_number
from dwreport.packets.messages import is_message
from dwreport.reconcile.algebra import UNSPECIFIED, Equality


def may_count(equality: Equality, place: Place, own: Collection[Observed], facts: Facts, spare: int) -> list[Observed]:
    """Return the drops beside an equality's own that may be among its counters of a place.

    Those of another device count here only where one is the other's other end. That is not on record: `spare` packets
    that the counters have, and as many drops on one other device, are taken to be the same.
    """
    compared = set(own)
    near, far = [], []
    for drop in _candidates(equality, facts):
        if drop.host == place.host and drop not in compared:
            if _is_here(equality, place, drop):
                near.append(drop)
            elif drop.reason not in equality.reasons:  # else it is compared where it was
                far.append(drop)
    return near or (_other_end(far, spare) if equality.per == "interface" else [])


def _candidates(equality: Equality, facts: Facts) -> Iterator[Observed]:
    """Yield the drops that have, or may have, one of the equality's reasons."""
    for reason in (*equality.reasons, *equality.also):
        for drop in facts.by_reason.get(reason, ()):
            if reason in equality.also or _fits(equality, drop):
                yield drop
    for drop in facts.by_reason.get(None, ()):
        if _is_possible(equality, drop):
            yield drop


def _is_possible(equality: Equality, drop: Observed) -> bool:
    """Say whether a drop without a sure reason may have one of the equality's: of a nameless function, any."""
    if UNSPECIFIED in equality.also and not equality.is_alone:
        return not is_message(drop.key)
    if not _fits(equality, drop) or not equality.reasons:
        return False
    nameless = drop.key.location.symbol is None
    return nameless or not set(equality.reasons).isdisjoint(drop.candidates)


def _fits(equality: Equality, drop: Observed) -> bool:
    """Say whether neither protocol nor function of a drop speak against an equality; what is not on record does not."""
    location, kind, _interface = drop.key
    return (kind.origin == "software"
            and (equality.protocol is None or kind.protocol in {None, protocol_number(equality.protocol)})
            and (not equality.places or location.symbol is None
                 or any(fnmatchcase(location.symbol, pattern) for pattern in equality.places)))


def _is_here(equality: Equality, place: Place, drop: Observed) -> bool:
    """Say whether a drop was, or may have been, where the counters count."""
    if equality.per == "host" or place.netns is None:
        return True
    if drop.netns not in {None, place.netns}:
        return False
    return equality.per == "netns" or drop.interface in {None, place.interface}


def _other_end(drops: Collection[Observed], spare: int) -> list[Observed]:
    """Return the drops of the one device that has as many of them."""
    devices: Counter[tuple[int | None, str | None]] = Counter()
    for drop in drops:
        devices[drop.netns, drop.interface] += drop.host_at_most
    alike = [device for device, count in devices.items() if count == spare]
    return [drop for drop in drops if (drop.netns, drop.interface) in alike[:1]]
