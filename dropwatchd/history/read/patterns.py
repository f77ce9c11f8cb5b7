"""What a filter asks for: names and globs, of which those that begin with ! are not wanted."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

Patterns = tuple[str, ...]


def wanted(patterns: Iterable[str]) -> list[str]:
    """Return those of which one must match."""
    return [pattern for pattern in patterns if not pattern.startswith("!")]


def unwanted(patterns: Iterable[str]) -> list[str]:
    """Return those of which none may match, without their mark."""
    return [pattern[1:] for pattern in patterns if pattern.startswith("!")]


def matches(patterns: Patterns, names: Collection[str]) -> bool:
    """Say whether something that is called by these names, as stored and as printed, is asked for.

    What has no name is asked for where only what is not wanted is told.
    """
    asked = wanted(patterns)
    return (not asked or any(is_called(pattern, names) for pattern in asked)) and not any(
        is_called(pattern, names) for pattern in unwanted(patterns))


def is_called(pattern: str, names: Iterable[str]) -> bool:
    """Say whether a pattern is one of these names, whatever their characters, or a glob that fits one."""
    return any(pattern == name or fnmatchcase(name, pattern) for name in names)


def printed(name: str) -> str:
    """Return a name as reports print it: what is not printable is escaped."""
    return "".join(char if char.isprintable() else _escaped(ord(char)) for char in name)


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
