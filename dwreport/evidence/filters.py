"""Which losses that counters alone have seen a report's filters leave, as far as a counter tells: pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from dropwatchd.history.read.patterns import matches, printed
from dropwatchd.history.read.scope import Scope
from dwreport.causes import Equality, called
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
                  "unknown" if self.scope.location or self.scope.only else "yes",
                  "yes" if self.scope.origin is None else self._origin(place, equality)}
        return "no" if "no" in judged else "unknown" if "unknown" in judged else "yes"

    def _interface(self, place: Place) -> Match:
        asked = self.scope.interface
        if not asked:
            return "yes"
        name = place.interface
        return "unknown" if name is None else _is(matches(asked, {name, printed(name)}))

    def _netns(self, netns: int | None) -> Match:
        if self.spaces is None:
            return "yes"
        return "unknown" if netns is None else _is(netns in self.spaces)

    def _reason(self, equality: Equality) -> Match:
        asked = self.scope.reason
        if not asked:
            return "yes"
        if not equality.reasons:
            return "unknown"
        found = {matches(asked, called(reason)) for reason in equality.reasons}
        return "unknown" if len(found) > 1 else _is(found.pop())

    def _protocol(self, equality: Equality) -> Match:
        asked = self.scope.protocol
        if not asked:
            return "yes"
        protocol = equality.protocol
        return "unknown" if protocol is None else _is(matches(asked, {str(protocol_number(protocol))}))

    def _origin(self, place: Place, equality: Equality) -> Match:
        if equality.reasons:
            return _is(self.scope.origin == "software")
        return "unknown" if place.interface else _is(self.scope.origin == "software")


def _is(answer: bool) -> Match:  # noqa: FBT001 - it is put in words
    return "yes" if answer else "no"
