"""What a driver's own counters of one device say together: each loss once, under its exact name: pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from dwreport.causes.driver_data import Driver, Rule, drivers, families, family_of, fits

_FEW = 8  # claims of which all choices are tried
_ANY = "*"  # what any driver may count
_PASSED_ON = frozenset({"rx_csum_bad"})  # counted, and given to the kernel all the same, which drops by itself
_EVENTS = frozenset({"rx_no_buffer", "alloc_failed", "dma_failed", "tx_timeout"})
_VAGUE = frozenset({"other_drops", "other_errors", "tx_dropped", "tx_errors", "queue_drops"})

Amount = tuple[str, int]  # "rx_out_of_buffer" or, of several queues, "rx*_dropped", and by how much it moved


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss of a device: `names` make up the count, `agree` are the same packets under other names.

    `less` is what one of the names has of packets that are counted elsewhere. `link` are the interface's counters that
    have these packets too, and how many of them. `beside` moved as well, and is no packets, or it cannot be told
    whether it is others. `at_least`: there may be more, since names may overlap. `packets` is false where times are
    counted. `event`: the kernel tells of each as a drop, too.
    """

    cause: str
    title: str
    harm: str
    count: int
    names: tuple[Amount, ...]
    less: tuple[Amount, ...]
    agree: tuple[Amount, ...]
    link: tuple[Amount, ...]
    beside: tuple[Amount, ...]
    next: str
    packets: bool
    at_least: bool
    event: bool


@dataclass(frozen=True)
class _Claim:
    """What moved of one rule: name -> delta for each way of counting the same packets."""

    rule: Rule
    ways: tuple[Mapping[str, int], ...]
    count: int
    guessed: bool = False  # by a family, not by the driver's file
    vague: bool = False  # it may be the packets of another name
    at_least: bool = False
    less: tuple[Amount, ...] = ()
    agree: tuple[Amount, ...] = ()
    links: tuple[str, ...] = ()  # counters of the interface that may have the packets
    link: tuple[str, ...] = ()  # those that do, by their number
    beside: tuple[Amount, ...] = ()

    @property
    def names(self) -> list[str]:
        return [name for way in self.ways for name in way]

    @property
    def is_tx(self) -> bool:
        if self.rule.link:
            return self.rule.link[0].startswith("tx")
        name = self.names[0].lower()
        return "rx" not in name and re.search("tx|out|send", name) is not None


def losses(driver: str, deltas: Mapping[str, int], link: Mapping[str, int]) -> list[Loss]:
    """Return the losses of one device, the largest first, one for each cause.

    `deltas` are what its driver's counters moved by (collectors ethtool, qstats, ethernet), equal names of several
    queues added up; `link` the same of the interface's own statistics (struct rtnl_link_stats64). Nothing that did not
    move is a loss.
    """
    moved = {name.strip(): delta for name, delta in deltas.items() if delta > 0}
    claims, rest = _by_rules(drivers().get(driver), moved)
    general, rest = _by_rules(drivers()[_ANY], rest)
    claims = [*_without_totals(claims), *_by_families(rest, link)]
    exact = {claim.is_tx for claim in claims if not claim.vague and not claim.rule.events}
    general = [replace(claim, vague=claim.is_tx in exact and not claim.rule.events, guessed=True)
               for claim in _without_totals(general)]
    claims = _weigh([*claims, *general])
    claims = _of_the_link(claims, link)
    by_cause: dict[str, list[_Claim]] = {}
    for claim in claims:
        by_cause.setdefault(claim.rule.cause, []).append(claim)
    return sorted((_loss(cause, same) for cause, same in by_cause.items()), key=lambda loss: -loss.count)


def covered(found: Iterable[Loss]) -> dict[str, int]:
    """Return, for each counter of the interface, how many of its packets drivers' exact names account for."""
    counts: dict[str, int] = {}
    for loss in found:
        for name, count in loss.link:
            counts[name] = counts.get(name, 0) + count
    return counts


def _by_rules(known: Driver | None, moved: Mapping[str, int]) -> tuple[list[_Claim], dict[str, int]]:
    """Return what the driver's file says of the names, and the names that it does not know."""
    if known is None:
        return [], dict(moved)
    rest = {name: delta for name, delta in moved.items() if not fits(name, known.other)}
    claims = []
    for rule in known.loss:
        ways = []
        for pattern in rule.names:
            ways.append({name: delta for name, delta in rest.items() if re.fullmatch(pattern, name)})
            rest = {name: delta for name, delta in rest.items() if name not in ways[-1]}
        if any(ways):
            claims.append(_claim(rule, filter(None, ways)))
    return claims, rest


def _claim(rule: Rule, ways: Iterable[Mapping[str, int]]) -> _Claim:
    """Count what several ways of counting agree on, or else the most that one has; the exact one stands first."""
    ordered = sorted(ways, key=lambda way: -sum(way.values()))  # stable: of equals the exact one stays first
    count = sum(ordered[0].values())
    agree = [amount for way in ordered[1:] for amount in _amounts(way)]
    return _Claim(rule, tuple(ordered), count, agree=tuple(agree), links=rule.link)


def _without_totals(claims: list[_Claim]) -> list[_Claim]:
    """Take parts out of the totals that have them; a total of which nothing is left agrees with its parts."""
    for rule in [claim.rule for claim in claims]:
        total = next(claim for claim in claims if claim.rule is rule)
        parts = [part for part in claims if part is not total and _is_within(part, total)]
        if parts:
            rest = total.count - sum(part.count for part in parts)
            amounts = _amounts(total.ways[0])
            agree, beside = amounts if rest == 0 else (), amounts if rest < 0 else ()
            whole = replace(total, count=rest, less=tuple(_taken(part) for part in parts))
            claims = [whole if claim is total else claim for claim in claims if claim is not total or rest > 0]
            claims = [replace(claim, agree=(*claim.agree, *agree), beside=(*claim.beside, *beside),
                              links=(*claim.links, *total.rule.link)) if claim in parts else claim for claim in claims]
    return claims


