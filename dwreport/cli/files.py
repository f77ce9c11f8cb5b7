"""Files that are named on the command line, to be written."""

import sys
from pathlib import Path

import click

from dwreport.render.file import STANDARD_OUTPUT


def check_target(option: str, name: str, database: Path, terminal: str) -> None:
    """Raise click.UsageError where nothing can be written: without a name, to a terminal, over the history."""
    if not name:
        raise click.UsageError(f"{option} needs the name of a file, this one is empty; - is standard output")
    if name == STANDARD_OUTPUT and sys.stdout.isatty():
        raise click.UsageError(terminal)
    if _is_same(Path(name), database):
        raise click.UsageError(f"{name} is the history itself; name another file")


def _is_same(one: Path, other: Path) -> bool:
    """Say whether both are one file; of what cannot be looked at, others say what is wrong."""
    try:
        return one.samefile(other)
    except OSError:
        return False
