"""What a Reader returns: rows of a history, typed."""

from dataclasses import dataclass
from typing import NamedTuple

from dropwatchd.model import DropKey


@dataclass(frozen=True, slots=True)
class Run:
    """One life of the daemon; `hostname` is what its machine is called now.

    `until_ns` is up to when it vouched for anything: for later times before, where the clock was set back. `ended`
    says whether it goes on.
    """

    run_id: int
    hostname: str
    machine_id: str
    kernel: str
    since_ns: int
    until_ns: int
    ended: bool


class WatchRow(NamedTuple):
    """That something was watched on a host: see model.Watch. `netns` is an entity's number. A fleet has many."""

    host: str
    run_id: int
    what: str
    name: str
    netns: int | None
    since_ns: int
    until_ns: int
    limits: tuple[str, ...] = ()
    ending: str = ""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """What a device was, under one name: see model.Device."""

    host: str
    netns: int | None
    name: str
    kind: str | None
    driver: str | None
    peer: str | None


@dataclass(frozen=True, slots=True)
class LedgerGap:
    """A row of the ledger, with the host it happened on. `lost` is None where the number is unknown."""

    host: str | None
    since_ns: int
    until_ns: int
    cause: str
    effect: str
    scope: str = "drops"
    lost: int | None = None
    detail: str = ""


class CounterTotal(NamedTuple):
    """By how much a counter moved; `straddling` of that between readings of which one is outside of the window."""

    host: str
    collector: str
    name: str
    netns: int | None
    interface: str | None
    labels: str  # JSON object
    delta: int
    gauge: bool
    straddling: int = 0  # of it may have been before or after the report's window
    netns_name: str | None = None
    netns_inode: int | None = None


@dataclass(frozen=True, slots=True)
class PacketRow:
    """One sampled packet; see model.PacketSample. `queue` is the queueing discipline that says it dropped it."""

    host: str
    key: DropKey
    time_ns: int
    length: int
    weight: int
    link_header: bool
    data: bytes
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """Something that happened on a host or to its daemon; see model.Event."""

    host: str
    time_ns: int
    kind: str
    subject: str
    detail: str
    netns: int | None
