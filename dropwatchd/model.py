"""The nouns that sources, collectors, history and reports share: frozen, and without any I/O."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

Origin = Literal["software", "hardware"]
NANO = 1_000_000_000


class Location(NamedTuple):
    """A place in kernel code: symbol and offset survive KASLR, an address is kept only where no symbol is known."""

    symbol: str | None
    offset: int | None = None
    module: str | None = None
    address: int | None = None

    def printed(self) -> str:
        """Write it as the kernel does, without the function's size: symbol+0xoffset [module], or an address."""
        if self.symbol is None:
            return f"{self.address or 0:#018x}"
        offset = "" if self.offset is None else f"+{self.offset:#x}"
        return f"{self.symbol}{offset}{f' [{self.module}]' if self.module else ''}"


class Kind(NamedTuple):
    """What sort of drop the kernel says it was; None where it does not say.

    `protocol` is the ethertype in host order (0x0800 for IPv4).
    `trap` and `trap_group` are devlink's names, for hardware drops.
    """

    reason: str | None
    protocol: int | None = None
    origin: Origin = "software"
    trap: str | None = None
    trap_group: str | None = None


class Instant(NamedTuple):
    """A moment on two clocks: `wall_ns` since 1970 UTC can be set, `boot_ns` (CLOCK_BOOTTIME) cannot."""

    wall_ns: int
    boot_ns: int


class Namespace(NamedTuple):
    """A network namespace under one name.

    `number` tells it from all others, to be compared and never shown: the kernel's cookie (net->net_cookie, unique for
    a boot) where that is known, else the inode, which a later namespace may have again. `inode` is what people see:
    net:[4026532008]. `kind` says who gave the name: "initial", "netns" (ip netns) or "container", or, where no file
    does, what lives in it: "container" as well, "pod" or "unit".
    """

    number: int
    inode: int | None = None
    name: str | None = None
    kind: str | None = None
    cookie: int | None = None


class Interface(NamedTuple):
    """A network device as it was when the packet was dropped.

    `netns` is the number of its namespace, and the others are what else Namespace has; None where the kernel does not
    say (NET_DM never does). `ifindex` is None where the packet belonged to no device.
    """

    netns: int | None = None
    ifindex: int | None = None
    name: str | None = None
    netns_name: str | None = None
    netns_inode: int | None = None
    netns_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """What a network device is, under one name: counters and next steps mean different things on different kinds.

    `kind` is rtnetlink's ("veth", "bridge", "vxlan"), "loopback", or "physical"; `driver` is that of hardware; `peer`
    is the other end of a pair or the device below ("eth0", "#4 in another namespace"), where the kernel tells.
    """

    time_ns: int
    netns: int
    ifindex: int
    name: str
    kind: str
    driver: str | None = None
    peer: str | None = None


class DropKey(NamedTuple):
    """What drops are counted by."""

    location: Location
    kind: Kind
    interface: Interface


@dataclass(frozen=True, slots=True)
class Drop:
    """`count` packets of `octets` bytes in all, dropped between two times; counts add, so a Drop may stand for many."""

    key: DropKey
    count: int
    octets: int | None
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class PacketSample:
    """The first bytes of one dropped packet, standing for `weight` packets of its key.

    `link_header` says whether `data` starts with the link-layer (Ethernet) header, else with the network header.
    `details` holds what only some sources know (flow action cookie, hardware in-port name).
    """

    key: DropKey
    time_ns: int
    length: int
    data: bytes
    weight: int = 1
    link_header: bool = True
    details: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Stack:
    """How the kernel came to the first drop of a place and reason: `frames` are return addresses, the innermost first.

    The first of them is the place itself. "First" is since the source began to count; `time_ns` is when it was read.
    """

    location: Location
    reason: str | None
    frames: tuple[Location, ...]
    time_ns: int


