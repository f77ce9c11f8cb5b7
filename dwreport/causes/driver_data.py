"""What the files of drivers and the families of counters/ethtool.toml say of a name: read when first asked for.

What each driver counts is data: drivers/<family>.toml, held against its source. A `[[loss]]` has a cause (a table of
counters/ethtool.toml) and `names`: patterns of the same packets under several names, the exact one first; names that
one pattern fits (queues) are added up. `within` are names of the driver's totals that have these packets too, `link`
counters of the interface that do (on some kernels). With `events` no packets are counted, but times that something
happened; `event` says that the kernel reports each as a drop as well. Names that fit `other` tell of no loss. Where no
driver's file knows a name, the families explain it.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

_HOME = Path(__file__).parent


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `[[loss]]` of a driver's file."""

    cause: str
    names: tuple[str, ...]
    within: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    events: bool = False
    event: bool = False
    next: str = ""


class Driver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A driver's file: `drivers` are the names that `ethtool -i` gives."""

    drivers: tuple[str, ...]
    source: str
    loss: tuple[Rule, ...]
    other: tuple[str, ...] = ()


@cache
def drivers() -> dict[str, Driver]:
    """Return what each driver counts, by the driver's name; an error in the data names its file."""
    import tomllib  # noqa: PLC0415 -- 8 ms, and not needed by a report in which no driver counted a loss

    found = {}
    for path in sorted((_HOME / "drivers").glob("*.toml")):
        try:
            one = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Driver)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise ValueError(f"{path}: {error}") from error
        found.update(dict.fromkeys(one.drivers, one))
    return found


@cache
def families() -> dict[str, dict[str, Any]]:
    """Return the tables of counters/ethtool.toml, in the order in which they are tried."""
    import tomllib  # noqa: PLC0415 -- as above

    return tomllib.loads((_HOME / "counters/ethtool.toml").read_text(encoding="utf-8"))


def cause_of(driver: str | None, name: str) -> str | None:
    """Return the cause that a counter counts for, by its driver's file, else by its family; None for no loss."""
    known = drivers().get(driver or "")
    if known:
        if fits(name, known.other):
            return None
        for rule in known.loss:
            if fits(name, rule.names):
                return rule.cause
    family = family_of(name)
    return family if family and families()[family]["kind"] != "info" else None


@cache
def family_of(name: str) -> str | None:
    """Return the first table of counters/ethtool.toml whose pattern is the whole name."""
    return next((family for family, text in families().items() if re.fullmatch(text["match"], name)), None)


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    """Say whether one of the patterns is the whole name."""
    return any(re.fullmatch(pattern, name) for pattern in patterns)
