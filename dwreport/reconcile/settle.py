"""The reason of drops for which the kernel gave none, where counters or packets leave just one of its place's: pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from dropwatchd.history.aligned import AlignedDrop
from dropwatchd.model import DropKey
from dwreport import causes
from dwreport.reconcile import Agreement, reconcile
from dwreport.reconcile.algebra import candidates_of
from dwreport.reconcile.evidence import Evidence, Told

_Subject = tuple[tuple[str, DropKey], Told]


def settled(found: Evidence) -> tuple[Evidence, list[Agreement]]:
    """Reconcile, and once more with the reasons that the counters told; where they are silent, packets and names."""
    first = reconcile(found)
    told = {**dict(_told_by_names(found)), **dict(_told_by_packets(found)), **dict(_told_by_counters(found, first))}
    if not told:
        return found, first
    second = replace(found, settled=told)
    return second, reconcile(second)


def _told_by_counters(found: Evidence, agreements: list[Agreement]) -> Iterable[_Subject]:
    """Yield the reasons of drops that one candidate's counters alone account for, to the packet.

    Drops of one function and protocol are taken together: they share their counters.
    """
    groups: dict[tuple[object, ...], list[AlignedDrop]] = defaultdict(list)
    for drop in found.drops:
        if found.candidates(drop.host, drop.key):
            interface, kind = drop.key.interface, drop.key.kind
            groups[drop.host, interface.netns, drop.key.location.symbol, kind.protocol].append(drop)
    for drops in groups.values():
        sizes = {sum(drop.inside for drop in drops), sum(drop.at_most for drop in drops)} - {0}
        if reason := _told_by(drops[0], found.candidates(drops[0].host, drops[0].key), sizes, agreements):
            yield from (((drop.host, drop.key), Told(reason, "counters")) for drop in drops)


def _told_by_names(found: Evidence) -> Iterable[_Subject]:
    """Yield the reasons of drops to which the kernel would have given one, had they been anything else."""
    for drop in found.drops:
        candidates = found.candidates(drop.host, drop.key)
        if (len(candidates) == 1 and len(candidates_of(drop.key, ())) > 1
                and causes.is_checked(found.kernels[drop.host]) and not found.refuted(drop, candidates[0])):
            yield (drop.host, drop.key), Told(candidates[0], "names")


def _told_by_packets(found: Evidence) -> Iterable[_Subject]:
    """Yield the reasons of drops of which all sampled packets have what one candidate's packets have."""
    for drop in found.drops:
        traits = found.traits.get((drop.host, drop.key), frozenset())
        fitting = [name for name in found.candidates(drop.host, drop.key)
                   if (known := causes.reason(name)) and known.packets in traits]
        if len(fitting) == 1 and not found.refuted(drop, fitting[0]):
            yield (drop.host, drop.key), Told(fitting[0], "packets")


def _told_by(drop: AlignedDrop, candidates: Iterable[str], sizes: set[int], agreements: list[Agreement]) -> str | None:
    """Return the one candidate whose counters have as many packets to spare; None where others' moved too.

    Candidates may share a counter: then the one is meant that has another besides.
    """
    fitting: dict[str, set[int]] = {}
    for reason in candidates:
        spare = {index: agreement.counted - agreement.events for index, agreement in enumerate(agreements)
                 if agreement.counted > agreement.events and _counts(agreement, drop, reason)}
        if not sizes.issuperset(spare.values()):
            return None
        fitting[reason] = set(spare)
    best = max(fitting, key=lambda reason: len(fitting[reason]), default="")
    rivals = [shared for reason, shared in fitting.items() if reason != best]
    return best if fitting.get(best) and all(shared < fitting[best] for shared in rivals) else None


def _counts(agreement: Agreement, drop: AlignedDrop, reason: str) -> bool:
    """Say whether an agreement counts drops such as this one for that reason."""
    place, netns = agreement.place, drop.key.interface.netns
    return (agreement.equality.concerns(drop.key, reason) and place.host == drop.host
            and (agreement.equality.per == "host" or place.netns is None or netns in {None, place.netns}))
