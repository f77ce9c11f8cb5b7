"""What a test of faults has found, as docs/trust.md tells it: tries, what was lost in silence, how long it took."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from time import monotonic

from tabulate import tabulate

PROPERTY = "torture"  # of a test's report, which workers hand on
HEADERS = ("fault", "tries", "lost without a ledger entry", "recovery, median", "recovery, longest")


@dataclass
class Outcome:
    """One fault: how often it was made, how many drops nobody told of, seconds until everything was on record again."""

    fault: str
    tries: int = 0
    lost: int = 0
    recovery_s: list[float] = field(default_factory=list)

    def add(self, lost: int = 0, recovery_s: float | None = None) -> None:
        self.tries += 1
        self.lost += lost
        if recovery_s is not None:
            self.recovery_s.append(recovery_s)

    def recover(self, wait: Callable[[], object]) -> None:
        """Count how long it takes to wait."""
        begun = monotonic()
        wait()
        self.recovery_s.append(monotonic() - begun)


def table(outcomes: Iterable[Outcome]) -> str:
    """Return a line for each fault; those of one name, from several tests, are one."""
    merged: dict[str, Outcome] = {}
    for outcome in outcomes:
        held = merged.setdefault(outcome.fault, Outcome(outcome.fault))
        held.tries += outcome.tries
        held.lost += outcome.lost
        held.recovery_s += outcome.recovery_s
    return tabulate([(one.fault, f"{one.tries:,}", one.lost, *_times(one.recovery_s)) for one in merged.values()],
                    HEADERS, tablefmt="github", disable_numparse=True)


def _times(seconds: list[float]) -> tuple[str, str]:
    return (f"{median(seconds):.1f} s", f"{max(seconds):.1f} s") if seconds else ("", "")
