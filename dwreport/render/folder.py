"""A folder that files are written into as a whole, or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from shutil import rmtree

import click

from dwreport.render.endings import ended_in_order
from dwreport.render.file import REMEDY


@contextmanager
def whole_folder(option: str, name: str) -> Iterator[Path]:
    """Lend a folder that becomes `name` when the block ends; nothing may be in one that is there.

    Raise click.UsageError where it must not be written, click.ClickException where it cannot.
    """
    if not name:
        raise click.UsageError(f"{option} needs the name of a folder, this one is empty")
    path = Path(os.path.realpath(name))
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise click.UsageError(f"{name} is there, and is no empty folder; name a new one")
        new = path.with_name(f".dwreport-{token_hex(8)}")
        with ended_in_order():
            new.mkdir()
            try:
                if path.exists():
                    new.chmod(stat.S_IMODE(path.stat().st_mode))
                yield new
                for one in (*new.iterdir(), new):
                    _sync(one)
                new.rename(path)  # takes the place of an empty one
                _sync(path.parent)
            finally:
                rmtree(new, ignore_errors=True)
    except OSError as error:
        raise click.ClickException(f"cannot write {name}: {error.strerror}; {REMEDY}") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
