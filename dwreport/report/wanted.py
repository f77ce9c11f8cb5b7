"""How a person wants a report: what does not change which packets it is about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """`verbose` is the evidence for every finding; `finding` the number of the only one to be shown.

    `severities` are those that are asked for, all where there are none; `by` is what drops are added up by. `sort` is a
    field of the rows, of which the first `top` or the `last` are wanted. `filters` are told as they were given.
    """

    verbose: bool = False
    finding: int | None = None
    severities: tuple[str, ...] = ()
    no_benign: bool = False
    by: tuple[str, ...] = ()
    sort: str | None = None
    reverse: bool = False
    top: int | None = None
    last: int | None = None
    filters: tuple[str, ...] = ()

    @property
    def arranged(self) -> bool:
        """Say whether rows are wanted in an order, or so many of them: then each is one."""
        return bool(self.sort or self.reverse or self.top or self.last)


NOTHING_MORE = Wanted()
