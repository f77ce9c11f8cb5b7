"""What a device is called now that had another name when it was seen, by what was recorded of its renaming: pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dropwatchd.history.read.reader import LoggedEvent
from dwreport.evidence.tally import Place

_RENAMED, _WAS = "link renamed", "was "


class Rename(NamedTuple):
    """A device got another name, in the namespace and on the host of its place, which has the old one."""

    time_ns: int
    old: Place
    name: str


def renames(events: Iterable[LoggedEvent]) -> list[Rename]:
    """Return what was renamed, oldest first."""
    return sorted(_renames(events))


def _renames(events: Iterable[LoggedEvent]) -> Iterator[Rename]:
    for event in events:
        if event.kind == _RENAMED and event.detail.startswith(_WAS):
            yield Rename(event.time_ns, Place(event.host, event.netns, event.detail.removeprefix(_WAS)), event.subject)


def renamed(place: Place, seen_ns: int, known: Iterable[Rename]) -> Place:
    """Return a place under the newest name of its device, which was seen under that of the place at a time."""
    for rename in known:
        if rename.time_ns > seen_ns and rename.old == place:
            place = place._replace(interface=rename.name)
    return place
