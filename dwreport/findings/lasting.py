"""Whether a loss is over or goes on, as far as the record of the window tells: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Protocol

from dropwatchd.model import NANO
from dwreport.evidence.coverage import assess
from dwreport.evidence.recorded import Recorded, Span
from dwreport.findings.finding import State

_SOON_NS = 10 * NANO   # the last drop is no older than this where a loss goes on, or than twice the usual pause
_LONG_NS = 60 * NANO   # nor than this, whatever is usual; and nothing is over that has paused for less


class Lived(Protocol):
    """When a loss was seen first and last, how many packets it was, and how they spread over the report's steps."""

    @property
    def first_ns(self) -> int | None: ...
    @property
    def last_ns(self) -> int | None: ...
    @property
    def count(self) -> int: ...
    @property
    def shape(self) -> Mapping[int, int]: ...


@dataclass(frozen=True)
class Lasting:
    """What is known of the time after the last drop of a finding.

    `end_ns` is up to when the window was written, or each host has in `ends`, `step_ns` the steps of a finding's shape,
    `asked` the origin of drops that the report is about.
    """

    found: Recorded
    end_ns: int
    step_ns: int
    asked: str | None = None
    ends: Mapping[str, int] = field(default_factory=dict)

    def of(self, hosts: Sequence[str]) -> "Lasting":
        """Return what is known of one host: others may be behind it, or ahead."""
        if len(hosts) != 1 or hosts[0] not in self.ends:
            return self
        return replace(self, found=self.found.by_host[hosts[0]], end_ns=self.ends[hosts[0]])

    def state(self, finding: Lived) -> State | None:
        """Return "going on" where drops came up to the end, and "over" where they ceased for longer than ever before.

        A claim of neither is made where what came after was not watched, or is too short to tell.
        """
        if finding.first_ns is None or finding.last_ns is None or finding.last_ns > self.end_ns + _SOON_NS:
            return None  # that came on record of another host, or while the clock was ahead
        lasted_ns, quiet_ns = finding.last_ns - finding.first_ns, self.end_ns - finding.last_ns
        usual_ns = lasted_ns // max(1, finding.count - 1)
        if lasted_ns and lasted_ns >= quiet_ns and quiet_ns <= min(_LONG_NS, max(_SOON_NS, 2 * usual_ns)):
            return "going on"
        if quiet_ns > max(_LONG_NS, min(lasted_ns, self._pause(finding.shape))) and self._is_watched(finding.last_ns):
            return "over"
        return None

    def _pause(self, shape: Mapping[int, int]) -> int:
        """Return what no pause between drops was longer than: two in steps that follow are up to two steps apart."""
        steps = sorted(step for step, count in shape.items() if count)
        longest = max((after - before for before, after in pairwise(steps)), default=0)
        return (longest + 1) * self.step_ns

    def _is_watched(self, last_ns: int) -> bool:
        window: Span = last_ns, self.end_ns
        return assess(self.found, window, self.asked).status == "complete"
