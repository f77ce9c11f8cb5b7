"""What a finding is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dwreport.causes import Harm
from dwreport.findings.support import Fact, Who

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause of loss in one place: `count` packets, and why it is believed to be this cause.

    `first_ns` and `last_ns` are None where only counters saw it; `severity` is None where the cause is not known.
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
