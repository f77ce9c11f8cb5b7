"""What a finding is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dwreport.causes import Harm
from dwreport.findings.support import Fact, Who

Confidence = Literal["high", "medium", "low"]
State = Literal["going on", "over"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause of loss in one place: `count` packets, and why it is believed to be this cause.

    `first_ns` and `last_ns` are None where only counters saw it; `severity` is None where the cause is not known.
    `shape` tells how many packets were dropped in which step of the report, as far as that is known of these alone;
    `state` is None where the record does not tell whether it is over. `placed` says that `advice` runs where the
    loss is, and not in whichever namespace it was.
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
    shape: Mapping[int, int] = field(default_factory=dict)
    state: State | None = None
    placed: bool = True
