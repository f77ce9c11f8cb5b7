"""What can be set: by the configuration of this source, and by anybody in the kernel's drop monitor."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from dropwatchd.model import Origin

Mode = Literal["summary", "packet"]


class Config(NamedTuple):
    """How the drop monitor reports: global, and kept from one user to the next.

    `truncation` is in bytes of a packet, 0 for all of it; `queue_length` in packets, for each CPU.
    """

    mode: Mode
    truncation: int
    queue_length: int


class Hold(NamedTuple):
    """The outcome of a look at the monitor, which is on afterwards.

    `config` is in force now. `started` was off before. `restarted`: all was stopped on purpose in between;
    `hurried`: because our own wish had changed.
    """

    config: Config
    started: tuple[Origin, ...]
    restarted: bool
    hurried: bool = False


@dataclass(frozen=True, slots=True)
class StormLimits:
    """`alerts` a second are a storm (0: nothing is); `calm_s` at less than half of that end it.

    The mode changes at most `changes_per_hour` times in an hour: two for each storm and its end, and the last is never
    one to packet mode, so that the next storm can always be answered.
    """

    alerts: int = 20_000
    calm_s: int = 30
    changes_per_hour: int = 6


@dataclass(frozen=True, slots=True)
class NetDmOptions:
    """What a configuration says about this source. `truncation` is in bytes of a packet, 0 for all of it."""

    mode: Mode = "packet"
    software: bool = True
    hardware: bool = False
    truncation: int = 128
    queue_length: int = 4096
    receive_buffer_bytes: int = 64 << 20
    sample_first: int = 4
    sample_limit: int = 256
    storm: StormLimits = field(default_factory=StormLimits)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Return which drops are asked for."""
        wanted: dict[Origin, bool] = {"software": self.software, "hardware": self.hardware}
        return tuple(origin for origin, on in wanted.items() if on)

    def config(self, mode: Mode) -> Config:
        """Return what the kernel is to be set to."""
        return Config(mode, self.truncation, self.queue_length)
