"""Which other drops may count with an equality's counters, for all that is on record of them: pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from dwreport.causes import UNSPECIFIED, Equality
from dwreport.evidence.facts import Facts
from dwreport.evidence.observed import Observed
from dwreport.evidence.settings import ELSEWHERE
from dwreport.evidence.tally import Place
from dwreport.packets.ethertypes import protocol_number
from dwreport.packets.messages import is_message


@dataclass(frozen=True)
class Possible:
    """The drops beside an equality's own that may be among its counters: looked for once, asked for each place."""

    equality: Equality
    facts: Facts

    def at(self, place: Place, own: Collection[Observed], spare: int) -> list[Observed]:
        """Return those of a place.

        Those of another device count here only where it is the other end of a pair, or the device below: then all that
        a place has to spare may be these, or what its own drops leave.
        """
        compared = set(own)
        near = [drop for drop in self._around(place) if drop not in compared and self._is_on(place, drop)]
        if self.equality.per != "interface":
            return near
        far = [drop for drop in self._by_netns.get((place.host, ...), ()) if drop not in compared
               and drop.reason not in self.equality.reasons]  # else it is compared where it was
        rest = spare - sum(drop.host_at_most for drop in near)
        return near + (self._behind(place, far, spare) or self._behind(place, far, rest))

    def _behind(self, place: Place, drops: Collection[Observed], spare: int) -> list[Observed]:
        """Return the drops of the device behind a device, as far as it is on record which one that is.

        Of one in another namespace it is not, and of nothing where the device was not looked at: then `spare` packets
        that the counters have, and as many drops of one such device, are taken to be the same.
        """
        device = self.facts.devices.get(place)
        if device is None:
            return _as_many(drops, spare)
        if elsewhere := ELSEWHERE.match(device.peer or ""):
            index = int(elsewhere[1])
            behind = [drop for drop in drops if drop.netns != place.netns and drop.key.interface.ifindex == index]
            refused = [drop for drop in behind if "dev_forward_skb" in (drop.key.location.symbol or "")]
            return _as_many(behind, spare) or _as_many(refused, spare)  # by this end, which counts these too
        return [drop for drop in drops if drop.netns == place.netns and drop.interface == device.peer and device.peer]

    def _around(self, place: Place) -> Iterator[Observed]:
        """Yield what was, or may have been, in the namespace of a place; of a whole host, all."""
        if self.equality.per == "host" or place.netns is None:
            yield from self._by_netns.get((place.host, ...), ())
        else:
            yield from self._by_netns.get((place.host, place.netns), ())
            yield from self._by_netns.get((place.host, None), ())

    def _is_on(self, place: Place, drop: Observed) -> bool:
        if self.equality.per != "interface" or place.interface is None or drop.interface is None:
            return True
        return self.facts.device(drop.host, drop.netns, drop.interface).interface == place.interface

    @cached_property
    def _by_netns(self) -> Mapping[tuple[str, object], list[Observed]]:
        """Return the drops by host and namespace, None where it is not on record; `...` has all of a host."""
        found: dict[tuple[str, object], list[Observed]] = defaultdict(list)
        for drop in self._all():
            found[drop.host, drop.netns].append(drop)
            found[drop.host, ...].append(drop)
        return found

    def _all(self) -> Iterator[Observed]:
        """Yield the drops that have, or may have, one of the equality's reasons."""
        for reason in (*self.equality.reasons, *self.equality.also):
            for drop in self.facts.by_reason.get(reason, ()):
                if reason in self.equality.also or _fits(self.equality, drop):
                    yield drop
        for drop in self.facts.by_reason.get(None, ()):
            if _is_possible(self.equality, drop):
                yield drop


def _is_possible(equality: Equality, drop: Observed) -> bool:
    """Say whether a drop without a sure reason may have one of the equality's: of a nameless function, any."""
    if UNSPECIFIED in equality.also and not equality.is_alone:
        return not is_message(drop.key)
    if not _fits(equality, drop) or not equality.reasons:
        return False
    nameless = drop.key.location.symbol is None
    return nameless or not set(equality.reasons).isdisjoint(drop.candidates)


def _fits(equality: Equality, drop: Observed) -> bool:
    """Say whether neither protocol nor function of a drop speak against an equality; what is not on record does not."""
    location, kind, _interface = drop.key
    return (kind.origin == "software"
            and (equality.protocol is None or kind.protocol in {None, protocol_number(equality.protocol)})
            and (not equality.places or location.symbol is None
                 or any(fnmatchcase(location.symbol, pattern) for pattern in equality.places)))


def _as_many(drops: Collection[Observed], spare: int) -> list[Observed]:
    """Return the drops of the one device that has as many of them."""
    devices: Counter[tuple[int | None, str | None]] = Counter()
    for drop in drops:
        devices[drop.netns, drop.interface] += drop.host_at_most
    alike = [device for device, count in devices.items() if count == spare]
    return [drop for drop in drops if (drop.netns, drop.interface) in alike[:1]]