def _taken(part: _Claim) -> Amount:
    return ", ".join(name for name, _count in _amounts(part.ways[0])), part.count


def _is_within(part: _Claim, total: _Claim) -> bool:
    return any(fits(name, part.rule.within) for name in total.names)


def _by_families(rest: Mapping[str, int], link: Mapping[str, int]) -> Iterator[_Claim]:
    """Yield what families make of names that no driver's file knows; copies of the interface's own are left to it."""
    ways: dict[str, dict[str, dict[str, int]]] = {}
    for name, delta in rest.items():
        family = family_of(name)
        if not family or family in _PASSED_ON or families()[family]["kind"] == "info":
            continue
        if family in _VAGUE and link.get(name) == delta:
            continue
        ways.setdefault(family, {}).setdefault(_shape(name), {})[name] = delta
    for family, shapes in ways.items():
        claim = _claim(Rule(family, (), events=family in _EVENTS), shapes.values())
        decided = all(sum(way.values()) == claim.count for way in claim.ways)
        yield replace(claim, guessed=True, vague=family in _VAGUE, at_least=not decided,
                      agree=claim.agree if decided else (), beside=() if decided else claim.agree)


def _shape(name: str) -> str:
    return re.sub(r"\d+", "*", name)


def _weigh(claims: list[_Claim]) -> list[_Claim]:
    """Hold vague names against the exact ones of the same direction: they may be the same packets."""
    exact = [claim for claim in claims if not claim.vague]
    for vague in (claim for claim in claims if claim.vague):
        same = [claim for claim in exact if claim.is_tx == vague.is_tx and not claim.rule.events]
        total, amounts = sum(claim.count for claim in same), _amounts(vague.ways[0])
        if vague.count == total:
            exact = [replace(claim, agree=(*claim.agree, *amounts)) if claim in same else claim for claim in exact]
        elif twin := next((claim for claim in same if claim.count == vague.count), None):
            exact = [replace(claim, agree=(*claim.agree, *amounts)) if claim is twin else claim for claim in exact]
        elif vague.count > total:
            less = tuple(_taken(claim) for claim in same)
            exact.append(replace(vague, count=vague.count - total, less=less, at_least=total > 0 or vague.at_least))
        else:
            largest = max(same, key=lambda claim: claim.count)
            exact = [replace(claim, beside=(*claim.beside, *amounts)) if claim is largest else claim for claim in exact]
    return exact


def _of_the_link(claims: list[_Claim], link: Mapping[str, int]) -> list[_Claim]:
    """Say in which of the interface's counters the packets are too, as far as its numbers hold them."""
    packets = [claim for claim in claims if not claim.rule.events]
    found: dict[int, list[str]] = {id(claim): [] for claim in claims}
    for name, delta in link.items():
        named = _held([claim for claim in packets if name in claim.links], delta)
        alike = [claim for claim in packets if claim.guessed and claim.count == delta and _same_way(claim, name)]
        for claim in named or alike[:1]:
            found[id(claim)].append(name)
    return [replace(claim, link=tuple(found[id(claim)])) for claim in claims]


def _held(claims: list[_Claim], delta: int) -> list[_Claim]:
    """Return all claims where a number is large enough for them, else those that are just as many: kernels differ."""
    if sum(claim.count for claim in claims) <= delta:
        return claims
    some = (list(few) for size in range(len(claims) - 1, 0, -1) for few in combinations(claims[:_FEW], size))
    return next((few for few in some if sum(claim.count for claim in few) == delta), [])


def _same_way(claim: _Claim, name: str) -> bool:
    return name.startswith("tx") == claim.is_tx and re.fullmatch(r"[rt]x_\w*(dropped|errors)", name) is not None


def _loss(cause: str, claims: list[_Claim]) -> Loss:
    """Put together what counts for one cause: disjoint by the driver's file, and perhaps the same where guessed."""
    counting = [claim for claim in claims if not claim.rule.events] or claims
    sure = [claim for claim in counting if not claim.guessed]
    guessed = [claim for claim in counting if claim.guessed]
    count = max(sum(claim.count for claim in sure), *(claim.count for claim in guessed), 0)
    largest, text = max(counting, key=lambda claim: claim.count), families()[cause]
    times = [amount for claim in claims if claim not in counting for amount in _amounts(claim.ways[0])]
    return Loss(
        cause, text["title"], text["harm"], count,
        names=tuple(amount for claim in counting for amount in _amounts(claim.ways[0])),
        less=tuple(amount for claim in counting for amount in claim.less),
        agree=tuple(amount for claim in counting for amount in claim.agree),
        link=tuple((name, sum(claim.count for claim in counting if name in claim.link))
                   for name in dict.fromkeys(name for claim in counting for name in claim.link)),
        beside=(*(amount for claim in counting for amount in claim.beside), *times),
        next=largest.rule.next or text.get("next", ""),
        packets=not counting[0].rule.events,
        at_least=any(claim.at_least for claim in counting) or bool(sure and guessed),
        event=all(claim.rule.event for claim in counting),
    )


def _amounts(way: Mapping[str, int]) -> tuple[Amount, ...]:
    """Return names with their numbers, those of several queues put together."""
    shapes: dict[str, list[str]] = {}
    for name in way:
        shapes.setdefault(_shape(name), []).append(name)
    return tuple((names[0] if len(names) == 1 else shape, sum(way[name] for name in names))
                 for shape, names in shapes.items())
