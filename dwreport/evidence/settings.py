"""How devices were set while packets were dropped: what decides between causes that the kernel does not tell: pure."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from dropwatchd.history.read.reader import DeviceRow
from dropwatchd.history.read.settings import Level
from dwreport.evidence.tally import Place

ELSEWHERE = re.compile(r"#(\d+) in another namespace")
_PAIRED = {"veth", "netkit"}


class Span(NamedTuple):
    """From one moment to another, both within."""

    first_ns: int
    last_ns: int


@dataclass(frozen=True)
class Settings:
    """The settings of devices, as far as they were read before and after a time and had not moved in between.

    `read` asks for them: few reports need any.
    """

    read: Callable[[], Iterable[Level]] = tuple

    @cached_property
    def _levels(self) -> Sequence[Level]:
        return [*self.read()]

    def value(self, place: Place, name: str, during: Span) -> int | None:
        """Return what a setting was all the time, None where that is not on record."""
        return next((level.value for level in self._at(place, name, during)), None)

    def remote(self, place: Place) -> str | None:
        """Return the address of a tunnel's other end, where it has had one alone."""
        found = {level.labels for level in self._by_place.get((place, "remote"), ()) if level.value}
        address = json.loads(found.pop()).get("address") if len(found) == 1 else None
        return address if isinstance(address, str) else None

    def other_end(self, place: Place, ifindex: int | None, devices: Mapping[Place, DeviceRow]) -> Place | None:
        """Return where the other end of a pair is; in another namespace it is the one that points back alone."""
        device = devices.get(place)
        if device is None or device.kind not in _PAIRED or not device.peer:
            return None
        if (elsewhere := ELSEWHERE.match(device.peer)) is None:
            return Place(place.host, place.netns, device.peer)
        back = f"#{ifindex} in another namespace"
        found = {there for there in self._by_index.get((place.host, int(elsewhere[1])), ())
                 if there.netns != place.netns and there in devices and devices[there].peer == back}
        return found.pop() if len(found) == 1 else None

    def _at(self, place: Place, name: str, during: Span) -> Iterable[Level]:
        return (level for level in self._by_place.get((place, name), ())
                if level.since_ns <= during.first_ns <= during.last_ns <= level.until_ns)

    @cached_property
    def _by_place(self) -> Mapping[tuple[Place, str], list[Level]]:
        found: dict[tuple[Place, str], list[Level]] = {}
        for level in self._levels:
            found.setdefault((_place(level), level.name), []).append(level)
        return found

    @cached_property
    def _by_index(self) -> Mapping[tuple[str, int | None], set[Place]]:
        found: dict[tuple[str, int | None], set[Place]] = {}
        for level in self._levels:
            found.setdefault((level.host, level.ifindex), set()).add(_place(level))
        return found


def _place(level: Level) -> Place:
    return Place(level.host, level.netns, level.interface)
