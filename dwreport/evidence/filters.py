"""Which losses that counters alone have seen a report's filters leave, as far as a counter tells: pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from dropwatchd.history.scope import Scope
from dwreport.causes import Equality
from dwreport.evidence.tally import Place
from dwreport.packets.ethertypes import protocol_number

Match = Literal["yes", "no", "unknown"]
_EVENTLESS = Equality(counters=(), reasons=())


@dataclass(frozen=True)
class Filters:
    """What narrows a report; `spaces` are the namespaces that are asked for, None where any are."""

    scope: Scope
    spaces: Collection[int] | None = None

    def of_counters(self, place: Place, equality: Equality = _EVENTLESS) -> Match:
        """Say whether packets that counters of a place have seen are such as were asked for.

        A counter knows a place and often a protocol; the reasons are those with which its packets are freed.
        """
        judged = {self._interface(place), self._netns(place.netns), self._reason(equality), self._protocol(equality),
                  "yes" if self.scope.location is None else "unknown",
                  "yes" if self.scope.origin is None else self._origin(place, equality)}
        return "no" if "no" in judged else "unknown" if "unknown" in judged else "yes"

    def _interface(self, place: Place) -> Match:
        wanted = self.scope.interface
        return "yes" if wanted is None else "unknown" if place.interface is None else _is(place.interface == wanted)

    def _netns(self, netns: int | None) -> Match:
        if self.spaces is None:
            return "yes"
        return "unknown" if netns is None else _is(netns in self.spaces)

    def _reason(self, equality: Equality) -> Match:
        wanted = self.scope.reason
        if wanted is None:
            return "yes"
        if wanted not in equality.reasons:
            return "no" if equality.reasons else "unknown"
        return "yes" if len(equality.reasons) == 1 else "unknown"

    def _protocol(self, equality: Equality) -> Match:
        wanted = self.scope.protocol
        if wanted is None:
            return "yes"
        return "unknown" if equality.protocol is None else _is(protocol_number(equality.protocol) == wanted)

    def _origin(self, place: Place, equality: Equality) -> Match:
        if equality.reasons:
            return _is(self.scope.origin == "software")
        return "unknown" if place.interface else _is(self.scope.origin == "software")


def _is(answer: bool) -> Match:  # noqa: FBT001 - it is put in words
    return "yes" if answer else "no"
