"""Chains of the firewall that may have dropped what no counter has, as they were while packets were dropped: pure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, cast

from dropwatchd.history.read.settings import Level
from dwreport.evidence.observed import Observed
from dwreport.evidence.settings import Span
from dwreport.evidence.tally import Place

How = Literal["policy_drop", "drop_rules"]
_ANY = {"inet", "bridge", "netdev"}
_FAMILIES = {0x0800: _ANY | {"ip"}, 0x86DD: _ANY | {"ip6"}, 0x0806: {"arp", "bridge", "netdev"}}


class Chain(NamedTuple):
    """A chain that drops uncounted: by its policy, or by `rules` rules; `hook` is "" where others jump to it."""

    how: How
    family: str
    table: str
    name: str
    hook: str
    rules: int


@dataclass(frozen=True)
class Chains:
    """What the rule sets were that were read before and after a time; `read` asks for them: few reports need any."""

    read: Callable[[], Iterable[Level]] = tuple

    @cached_property
    def _by_place(self) -> Mapping[Place, Sequence[Level]]:
        found: dict[Place, list[Level]] = {}
        for level in self.read():
            found.setdefault(Place(level.host, level.netns), []).append(level)
        return found

    def uncounted(self, drop: Observed) -> set[Chain]:
        """Return the chains that may have dropped these packets; of none the first drop may be older than its reading.

        A packet of a program here has no device yet when it meets the hook "output", and has one at every other.
        """
        if drop.total is None or drop.netns is None:
            return set()
        during = Span(drop.total.drop.first_ns, drop.total.drop.last_ns)
        here = [level for level in self._by_place.get(Place(drop.host, drop.netns), ())
                if level.value and level.since_ns <= during.first_ns <= during.last_ns <= level.until_ns]
        return {chain for level in here if _fits(chain := _chain(level), drop)}


def _chain(level: Level) -> Chain:
    own = cast("dict[str, str]", json.loads(level.labels))
    return Chain(cast("How", level.name), own.get("family", ""), own.get("table", ""), own.get("chain", ""),
                 own.get("hook", ""), level.value)


def _fits(chain: Chain, drop: Observed) -> bool:
    families = _FAMILIES.get(drop.key.kind.protocol or 0)
    is_sent = drop.key.interface.ifindex is None
    return (families is None or chain.family in families) and (not chain.hook or (chain.hook == "output") == is_sent)
