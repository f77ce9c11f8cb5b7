"""What one transaction of the history holds."""

from dataclasses import dataclass, field

from dropwatchd.model import CounterChange, Event, Gap, PacketSample, Start, Window


@dataclass(frozen=True, slots=True)
class Round:
    """How one round of one collector went."""

    collector: str
    time_ns: int
    busy_ns: int
    failed: bool = False


Visits = tuple[int, int]  # to one namespace: when the first round in it had ended, and when the last one began


@dataclass(slots=True)
class Batch:
    """What is written in one transaction. `seen_ns`: every drop before this time is in it, or in an earlier one."""

    seen_ns: int
    windows: list[Window] = field(default_factory=list)
    packets: list[PacketSample] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    changes: list[CounterChange] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    visits: dict[int, Visits] = field(default_factory=dict)
    namespaces: dict[int, str] = field(default_factory=dict)
