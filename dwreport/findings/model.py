"""What a finding is, and the facts that findings are made of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from dropwatchd.history.reader import DropTotal, LoggedEvent, PacketRow
from dropwatchd.model import DropKey
from dwreport.causes import Harm
from dwreport.reconcile import Agreement
from dwreport.reconcile.evidence import Evidence

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Facts:
    """The drops of a report, what was sampled of them, how all drops compare with the counters, and what happened."""

    drops: Sequence[DropTotal]
    packets: Sequence[PacketRow]
    evidence: Evidence
    agreements: Sequence[Agreement]
    netns_names: Mapping[int, str]
    events: Sequence[LoggedEvent] = ()

    @cached_property
    def _sampled(self) -> Mapping[tuple[str, DropKey], list[PacketRow]]:
        found: dict[tuple[str, DropKey], list[PacketRow]] = defaultdict(list)
        for packet in self.packets:
            found[packet.host, packet.key].append(packet)
        return found

    def sampled(self, members: Sequence[DropTotal]) -> list[PacketRow]:
        """Return the packets that were sampled of these drops."""
        return [packet for total in members for packet in self._sampled.get((total.host, total.drop.key), ())]

    @cached_property
    def _compared(self) -> Mapping[tuple[str, DropKey], list[int]]:
        found: dict[tuple[str, DropKey], list[int]] = defaultdict(list)
        for number, agreement in enumerate(self.agreements):
            for key in agreement.keys:
                found[agreement.place.host, key].append(number)
        return found

    def compared(self, members: Sequence[DropTotal]) -> list[Agreement]:
        """Return the comparisons that these drops took part in."""
        found = {number for total in members for number in self._compared.get((total.host, total.drop.key), ())}
        return [self.agreements[number] for number in sorted(found)]


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause of loss: `count` packets, and why it is believed to be this cause.

    `first_ns` and `last_ns` are None where only counters saw it; `severity` is None where the cause is not known.
    """

    title: str
    severity: Harm | None
    count: int
    first_ns: int | None
    last_ns: int | None
    evidence: Sequence[str]
    who: Sequence[str]
    advice: str | None
    confidence: Confidence
    hosts: Sequence[str]
