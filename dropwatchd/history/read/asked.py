"""The filters of a scope as functions of SQLite: they see each row of a dimension, of which there are few.

Each returns whether a row is asked for; of what is not on record, that it is not, for it only may be.
"""

import sqlite3
from collections.abc import Callable
from functools import partial

from dropwatchd.history.read.patterns import Patterns, is_called, matches, printed, wanted
from dropwatchd.history.read.scope import Scope


def install(connection: sqlite3.Connection, scope: Scope) -> None:
    """Give a connection the functions that the conditions of a scope call."""
    functions: tuple[tuple[str, Patterns, int, Callable[..., bool]], ...] = (
        ("asked_location", scope.location, 4, _location), ("asked_interface", scope.interface, 3, _interface),
        ("asked_reason", scope.reason, 2, _reason), ("asked_protocol", scope.protocol, 1, _protocol),
        ("asked_netns", scope.netns, 2, _netns), ("asked_host", (scope.host or "",), 2, _host))
    for name, patterns, arguments, function in functions:
        if patterns:
            connection.create_function(name, arguments, partial(function, patterns), deterministic=True)


def _location(patterns: Patterns, symbol: str | None, offset: int | None, module: str | None,
              address: str | None) -> bool:
    name = address if symbol is None else symbol
    if name is None or (symbol is None and not wanted(patterns)):
        return False
    placed = name if offset is None else f"{name}+{offset:#x}"
    return matches(patterns, {name, placed, f"{name} [{module}]", f"{placed} [{module}]"} if module else {name, placed})


def _interface(patterns: Patterns, name: str | None, ifindex: int | None, is_known: int) -> bool:
    """Judge a device; one that is known by its index alone is printed as #7, and no device is none of any name."""
    if name is not None:
        return matches(patterns, {name, printed(name)})
    if ifindex is None:
        return bool(is_known) and not wanted(patterns)
    return bool(wanted(patterns)) and matches(patterns, {f"#{ifindex}"})


def _reason(patterns: Patterns, reason: str | None, trap: str | None) -> bool:
    """Judge a reason, or the trap that stands in its place; by the kernel's spelling or any other."""
    names = {name.upper() for name in (reason, trap) if name is not None}
    names |= {printed(name) for name in names}
    return bool(names) and matches(tuple(pattern.upper() for pattern in patterns), names)


def _protocol(patterns: Patterns, protocol: int | None) -> bool:
    return protocol is not None and matches(patterns, {str(protocol)})


def _host(patterns: Patterns, hostname: str, machine_id: str) -> bool:
    return any(is_called(pattern, (hostname, printed(hostname), machine_id)) for pattern in patterns)


def _netns(patterns: Patterns, name: str | None, inode: int | None) -> bool:
    names = {name, printed(name)} if name is not None else set()
    if inode is not None:
        names |= {str(inode), f"net:[{inode}]"}
    return bool(names) and matches(patterns, names)
