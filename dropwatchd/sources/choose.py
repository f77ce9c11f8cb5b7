"""Which sources run on this host: the one that sees most for software drops, and what adds hardware drops."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from dropwatchd.config import Config
from dropwatchd.kernel.devlink import traps
from dropwatchd.kernel.netns_names import NetnsNames
from dropwatchd.model import NANO
from dropwatchd.sources import Source, UnavailableError
from dropwatchd.sources.bpf import BpfSource
from dropwatchd.sources.bpf.keeper import Keeper
from dropwatchd.sources.devlink import DevlinkSource
from dropwatchd.sources.net_dm import NetDmSource

Refusal = tuple[str, UnavailableError]


def open_sources(config: Config, names: NetnsNames | None = None, state: Path | None = None,
                 keeper: Keeper | None = None) -> Iterator[Source | Refusal]:
    """Open what can run, and yield it; yield the name and the reason of each that cannot.

    `state` is the folder for what a source must know after it was killed; `keeper` leaves one in the kernel then.

    For `auto` the first that opens is the only one for software drops. Hardware drops are added where devices have
    devlink traps: by the drop monitor, or by BPF where that cannot run or is not wanted. A source that was asked for by
    name and cannot run raises its UnavailableError.
    """
    for source in candidates(config, names, state, keeper):
        try:
            source.open()
        except UnavailableError as error:
            if config.source != "auto":
                raise
            yield source.name, error
        else:
            yield source
            if source.scope == "software" and config.net_dm.hardware:
                yield from _hardware(config, names, state)
            return


def candidates(config: Config, names: NetnsNames | None = None, state: Path | None = None,
               keeper: Keeper | None = None) -> list[Source]:
    """Return the sources that the configuration allows for software drops, best first. None is open yet."""
    bpf = BpfSource(config.bpf, int(config.window_seconds * NANO), names, keeper)
    net_dm = _net_dm(config, state, software=config.net_dm.software, hardware=config.net_dm.hardware)
    choice: dict[str, list[Source]] = {"auto": [bpf, net_dm], "bpf": [bpf], "net_dm": [net_dm], "none": []}
    return choice[config.source]


def _hardware(config: Config, names: NetnsNames | None, state: Path | None) -> Iterator[Source | Refusal]:
    """Open what sees hardware drops beside a source that does not, where any device could report one.

    The drop monitor keeps packets, too: it comes first, where it is not excluded.
    """
    try:
        present = bool(traps())
    except (LookupError, OSError):  # no devlink
        present = False
    wanted: list[Source] = [DevlinkSource(int(config.window_seconds * NANO), names)] if present else []
    if present and config.source == "auto":
        wanted.insert(0, _net_dm(config, state, software=False, hardware=True))
    for source in wanted:
        try:
            source.open()
        except UnavailableError as error:
            yield f"{source.name} (hardware)", error
        else:
            yield source
            return


def _net_dm(config: Config, state: Path | None, *, software: bool, hardware: bool) -> NetDmSource:
    options = replace(config.net_dm, software=software, hardware=hardware)
    return NetDmSource(options, int(config.window_seconds * NANO), state)

