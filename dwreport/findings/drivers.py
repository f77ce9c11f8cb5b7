"""What cards count under names of their own, each loss once, and what of the interface's counters that explains."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from dwreport.causes.drivers import Loss, covered, losses
from dwreport.evidence.facts import Facts
from dwreport.evidence.tally import Place

_OWN = {"ethtool", "qstats", "ethernet"}  # collectors of what drivers count, under names that no two devices share
_LINK = "link"


@dataclass
class Card:
    """The counters of one device that moved: its driver's own and the interface's."""

    driver: str = ""
    own: Counter[str] = field(default_factory=Counter)
    link: Counter[str] = field(default_factory=Counter)
    straddling: int = 0


@dataclass(frozen=True)
class Drivers:
    """The losses that drivers tell of, by device, and what they account for."""

    losses: Mapping[Place, Sequence[Loss]]
    straddling: Mapping[Place, int]

    def accounted(self, place: Place, counters: Mapping[str, int]) -> int:
        """Return how many packets of the interface's counters have an exact name of the driver."""
        known = covered(self.losses.get(place, ()))
        return sum(min(known.get(name.removeprefix(f"{_LINK}/"), 0), delta) for name, delta in counters.items())


def drivers(facts: Facts) -> Drivers:
    """Put together what each device's counters say."""
    cards: dict[Place, Card] = defaultdict(Card)
    for row in facts.counters:
        if row.interface is None or row.gauge or row.delta <= 0:
            continue
        card = cards[Place(row.host, row.netns, row.interface)]
        if row.collector in _OWN:
            card.driver = card.driver or cast("dict[str, str]", json.loads(row.labels)).get("driver", "")
            card.own[row.name] += row.delta
            card.straddling += abs(row.straddling)
        elif row.collector == _LINK:
            card.link[row.name] += row.delta
    for place, card in cards.items():
        device = facts.devices.get(place)
        card.driver = card.driver or (device.driver or device.kind or "" if device else "")
    return Drivers({place: losses(card.driver, card.own, card.link) for place, card in cards.items() if card.own},
                   {place: card.straddling for place, card in cards.items()})
