"""Families of counters, one module each: a module with a `collect` function is a collector, and its name is its own."""

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pkgutil import iter_modules

from dropwatchd.kernel.host import Host
from dropwatchd.model import Reading

Collect = Callable[[Host], Iterable[Reading]]


class AbsentError(Exception):
    """There are no such counters on this host: no data, and no failure. The text says what is missing."""


def collector_names() -> list[str]:
    """Return the names of all collectors, without loading any."""
    return sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))


def collectors(disabled: Iterable[str] = ()) -> dict[str, Collect]:
    """Return name -> collect() of every collector but the disabled ones.

    collect() returns the counters' absolute values, or raises AbsentError; any other exception is a failure of this
    collector alone, which the caller writes in the ledger.
    """
    wanted = [name for name in collector_names() if name not in set(disabled)]
    return {name: import_module(f"{__name__}.{name}").collect for name in wanted}


def let_go(name: str) -> None:
    """Let a collector that is read no longer take its program out of the kernel, if it has one."""
    opened = getattr(sys.modules.get(f"{__name__}.{name}"), "opened", None)
    if opened is not None:
        opened.close()
