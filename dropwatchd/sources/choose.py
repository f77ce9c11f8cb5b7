"""Which sources run on this host: the one that sees most for software drops, and what adds hardware drops."""

from collections.abc import Iterator

from dropwatchd.config import Config
from dropwatchd.model import NANO
from dropwatchd.sources import Source, UnavailableError
from dropwatchd.sources.bpf import BpfSource


def candidates(config: Config) -> list[Source]:
    """Return the sources that the configuration allows, best first. None is open yet."""
    window_ns = int(config.window_seconds * NANO)
    every: dict[str, Source] = {"bpf": BpfSource(config.bpf, window_ns)}
    return list(every.values()) if config.source == "auto" else [every[config.source]] if config.source in every else []


def open_sources(config: Config) -> Iterator[Source | tuple[str, UnavailableError]]:
    """Open what can run, and yield it; yield the name and the reason of each that cannot.

    For `auto` the first that opens is the only one for software drops. One that was asked for by name and cannot run
    raises its UnavailableError.
    """
    for source in candidates(config):
        try:
            source.open()
        except UnavailableError as error:
            if config.source != "auto":
                raise
            yield source.name, error
        else:
            yield source
            return
