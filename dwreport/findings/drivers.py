"""Losses that drivers count under names of their own: one for each device and cause, under the exact name: pure."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from dropwatchd.history.read.reader import CounterTotal
from dwreport import causes
from dwreport.causes import UNSPECIFIED
from dwreport.causes.drivers import Amount, Loss, covered, losses
from dwreport.evidence.compare import Evidence
from dwreport.evidence.facts import Facts
from dwreport.evidence.tally import Place
from dwreport.findings import support
from dwreport.findings.finding import Basis, Finding
from dwreport.findings.steps import step
from dwreport.text import named_netns

_OWN = ("ethtool", "qstats", "ethernet")
_LINK = "link"


@dataclass(frozen=True, slots=True)
class Device:
    """What a device's driver and its interface counted; `is_known` says whether its driver is on record."""

    place: Place
    rows: Sequence[CounterTotal]
    losses: Sequence[Loss]
    is_known: bool

    def of_link(self) -> dict[str, int]:
        """Return how many packets of the interface's own counters are the driver's, which names them more exactly."""
        return covered(self.losses) if self.is_known else {}


def devices(facts: Facts) -> list[Device]:
    """Return the devices whose drivers counted losses."""
    own: dict[Place, list[CounterTotal]] = defaultdict(list)
    link: dict[Place, dict[str, int]] = defaultdict(dict)
    for row in facts.counters:
        place = Place(row.host, row.netns, row.interface)
        if row.collector in _OWN and row.delta > 0 and not row.gauge:
            own[place].append(row)
        elif row.collector == _LINK and row.delta > 0:
            link[place][row.name] = link[place].get(row.name, 0) + row.delta
    return [_device(place, rows, link[place], facts) for place, rows in own.items()]


def _device(place: Place, rows: Sequence[CounterTotal], link: Mapping[str, int], facts: Facts) -> Device:
    deltas: dict[str, int] = defaultdict(int)
    for row in rows:
        deltas[row.name] += row.delta
    known = facts.devices.get(place)
    told = (cast("dict[str, str]", json.loads(row.labels)).get("driver") for row in rows)
    driver = next(filter(None, told), known.driver if known else None)
    return Device(place, rows, losses(driver or "", deltas, link), driver is not None)


def findings_of(device: Device, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each loss of packets, unless events or the interface's own counters tell of it already."""
    place = device.place
    for loss in device.losses:
        in_link = not device.is_known and any(count == loss.count for _name, count in loss.link)
        if loss.packets and not loss.event and not in_link and loss.count > _unnamed(evidence, place):
            fact = _fact(loss, device.rows)
            yield Finding(
                loss.title, _harm(loss), loss.count, None, None, [fact],
                [support.OnInterface(place.interface or "", named_netns(place.netns, evidence.facts.names), loss.count,
                                     loss.count)],
                step(causes.filled(loss.next, interface=place.interface), evidence.facts.spaces.get(place.netns or 0)),
                "medium", [place.host],
                Basis(place, "counters", loss.count - fact.straddling, loss.count,
                      collectors=frozenset(row.collector for row in device.rows)))


def _harm(loss: Loss) -> causes.Harm | None:
    return next((harm for harm in ("harmful", "suspect", "benign") if harm == loss.harm), None)


def _fact(loss: Loss, rows: Sequence[CounterTotal]) -> support.ByDriver:
    collectors = {re.sub(r"\d+", "*", row.name.strip()): row.collector for row in rows}

    def written(amounts: Iterable[Amount]) -> dict[str, int]:
        return {f"{collectors.get(re.sub(r'[0-9]+', '*', name), _OWN[0])}/{name}": count for name, count in amounts}

    return support.ByDriver(
        written(loss.names), written(loss.agree), {f"{_LINK}/{name}": count for name, count in loss.link},
        written(loss.less), written(loss.beside), loss.at_least,
        min(loss.count, sum(row.straddling for row in rows if any(name == row.name for name, _count in loss.names))))


def _unnamed(evidence: Evidence, place: Place) -> int:
    """Return how many drops of an interface have no reason: a driver may have made these events itself."""
    return sum(drop.host_at_most for drop in evidence.facts.drops
               if drop.host == place.host and drop.interface == place.interface
               and drop.netns in {None, place.netns} and drop.key.kind.reason in {None, UNSPECIFIED})
