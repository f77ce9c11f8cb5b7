"""What one transaction sends of one run, and what the central history says it has of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Row = tuple[Any, ...]


class Part(NamedTuple):
    """A watch there, or a part of it: between parts something was lost before it was sent."""

    number: int
    since_ns: int
    until_ns: int
    ending: str


@dataclass(slots=True)
class Sent:
    """What the central history has of a run: `changes_ns` is up to when its counter changes were sent.

    `reach_ns` is when the latest of them was: later, where the clock was set back since.
    """

    changes_ns: int = 0
    reach_ns: int = 0
    last_gap: int = 0
    complete: bool = False
    watches: dict[int, Part] = field(default_factory=dict)


@dataclass(slots=True)
class Marks:
    """What it has of a host: `sendings` of it so far, and its runs by their keys."""

    sendings: int
    runs: dict[int, Sent]


@dataclass(slots=True)
class Slice:
    """Rows of a run by table, in the order of its columns behind host and run; `more`: this was not all of it.

    `run` is the row of the run, and `changes_ns`, `reach_ns` and `complete` what will have been sent with this.
    """

    machine_id: str
    hostname: str
    run_key: int
    run: Row
    changes_ns: int = 0
    reach_ns: int = 0
    complete: bool = False
    more: bool = False
    rows: dict[str, Sequence[Row]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))
