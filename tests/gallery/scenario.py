"""What a scenario is: one cause of drops, how to provoke it, and what a record of it must say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.gallery.namespace import command
from tests.gallery.stage import Stage

NO_MAC_HEADER = "packet mode skips packets without a MAC header, as all are that were never on a wire"
NO_OUT_PORT = "NET_DM tells the interface that a packet came in by, not the one it was to leave by"
NO_ROUTE_NO_SOCKET = "the packet has lost device and route by then, and before 6.11 the kernel does not tell its socket"
NO_IN_PORT = "the packet is dropped before the kernel has noted the interface it came in by"


class MissingError(Exception):
    """This kernel or host cannot play the scenario; the text says what is not there."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A counter that must move by as much as was dropped, or at least so much.

    `labels` are those that its collector gives it; only the ones named here are compared.
    """

    collector: str
    name: str
    interface: str | None = None
    at_least: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    role: str = "host"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One cause. `provoke` plays it on a stage and returns how many packets that dropped, exactly.

    `reasons` are the names that kernels give it, the newest first; `locations` the functions it happens in, by which
    it is known where the source tells no reason, or where the kernel does not: `reasonless` lists such kernels.
    `interface` is None where no device is involved. `trap` is devlink's name where the hardware drops.
    `silent` says, kernel or source -> why, where there is no event to be had; such a scenario rests on its counters.
    `mixed` says the same of sources whose events cannot be told from others' that are no part of the scenario.
    `nameless` says the same of the interface's name. Kernels are "6.1", "6.12", "6.18"; sources "bpf", "net_dm",
    "net_dm summary"; "*" is all. `beside` are functions in which the scenario drops packets of another cause.
    `named` are entries of the catalogue of which one must be the headline of a finding, where these are others than
    `reasons`; `reads` are collectors that this takes besides those of `counters`. `module` is one that many kernels
    have not: without it the scenario is left to the guests, which have it. `prepare` sets up what must have been there
    when counters were read first.
    """

    title: str
    provoke: Callable[[Stage], int]
    reasons: tuple[str, ...]
    locations: tuple[str, ...]
    interface: str | None = "in0"
    role: str = "host"
    reasonless: tuple[str, ...] = ()
    trap: str | None = None
    counters: tuple[Moved, ...] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    mixed: Mapping[str, str] = field(default_factory=dict)
    nameless: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    module: str | None = None
    named: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    prepare: Callable[[Stage], None] | None = None

    @property
    def is_playable(self) -> bool:
        """Say whether the running kernel has what the scenario takes."""
        if self.module is None:
            return True
        try:
            command(f"modprobe --dry-run --quiet {self.module}")
        except (RuntimeError, OSError):
            return False
        return True
