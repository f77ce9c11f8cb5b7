"""How a person wants a report: what does not change which packets it is about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """`verbose` is the evidence for every finding; `finding` the number of the only one to be shown."""

    verbose: bool = False
    finding: int | None = None


NOTHING_MORE = Wanted()
