"""What a finding is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dropwatchd.model import DropKey
from dwreport.causes import Harm
from dwreport.evidence.tally import Place
from dwreport.findings.support import Fact, Who

Confidence = Literal["high", "medium", "low"]
State = Literal["going on", "over"]
SeenBy = Literal["software", "hardware", "counters"]
Event = tuple[str | None, str | None, str | None]


def event_of(key: DropKey) -> Event:
    """Return what the kernel said of a drop: its reason, trap and function, which hold in any boot."""
    return key.kind.reason, key.kind.trap, key.location.symbol


@dataclass(frozen=True, slots=True)
class Basis:
    """By what a finding is known in another window: its place, and what has to have watched there to see it.

    There are `least` to `most` packets for sure within the window. `events` is what the kernel said of them, for the
    same may have another title where the evidence is another; `collectors` read the counters that alone saw it. It is
    `about` so many where samples alone tell how many the filters leave.
    """

    place: Place
    seen_by: SeenBy
    least: int
    most: int
    events: frozenset[Event] = frozenset()
    collectors: frozenset[str] = frozenset()
    about: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause of loss in one place: `count` packets, and why it is believed to be this cause.

    `first_ns` and `last_ns` are None where only counters saw it; `severity` is None where the cause is not known.
    `shape` tells how many packets were dropped in which step of the report, as far as that is known of these alone;
    `state` is None where the record does not tell whether it is over. `placed` says that `advice` runs where the
    loss is, and not in whichever namespace it was. `drops` are those that it is about, or a part of: host and key.
    """

    title: str
    severity: Harm | None
    count: int
    first_ns: int | None
    last_ns: int | None
    evidence: Sequence[Fact]
    who: Sequence[Who]
    advice: str | None
    confidence: Confidence
    hosts: Sequence[str]
    basis: Basis
    shape: Mapping[int, int] = field(default_factory=dict)
    state: State | None = None
    placed: bool = True
    drops: frozenset[tuple[str, DropKey]] = frozenset()
