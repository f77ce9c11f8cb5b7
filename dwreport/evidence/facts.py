"""What a history holds on the drops of a report: the facts that findings are made of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dropwatchd.history.reader import DropTotal, LoggedEvent, PacketRow
from dropwatchd.model import DropKey
from dwreport.evidence.compare import Agreement
from dwreport.evidence.record import Evidence


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
