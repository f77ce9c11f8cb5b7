"""The options that narrow a report, and how it says to what it is narrowed."""

from collections.abc import Mapping
from shlex import quote
from typing import Any

FILTERS = ("location", "interface", "reason", "protocol", "netns", "address", "port", "transport", "process", "unit",
           "container", "origin", "severity", "benign", "host")


def narrowed(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the filters that are given, as they are written."""
    found = []
    for name in FILTERS:
        value = options.get(name)
        if name == "benign":
            found += ["--no-benign"] if value is False else []
        elif value not in {None, ()}:
            found += [f"--{name} {quote(one)}" for one in (value if isinstance(value, tuple) else (value,))]
    return tuple(found)
