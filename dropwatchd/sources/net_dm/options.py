"""What can be set: by the configuration of this source, and by anybody in the kernel's drop monitor."""

from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from dropwatchd.model import Origin

Mode = Literal["summary", "packet"]
_U32 = Annotated[int, Meta(ge=0, lt=1 << 32)]


class Config(NamedTuple):
    """How the drop monitor reports: global, and kept from one user to the next.

    `truncation` is in bytes of a packet, 0 for all of it; `queue_length` in packets, for each CPU.
    """

    mode: Mode
    truncation: _U32
    queue_length: _U32


class Hold(NamedTuple):
    """The outcome of a look at the monitor, which is on afterwards.

    `config` is in force now. `started` was off before. `restarted`: all was stopped on purpose in between;
    `hurried`: because our own wish had changed.
    """

    config: Config
    started: tuple[Origin, ...]
    restarted: bool
    hurried: bool = False


class StormLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """When packet mode is given up: `alerts` a second are a storm (0: nothing is); `calm_s` at half of that end it.

    The mode changes at most `changes_per_hour` times in an hour; at least 3, so that packet mode comes back within it.
    """

    alerts: Annotated[int, Meta(ge=0)] = 20_000
    calm_s: Annotated[int, Meta(ge=1, le=3600)] = 30
    changes_per_hour: Annotated[int, Meta(ge=3, le=60)] = 6


class NetDmOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """What a configuration says about this source.

    `hardware` drops are asked for where devices have devlink traps. `truncation` is in bytes of a packet, 0 for all of
    it; samples keep the headers of these, and at most `payload_bytes` behind them. `queue_length` is in packets for
    each CPU, in the kernel.
    """

    mode: Mode = "packet"
    software: bool = True
    hardware: bool = True
    truncation: Annotated[int, Meta(ge=0, le=65_535)] = 128
    payload_bytes: Annotated[int, Meta(ge=0, le=65_535)] = 0
    queue_length: Annotated[int, Meta(ge=1, le=1_048_576)] = 4096
    receive_buffer_bytes: Annotated[int, Meta(ge=65_536, le=1 << 30)] = 64 << 20
    sample_first: Annotated[int, Meta(ge=1, le=1024)] = 4
    sample_limit: Annotated[int, Meta(ge=1, le=65_536)] = 256
    storm: StormLimits = StormLimits()

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Return which drops are asked for."""
        wanted: dict[Origin, bool] = {"software": self.software, "hardware": self.hardware}
        return tuple(origin for origin, on in wanted.items() if on)

    def config(self, mode: Mode) -> Config:
        """Return what the kernel is to be set to."""
        return Config(mode, self.truncation, self.queue_length)
