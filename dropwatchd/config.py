"""The configuration: a TOML file with types, ranges and defaults; what is not understood is refused."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta, Struct

from dropwatchd.arguments import SourceName
from dropwatchd.collectors import collector_names
from dropwatchd.history.write.options import RetentionOptions
from dropwatchd.sources.bpf import BpfOptions
from dropwatchd.sources.net_dm import NetDmOptions

RETRANSMITS = "retransmits"  # the one collector that has to be asked for
DEFAULT_PATH = Path("/etc/dropwatchd/config.toml")


class ConfigError(Exception):
    """The configuration cannot be used: file, key, value and what is allowed."""


class _Section(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Counters(_Section, frozen=True):
    """Snapshots of counters."""

    interval_seconds: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    disabled: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    tcp_retransmissions: bool = False

    @property
    def unread(self) -> tuple[str, ...]:
        """Return the collectors that do not run."""
        return self.disabled if self.tcp_retransmissions else (*self.disabled, RETRANSMITS)


class Config(_Section, frozen=True):
    """All of it; every key has a default."""

    source: SourceName = "auto"
    database: str = ""
    window_seconds: Annotated[float, Meta(ge=0.1, le=60)] = 1.0
    bpf: BpfOptions = BpfOptions()
    net_dm: NetDmOptions = NetDmOptions()
    counters: Counters = Counters()
    history: RetentionOptions = RetentionOptions()


def load(path: Path | None) -> Config:
    """Read a file; None is the default path, which need not exist. Raises ConfigError."""
    chosen = path or DEFAULT_PATH
    try:
        text = chosen.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is None:
            return Config()
        raise ConfigError(f"{chosen}: no such file; leave --config away to run with the defaults") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{chosen}: cannot be read ({error})") from error
    return parse(text, chosen)


def parse(text: str, path: Path) -> Config:
    """Turn TOML text into a Config. Raises ConfigError that names file, key, value, and what is allowed."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    try:
        config = msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explain(str(error), tree)}") from error
    if unknown := set(config.counters.disabled) - set(collector_names()):
        raise ConfigError(f"{path}: counters.disabled: no collector is called {', '.join(sorted(unknown))}; "
                          f"there are {', '.join(collector_names())}")
    return config


def _explain(message: str, tree: dict[str, Any]) -> str:
    """Turn "Expected `int` <= 256 - at `$.bpf.sample_bytes`" into key, value, and what is allowed."""
    what, _, where = message.partition(" - at `$")
    key = where.rstrip("`").lstrip(".")
    if "unknown field" in what:
        name = what.split("`")[1]
        section = type(_at(Config(), key))
        return f"{_join(key, name)}: no such key; there are {', '.join(section.__struct_fields__)}"
    if "enum" in what:
        what = f"expected one of {', '.join(get_args(SourceName))}"
    return f"{key}: {_at(tree, key)!r} is not allowed: {what[0].lower()}{what[1:].replace('`object`', 'a table')}"


def _at(tree: Any, key: str) -> Any:
    """Return what stands at a dotted key, in a dict or a Struct."""
    for part in filter(None, key.replace("[...]", "").split(".")):
        tree = tree[part] if isinstance(tree, dict) else getattr(tree, part)
    return tree


def _join(*parts: str) -> str:
    return ".".join(filter(None, parts))
