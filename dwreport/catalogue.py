"""The one door to the catalogue of causes: what a drop or a counter means, where that is known."""

import re
import shlex

from dropwatchd.model import DropKey
from dwreport import causes
from dwreport.causes import Cause, Location

_UNTELLING = "NOT_SPECIFIED"
_PLACE = re.compile(r"\{(\w+)\}|<(source|destination)>")


def of_drop(key: DropKey) -> Cause | None:
    """Return the meaning of a drop: of its trap, of its reason, or of its location where no reason tells."""
    reason, symbol = key.kind.reason, key.location.symbol
    if key.kind.trap:
        return causes.trap(key.kind.trap)
    if reason and reason != _UNTELLING and (found := causes.reason(reason, symbol)):
        return found
    return of_place(key) or (causes.reason(reason) if reason else None)


def of_place(key: DropKey) -> Location | None:
    """Return what the function of a drop without a telling reason means."""
    place = causes.location(key.location.symbol) if key.location.symbol else None
    return place.untold() if place and key.kind.reason is None else place


def of_counter(collector: str, name: str) -> Cause | None:
    """Return the meaning of a counter."""
    return causes.counter(collector, name)


def advice(cause: Cause, interface: str | None, **known: str) -> str | None:
    """Return the next step, for the interface at hand: quoted, for a name must not become part of a command.

    Other values may be known too (port, symbol, source, destination); what is not stands in capitals: PORT.
    """
    values = {name: shlex.quote(value) for name, value in {**known, "interface": interface}.items() if value}
    return _PLACE.sub(lambda place: values.get(place[1] or place[2], place[0] if place[2] else place[1].upper()),
                      cause.next) or None
