"""The evidence for a finding in words: where its events were, and what the counters say to them: pure."""

import json
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

from dropwatchd.history.reader import CounterTotal, LoggedEvent
from dropwatchd.model import DropKey, Interface
from dwreport.evidence.ask import BEFORE_NS
from dwreport.evidence.compare import Agreement
from dwreport.evidence.record import Evidence
from dwreport.evidence.tally import Place
from dwreport.findings.group import Group, place_name
from dwreport.reconcile.algebra import UNSPECIFIED
from dwreport.text import counted, duration, netns_text, number

_MOST_PLACES = 3
_UNKNOWN = "why is not known"
_TOO_NEAR = "too near to the first or last reading of the counters"
_RULES = ("nftables/packets", "iptables/packets")
Names = Mapping[int, str]


def events(group: Group) -> list[str]:
    """Say how many events of which reason there were in which function."""
    found: Counter[tuple[str, str]] = Counter()
    for total in group.drops:
        kind = total.drop.key.kind
        unsaid = kind.reason is None or kind.reason == UNSPECIFIED
        what = f"trap {kind.trap}" if kind.trap else "no reason given" if unsaid else str(kind.reason)
        found[what, "" if kind.trap else f" in {place_name(total.drop.key)}"] += total.drop.count
    lines = [f"{what}: {counted(count, 'event')}{place}" for (what, place), count in found.most_common(_MOST_PLACES)]
    rest = found.total() - sum(count for _what, count in found.most_common(_MOST_PLACES))
    return [*lines, f"{counted(rest, 'event')} in {len(found) - _MOST_PLACES} more places"] if rest else lines


def happened(group: Group, logged: Iterable[LoggedEvent]) -> list[str]:
    """Say what happened where the drops were, shortly before them or meanwhile, that such drops follow."""
    first_ns = min(total.drop.first_ns for total in group.drops)
    last_ns = max(total.drop.last_ns for total in group.drops)
    places = {(total.host, total.drop.key.interface.netns) for total in group.drops}
    found = [event for event in logged if group.cause and event.kind in group.cause.follows
             and first_ns - BEFORE_NS <= event.time_ns <= last_ns
             and not places.isdisjoint({(event.host, event.netns), (event.host, None)})]
    return [f"{event.kind}: {event.subject}{f' ({event.detail})' if event.detail else ''}, "
            f"{duration(abs(event.time_ns - first_ns))} {'before' if event.time_ns < first_ns else 'after'} the first"
            for event in found[-_MOST_PLACES:]]


def comparisons(group: Group, agreements: Sequence[Agreement], names: Names) -> list[str]:
    """Say what the counters have to each, the same of several places in one line."""
    own = {total.drop.key for total in group.drops}
    alike: dict[tuple[object, ...], list[Agreement]] = defaultdict(list)
    for agreement in agreements:
        if agreement.verdict in {"agree", "counter-only", "events-only"}:
            alike[id(agreement.equality), agreement.verdict, agreement.because].append(agreement)
    lines = [_comparison(same, group, own, names) for same in alike.values()]
    return lines + [f"{number(count)} not compared: {why}" for why, count in _not_compared(agreements, group).items()]


def _not_compared(agreements: Sequence[Agreement], group: Group) -> Counter[str]:
    """Return why how many drops have not been compared: an agreement elsewhere says nothing of them."""
    found: Counter[str] = Counter()
    for agreement in agreements:
        why = _TOO_NEAR if agreement.verdict == "not yet read" else agreement.because
        if why and agreement.verdict in {"not looked", "uncounted", "not yet read"}:
            found[why] += _count(group, [agreement])
    return found


def _count(group: Group, agreements: Sequence[Agreement]) -> int:
    """Return how many drops of a group were compared: it is of the window, which readings need not begin with."""
    keys = {(agreement.place.host, key) for agreement in agreements for key in agreement.keys}
    return sum(total.drop.count for total in group.drops if (total.host, total.drop.key) in keys)


def _comparison(same: Sequence[Agreement], group: Group, own: AbstractSet[DropKey], names: Names) -> str:
    first = same[0]
    seen = sum(agreement.events for agreement in same)
    most = seen + sum(agreement.edge for agreement in same)
    have = sum(agreement.counted for agreement in same)
    whole = sum(sum(agreement.counters.values()) for agreement in same)
    rest = f" ({number(have)} without its other parts)" if first.equality.less and have != whole else ""
    what = f"{counters(same)}{rest}{where(same, names)}"
    because = f" ({first.because})" if first.because else ""
    others = "" if all(agreement.keys <= own for agreement in same) else ", others among them"
    compared = f" for {_range(seen, most, have)}{others}"
    if first.verdict == "agree":
        exact = have == _count(group, same) and not others
        return f"agrees: {what}{'' if exact else compared}{because}"
    more = f"{number(have - most)} more counted" if first.verdict == "counter-only" else f"{number(seen - have)} fewer"
    return f"differs: {what}{compared}, {more}{because or f' ({_UNKNOWN})'}"


