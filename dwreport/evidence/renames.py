"""Devices that were renamed: what they counted under one name may be read under the next one: pure."""

from collections.abc import Iterable, Mapping

from dropwatchd.history.read.reader import LoggedEvent
from dwreport.evidence.tally import Place

RENAMED, _WAS = "link renamed", "was "  # of dropwatchd.kernel.links


def renamed(events: Iterable[LoggedEvent]) -> Mapping[Place, Place]:
    """Return each name that a device had, or took over from another one, with the last of the names given among them.

    Names may be exchanged, and a counter is known by name alone: all that have had one in common are taken together.
    """
    together: dict[Place, set[Place]] = {}
    last: dict[Place, Place] = {}
    for event in events:
        if event.kind != RENAMED or not event.detail.startswith(_WAS):
            continue
        old, new = (Place(event.host, event.netns, name) for name in (event.detail.removeprefix(_WAS), event.subject))
        joined = together.get(old, {old}) | together.get(new, {new})
        for place in joined:
            together[place], last[place] = joined, new
    return last