class GapCause(StrEnum):
    """Why something was not seen. The text is what a report prints."""

    DAEMON_DOWN = "daemon down"
    SOURCE_UNAVAILABLE = "source unavailable"
    SOURCE_FAILED = "source failed"
    MONITORING_STOPPED = "monitoring stopped by another program"
    MODE_CHANGED = "monitoring mode changed by another program"
    STORM = "storm guard changed mode"
    KERNEL_QUEUE = "kernel queue overflow"
    SOCKET_OVERRUN = "socket overrun"
    SUMMARY_FULL = "summary reached 64 locations"
    MAP_FULL = "map full"
    NESTED = "drop inside a drop"
    NO_SYMBOLS = "functions cannot be named"
    SAMPLES_LOST = "packet samples lost"
    STORAGE_STALLED = "storage stalled"
    STORAGE_FULL = "history at its size limit"
    CLOCK_STEP = "clock step"
    COLLECTOR_FAILED = "collector failed"
    EXPIRED = "expired"
    NOTES_DISCARDED = "events discarded"
    ROW_REFUSED = "a row could not be stored"
    FILE_LOST = "history file lost"
    NOT_UPLOADED = "not uploaded"
    NOT_ANSWERED = "not answered"
    CLOCK_OFF = "clock off"
    TWO_MACHINES = "two boots at one time"


class Effect(StrEnum):
    """What a gap means for the drop counts of its time span."""

    BLIND = "blind"      # drops happened unseen, if any: their number is unknown or in `lost`
    PARTIAL = "partial"  # monitoring went on; some drops are missing, `lost` of them where known
    DETAIL = "detail"    # every drop is counted; time resolution, location, or samples are missing


@dataclass(frozen=True, slots=True)
class Gap:
    """What could not be seen: a time span, a cause, and a number where one is known (None: unknown).

    `scope` is "software", "hardware" or "drops" (both) for drop events, "packets" for samples, or "counters".
    """

    since_ns: int
    until_ns: int
    cause: GapCause
    effect: Effect
    lost: int | None = None
    scope: str = "drops"
    detail: str = ""


class Watching(NamedTuple):
    """What is watched: drops of an origin by a source, samples of packets, one collector's counters in a namespace.

    `what` is "software" or "hardware" (drops), "packets", "counters", or "daemon": that it ran, and wrote. `name` is
    the source's or the collector's.
    """

    what: str
    name: str = ""
    netns: int | None = None


SWITCHED_OFF = "switched off"  # the ending of what the configuration wants no longer, while the rest goes on


@dataclass(frozen=True, slots=True)
class Watch:
    """That something was watched without a break from one moment to another.

    `limits` are what is not seen by the nature of the source, from the first moment on: a report says what each means.
    `ending` says why it goes on no longer; "" while it may.
    """

    watching: Watching
    since: Instant
    until: Instant
    limits: tuple[str, ...] = ()
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the host or to the daemon, for the time line: link up, rename, start, reload."""

    time_ns: int
    kind: str
    subject: str
    detail: str = ""
    netns: int | None = None
    ifindex: int | None = None


class CounterKey(NamedTuple):
    """Which counter: names are unique within a collector, interface and labels.

    `labels` are sorted (name, value) pairs, such as (("cpu", "1"),).
    `netns` is the number of the namespace that the counter belongs to, None for one of the whole host.
    """

    collector: str
    name: str
    netns: int | None = None
    ifindex: int | None = None
    interface: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The absolute value of a counter now.

    `bits` is the width at which the kernel wraps it (32 or 64), 0 for a gauge, which rises and falls. `from_zero`: one
    that comes later began at zero since then; a hardware device brings along what it has counted in another namespace.
    """

    key: CounterKey
    value: int
    bits: int = 64
    from_zero: bool = True


Start = tuple[int, Reading]  # when a counter was first read, and what it was then


@dataclass(frozen=True, slots=True)
class CounterChange:
    """A counter moved by `delta` between two readings; `value` is the absolute value at `until_ns`."""

    key: CounterKey
    since_ns: int
    until_ns: int
    delta: int
    value: int
    gauge: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The drops of one key within [start, start + width): the row of the history."""

    start_ns: int
    width_ns: int
    drop: Drop


class Written(NamedTuple):
    """What a history has of a source that outlives its reader: its last write, and up to when it was watched then."""

    number: int
    until: Instant


def _nothing(_number: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Mark:
    """What such a source has told so far, to be written with it, so that the next reader goes on from there.

    `token` tells the source from any other. `prepare` is called with the number of the write right before that is done;
    `spoil` where nobody can go on from that write.
    """

    token: int
    prepare: Callable[[int], None] = _nothing
    spoil: Callable[[int], None] = _nothing

    def part(self) -> "Mark":
        """Return what goes with a part of what was told, if more is to follow."""
        return Mark(self.token, self.spoil, self.spoil)


class Resumed(NamedTuple):
    """What a source has counted `since` then, of a run that nobody is left of."""

    since: Instant
    records: Sequence["Record"]


Record = Drop | PacketSample | Stack | Gap | Event | Device | Namespace
Records = Iterable[Record]
