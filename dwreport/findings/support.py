"""What speaks for a finding, and who had part in it: data, each a fact of one kind, without any words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dwreport.evidence.chains import Chain
from dwreport.evidence.observed import Means

EndKind = Literal["port", "transport", "source", "destination"]
Tells = Literal["agree", "counter-only", "events-only"]


@dataclass(frozen=True, slots=True)
class Where:
    """A place: of one, its interface and namespace, where these are known and not the whole host."""

    places: int = 1
    interface: str | None = None
    netns: str | None = None


@dataclass(frozen=True, slots=True)
class Events:
    """So many events of one reason or trap in one function; neither is known where both are None."""

    reason: str | None
    trap: str | None
    function: str | None
    count: int


@dataclass(frozen=True, slots=True)
class MoreEvents:
    """The events of further functions and reasons."""

    count: int
    places: int


@dataclass(frozen=True, slots=True)
class ToldBy:
    """By what a cause is known that the kernel did not name; of packets, what all `samples` have.

    `is_newer` says that the kernel is newer than the sources by which the other causes were ruled out. Of sizes,
    `where` is the device that refused the packets, and `mtu` what it takes, 0 while it was down.
    """

    means: Means
    cause: str
    samples: int = 0
    trait: str | None = None
    is_newer: bool = False
    where: Where | None = None
    mtu: int = 0


@dataclass(frozen=True, slots=True)
class CalledBy:
    """The functions of the kernel that led to the first of such drops, the innermost first; `more` are not named."""

    functions: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Closer:
    """A counter that accounts for every packet, and says more than the kernel's reason."""

    counter: str


@dataclass(frozen=True, slots=True)
class MayBe:
    """What the drops may have been, which nothing decides."""

    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotBy:
    """Causes that the drops did not have, each with the counter that rested."""

    rested: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened where the drops were; `after_first_ns` is negative before the first of them."""

    event: str
    subject: str
    detail: str
    after_first_ns: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Counters against events of the same place, between two readings of the counters.

    `counted` is less than the counters where parts of these are compared elsewhere. `exact` says that these are all
    events of the finding and no others; `surplus` is positive where counters have more, negative where events have.
    """

    verdict: Tells
    counters: Mapping[str, int]
    counted: int
    least: int
    most: int
    surplus: int
    where: Where
    exact: bool
    others: bool
    because: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Counters that add up to the events, to the packet: the finding has the part of one of them."""

    events: int
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Packets that were not compared, and why."""

    count: int
    because: str


@dataclass(frozen=True, slots=True)
class MayCount:
    """Counters that no other events account for: they may have counted these drops, or others that nobody saw."""

    counters: Mapping[str, int]
    spare: int
    where: Where


@dataclass(frozen=True, slots=True)
class ByRule:
    """A rule of the firewall that counted."""

    labels: Mapping[str, str]
    count: int


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Chains of the firewall that drop without counting it; `is_alone`: nothing else of the rule set can have."""

    chains: tuple[Chain, ...]
    is_alone: bool


@dataclass(frozen=True, slots=True)
class Rested:
    """Other parts of the same total that were read and did not move: fault and counter."""

    faults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Apart:
    """A total that holds more than the finding, and its parts."""

    total: str
    count: int
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counted:
    """Counters that moved without events; `count` of `whole` packets have none, for want of a reason why is unknown.

    `straddling` of these may have been lost just before the window: the reading before lies outside of it.
    """

    counters: Mapping[str, int]
    count: int
    whole: int
    where: Where
    because: str
    straddling: int


@dataclass(frozen=True, slots=True)
class ByDriver:
    """Counters of a driver, under its own names.

    `agree` are the same packets under other names, and `link` in the interface's own counters; `less` is taken off,
    for it is told elsewhere; `beside` moved too, and is no packets, or cannot be told from these. `straddling` of it
    may have been counted just before the window.
    """

    counters: Mapping[str, int]
    agree: Mapping[str, int]
    link: Mapping[str, int]
    less: Mapping[str, int]
    beside: Mapping[str, int]
    at_least: bool
    straddling: int


@dataclass(frozen=True, slots=True)
class LargePackets:
    """Packets longer than a frame: each is one packet of several segments (GSO, GRO), and counts as one."""

    longest: int


@dataclass(frozen=True, slots=True)
class OneSocket:
    """A socket by its local address; `peer` is the only one whose packets it takes."""

    local: str
    peer: str | None


@dataclass(frozen=True, slots=True)
class OtherSocket:
    """Sockets of a port of which none took the packets; where nobody `looked` for them, none is no proof of none."""

    port: str
    sockets: tuple[OneSocket, ...]
    looked: bool


@dataclass(frozen=True, slots=True)
class SentAgain:
    """Segments of TCP that were sent again, beside so many that were `sent` for the first time (0: not known)."""

    count: int
    sent: int
    flows: int


@dataclass(frozen=True, slots=True)
class PeerLoss:
    """Segments sent again to a peer, and what was dropped on this host of packets to it, and of those from it.

    `port` is the service's, here or at the peer. `verdict` is "nowhere" where no packet was dropped on this host that
    can have been one of these, "open" where nobody can tell, `because`.
    """

    peer: str
    port: int
    is_local: bool
    count: int
    to: Mapping[str, int]
    back: Mapping[str, int]
    verdict: Literal["here", "nowhere", "open"]
    because: str


Fact = (Events | MoreEvents | ToldBy | CalledBy | Closer | MayBe | NotBy | Happened | Compared | Parts | NotCompared
        | MayCount | ByRule | Uncounted | Rested | Apart | Counted | ByDriver | LargePackets | OtherSocket | SentAgain
        | PeerLoss)


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the samples, in percent, with the error of sampling (in 95 of 100 samplings; 0 of a whole count).

    The samples stand for `covers` of the finding's `packets`: of some rows none may have been kept.
    """

    percent: float
    error: float
    covers: int
    packets: int


@dataclass(frozen=True, slots=True)
class OnInterface:
    """An interface, in a namespace, with its part of all packets."""

    interface: str
    netns: str | None
    count: int
    packets: int


@dataclass(frozen=True, slots=True)
class MoreInterfaces:
    """Interfaces that are not named."""

    count: int


@dataclass(frozen=True, slots=True)
class Ends:
    """Where packets came from or went to: the foremost of so many, and others that may as well be the foremost.

    `kind` is "port" (udp/5060), "transport" (icmp), "source" or "destination". `network` holds all of them, if one
    does and they are too many to be named.
    """

    kind: EndKind
    foremost: Mapping[str, Share]
    of: int
    network: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose socket lost packets; `process` is None where it could not be seen."""

    local: str
    process: str | None
    pid: str | None
    unit: str | None
    lost: int
    is_named_by_address: bool = False


Who = OnInterface | MoreInterfaces | Ends | Owner
