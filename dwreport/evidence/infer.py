"""The reason of drops for which the kernel gave none, where counters or packets leave just one of its place's: pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from dwreport import causes
from dwreport.causes import candidates_of
from dwreport.evidence.compare import Agreement, Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.observed import Observed, Told
from dwreport.evidence.sizes import told_by_sizes

_Inferred = tuple[Observed, Told]
_Spare = Mapping[tuple[str, object], list[Agreement]]


def inferred(facts: Facts) -> Evidence:
    """Compare, and once more with the reasons told by counters; where they are silent, by packets or what is left."""
    first = Evidence(facts)
    spare = _to_spare(first.agreements)
    told = {**dict(_told_by_elimination(facts)), **dict(_told_by_packets(facts, spare)),
            **dict(_told_by_counters(facts, spare)), **dict(told_by_sizes(facts))}
    return Evidence(facts.with_told(told)) if told else first


def _told_by_counters(facts: Facts, spare: _Spare) -> Iterable[_Inferred]:
    """Yield the reasons of drops that one candidate's counters alone account for, to the packet.

    Drops of one function and protocol that may have been the same are taken together: they share their counters.
    """
    groups: dict[tuple[object, ...], list[Observed]] = defaultdict(list)
    for drop in facts.drops:
        if drop.candidates:
            location, kind, _interface = drop.key
            groups[drop.host, drop.netns, location.symbol, kind.protocol, drop.candidates].append(drop)
    for drops in groups.values():
        sizes = {sum(drop.inside for drop in drops), sum(drop.at_most for drop in drops)} - {0}
        if reason := _told_by(drops[0], sizes, _near(drops[0], spare)):
            yield from ((drop, Told(reason, "counters")) for drop in drops)


def _to_spare(agreements: Iterable[Agreement]) -> _Spare:
    """Return by host and namespace the comparisons in which counters have more packets than the events; `...`: all."""
    found: dict[tuple[str, object], list[Agreement]] = defaultdict(list)
    for agreement in agreements:
        if agreement.counted > agreement.events:
            for netns in (agreement.place.netns, ...):
                found[agreement.place.host, netns].append(agreement)
    return found


def _near(drop: Observed, spare: _Spare) -> list[Agreement]:
    """Return those of them that count where a drop happened, or on its whole host."""
    return [agreement for netns in ((...,) if drop.netns is None else (None, drop.netns))
            for agreement in spare.get((drop.host, netns), ())]


def _told_by_elimination(facts: Facts) -> Iterable[_Inferred]:
    """Yield the reasons of drops that can have had no other.

    The kernel would have named it, or its counter would have moved, or its packets would have been others.
    """
    for drop in facts.drops:
        candidates = drop.candidates
        left = [name for name in candidates
                if facts.fits(drop, name) is not False and not facts.refuted(drop, name)]
        place = causes.location(drop.key.location.symbol or "")
        sure = len(candidates) == 1 < len(candidates_of(drop.key, ())) or (place is not None and place.complete)
        standing = _standing(drop, facts) if len(left) == 1 and sure else "open"
        if standing != "open":
            yield drop, Told(left[0], "names" if len(candidates) == 1 else "others", standing == "newer")


def _standing(drop: Observed, facts: Facts) -> causes.Standing:
    """Say what the list of candidates is worth on the kernels that dropped, by the reasons that these gave there."""
    symbol = drop.key.location.symbol or ""
    return causes.standing(symbol, facts.kernels.get(drop.host, ()), facts.named_in(drop.host, symbol))


def _told_by_packets(facts: Facts, spare: _Spare) -> Iterable[_Inferred]:
    """Yield the reasons of drops of which all sampled packets have what one candidate's packets have.

    A counter of another candidate that has more packets than events leaves that open.
    """
    for drop in facts.drops:
        candidates = drop.candidates
        fitting = [name for name in candidates if facts.fits(drop, name)]
        if (len(fitting) == 1 and not facts.refuted(drop, fitting[0])
                and not any(agreement.equality.concerns(drop.key, name) for agreement in _near(drop, spare)
                            for name in candidates if name not in fitting)):
            yield drop, Told(fitting[0], "packets")


def _told_by(drop: Observed, sizes: set[int], agreements: list[Agreement]) -> str | None:
    """Return the one candidate whose counters have as many packets to spare; None where others' moved too.

    Candidates may share a counter: then the one is meant that has another besides.
    """
    fitting: dict[str, set[int]] = {}
    for reason in drop.candidates:
        spare = {index: agreement.counted - agreement.events for index, agreement in enumerate(agreements)
                 if agreement.equality.concerns(drop.key, reason)}
        if not sizes.issuperset(spare.values()):
            return None
        fitting[reason] = set(spare)
    best = max(fitting, key=lambda reason: len(fitting[reason]), default="")
    rivals = [shared for reason, shared in fitting.items() if reason != best]
    return best if fitting.get(best) and all(shared < fitting[best] for shared in rivals) else None

