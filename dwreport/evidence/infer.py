"""The reason of drops for which the kernel gave none, where counters or packets leave just one of its place's: pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from dropwatchd.history.aligned import AlignedDrop
from dropwatchd.model import DropKey
from dwreport import causes
from dwreport.evidence.compare import Agreement, reconcile
from dwreport.evidence.record import Evidence, Told
from dwreport.reconcile.algebra import candidates_of

_Subject = tuple[tuple[str, DropKey], Told]
_Spare = dict[str, list[Agreement]]


def settled(found: Evidence) -> tuple[Evidence, list[Agreement]]:
    """Reconcile, and once more with the reasons told by counters; where they are silent, by packets or what is left."""
    first = reconcile(found)
    spare = _to_spare(first)
    told = {**dict(_told_by_elimination(found)), **dict(_told_by_packets(found, spare)),
            **dict(_told_by_counters(found, spare))}
    if not told:
        return found, first
    second = replace(found, settled=told)
    return second, reconcile(second)


def _told_by_counters(found: Evidence, spare: _Spare) -> Iterable[_Subject]:
    """Yield the reasons of drops that one candidate's counters alone account for, to the packet.

    Drops of one function and protocol that may have been the same are taken together: they share their counters.
    """
    groups: dict[tuple[object, ...], list[AlignedDrop]] = defaultdict(list)
    for drop in found.drops:
        if candidates := found.candidates(drop.host, drop.key):
            interface, kind = drop.key.interface, drop.key.kind
            groups[drop.host, interface.netns, drop.key.location.symbol, kind.protocol, candidates].append(drop)
    for drops in groups.values():
        sizes = {sum(drop.inside for drop in drops), sum(drop.at_most for drop in drops)} - {0}
        candidates = found.candidates(drops[0].host, drops[0].key)
        if reason := _told_by(drops[0], candidates, sizes, _near(drops[0], spare)):
            yield from (((drop.host, drop.key), Told(reason, "counters")) for drop in drops)


def _to_spare(agreements: Iterable[Agreement]) -> _Spare:
    """Return by host the comparisons in which the counters have more packets than the events."""
    found: dict[str, list[Agreement]] = defaultdict(list)
    for agreement in agreements:
        if agreement.counted > agreement.events:
            found[agreement.place.host].append(agreement)
    return found


def _near(drop: AlignedDrop, spare: _Spare) -> list[Agreement]:
    """Return those of them that count where a drop happened, or on its whole host."""
    netns = drop.key.interface.netns
    return [agreement for agreement in spare.get(drop.host, ())
            if netns is None or agreement.place.netns in {None, netns}]


def _told_by_elimination(found: Evidence) -> Iterable[_Subject]:
    """Yield the reasons of drops that can have had no other.

    The kernel would have named it, or its counter would have moved, or its packets would have been others.
    """
    for drop in found.drops:
        candidates = found.candidates(drop.host, drop.key)
        left = [name for name in candidates
                if found.fits(drop, name) is not False and not found.refuted(drop, name)]
        place = causes.location(drop.key.location.symbol or "")
        sure = len(candidates) == 1 < len(candidates_of(drop.key, ())) or (place is not None and place.complete)
        if len(left) == 1 and sure and causes.is_checked(found.kernels.get(drop.host, ())):
            yield (drop.host, drop.key), Told(left[0], "names" if len(candidates) == 1 else "others")


def _told_by_packets(found: Evidence, spare: _Spare) -> Iterable[_Subject]:
    """Yield the reasons of drops of which all sampled packets have what one candidate's packets have.

    A counter of another candidate that has more packets than events leaves that open.
    """
    for drop in found.drops:
        candidates = found.candidates(drop.host, drop.key)
        fitting = [name for name in candidates if found.fits(drop, name)]
        if (len(fitting) == 1 and not found.refuted(drop, fitting[0])
                and not any(agreement.equality.concerns(drop.key, name) for agreement in _near(drop, spare)
                            for name in candidates if name not in fitting)):
            yield (drop.host, drop.key), Told(fitting[0], "packets")


def _told_by(drop: AlignedDrop, candidates: Iterable[str], sizes: set[int], agreements: list[Agreement]) -> str | None:
    """Return the one candidate whose counters have as many packets to spare; None where others' moved too.

    Candidates may share a counter: then the one is meant that has another besides.
    """
    fitting: dict[str, set[int]] = {}
    for reason in candidates:
        spare = {index: agreement.counted - agreement.events for index, agreement in enumerate(agreements)
                 if agreement.equality.concerns(drop.key, reason)}
        if not sizes.issuperset(spare.values()):
            return None
        fitting[reason] = set(spare)
    best = max(fitting, key=lambda reason: len(fitting[reason]), default="")
    rivals = [shared for reason, shared in fitting.items() if reason != best]
    return best if fitting.get(best) and all(shared < fitting[best] for shared in rivals) else None