def _range(seen: int, most: int, have: int) -> str:
    """Return the events between two readings: exactly as many as were counted, or from so many to so many."""
    if seen == most or have in {seen, most}:
        return f"{counted(have if have in {seen, most} else seen, 'event')} between two readings"
    return f"{number(seen)} to {number(most)} events between two readings"


def counters(same: Iterable[Agreement]) -> str:
    """Write counters and by how much they moved; of several that did not, the first."""
    moved: Counter[str] = Counter()
    still: list[str] = []
    for agreement in same:
        moved.update({name: delta for name, delta in agreement.counters.items() if delta})
        still += agreement.counters
    found = [f"{shown(name)} +{number(delta)}" for name, delta in moved.most_common()]
    return ", ".join(found) or f"{shown(still[0])} +0"


def shown(name: str) -> str:
    """Write a counter as tables do: its collector and its name."""
    return name.replace("/", " ")


def where(same: Sequence[Agreement], names: Names) -> str:
    """Say where, unless it is the initial namespace or the whole host."""
    if len(same) > 1:
        return f" in {len(same)} places"
    place = same[0].place
    namespace = netns_text(Interface(place.netns, netns_name=names.get(place.netns or -1)))
    device = f" on {place.interface}" if place.interface else ""
    return device + ("" if namespace in {None, "init"} else f" in {namespace}")


def rule_rows(agreements: Iterable[Agreement], found: Evidence) -> list[CounterTotal]:
    """Return the firewall rules that counted, the most first."""
    rows = [row for agreement in agreements for name in _RULES if name in agreement.counters
            for row in found.tally.rows(name, agreement.place)]
    return sorted(rows, key=lambda row: -row.delta)


def rules(rows: Sequence[CounterTotal]) -> list[str]:
    """Name the firewall rules that counted most."""
    return [f"by rule: {_rule(row.labels)} +{number(row.delta)}" for row in rows[:_MOST_PLACES]]


def listing(row: CounterTotal) -> str | None:
    """Return the command that lists a rule's chain; quoted, for a name must not become part of it."""
    values = {name: shlex.quote(value) for name, value in cast("dict[str, str]", json.loads(row.labels)).items()}
    if "chain" not in values or "table" not in values:
        return None
    if row.collector == "nftables":
        return f"nft -a list chain {values.get('family', 'ip')} {values['table']} {values['chain']}"
    program = "ip6tables" if values.get("family") == "ip6" else "iptables"
    return f"{program} -t {values['table']} -vnL {values['chain']} --line-numbers"


def _rule(labels: str) -> str:
    """Write a rule as nft and iptables list it: where it stands, and its comment or number."""
    values = cast("dict[str, str]", json.loads(labels))
    place = [values[name] for name in ("family", "table", "chain", "counter", "rule") if name in values]
    handle = [f"handle {values['handle']}"] if "handle" in values else []
    comment = [f'"{values["comment"]}"'] if "comment" in values else []
    return " ".join([*place, *handle, *comment])


def excluded(group: Group, candidates: Iterable[str], found: Evidence) -> dict[str, str]:
    """Return the reasons that the drops cannot have had, each with a counter that would have moved and did not."""
    keys = {total.drop.key for total in group.drops}
    drops = [drop for drop in found.drops if drop.key in keys]
    refuted = ((reason, [found.refuted(drop, reason) for drop in drops]) for reason in candidates)
    return {reason: counters[0] for reason, counters in refuted if counters and counters[0] and all(counters)}


def ruled_out(own: Iterable[Agreement], everything: Iterable[Agreement]) -> list[str]:
    """Say which other parts of the same total were looked at and did not move."""
    places: dict[str, set[Place]] = defaultdict(set)
    for agreement in own:
        if agreement.equality.total and agreement.verdict == "agree" and agreement.counted:
            places[agreement.equality.total].add(agreement.place)
    still: dict[tuple[str, str], bool] = {}
    for agreement in everything:
        equality = agreement.equality
        if equality.total and not equality.less and agreement.place in places[equality.total]:
            what = equality.fault, equality.counters[0]
            still[what] = still.get(what, True) and not agreement.counted and not agreement.drops
    found = [f"{fault} ({shown(name)} +0)" for (fault, name), rests in still.items() if rests]
    return [f"not {' nor '.join(found)}"] if found else []


def taken_apart(own: Iterable[Agreement], everything: Sequence[Agreement], found: Evidence) -> Iterator[str]:
    """Yield totals that hold more than this finding, taken apart; the rest is named where there is one."""
    for total, place in sorted({(agreement.equality.total, agreement.place) for agreement in own
                                if agreement.equality.total and agreement.counted}, key=str):
        parts = [agreement for agreement in everything
                 if agreement.equality.total == total and agreement.place == place and agreement.counted]
        if len(parts) > 1:
            named = ", ".join(f"{part.equality.fault} {number(part.counted)}" for part in parts)
            yield f"{total} +{number(found.delta(total, place) or 0)} is {named}"
