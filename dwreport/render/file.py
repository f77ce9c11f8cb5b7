"""A file that a report is written into as a whole, or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO

import click

from dwreport.render.output import standard_output

STANDARD_OUTPUT = "-"
REMEDY = "check the folder, its rights and the room on its disk"


@contextmanager
def whole_file(name: str) -> Iterator[BinaryIO]:
    """Lend a file that takes the place of `name` when the block ends; one that was there stays if that fails.

    What goes to standard output, a pipe or a device is held in a temporary file until then, for it cannot be taken
    back. Raise click.ClickException where it cannot be written.
    """
    try:
        with _held(name) if name == STANDARD_OUTPUT or _is_special(name) else _beside(name) as out:
            yield out
    except OSError as error:
        shown = "standard output" if name == STANDARD_OUTPUT else name
        raise click.ClickException(f"cannot write {shown}: {error.strerror}; {REMEDY}") from error


def _is_special(name: str) -> bool:
    """Say whether there is something that must not be replaced by a file: a pipe, a device, or a folder."""
    try:
        return not stat.S_ISREG(Path(name).stat().st_mode)
    except FileNotFoundError:
        return False


@contextmanager
def _held(name: str) -> Iterator[BinaryIO]:
    if name != STANDARD_OUTPUT and Path(name).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with TemporaryFile() as held:
        yield held
        held.seek(0)
        if name == STANDARD_OUTPUT:
            with standard_output() as text:
                copyfileobj(held, text.buffer)
        else:
            with Path(name).open("wb") as out:
                copyfileobj(held, out)


@contextmanager
def _beside(name: str) -> Iterator[BinaryIO]:
    """Write beside the file, with the rights that it has, and rename: a link goes on pointing there."""
    path = Path(os.path.realpath(name))
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # a rename would not ask
    new = path.with_name(f".dwreport-{token_hex(8)}")
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "w+b") as out:
            if path.exists():
                os.fchmod(out.fileno(), stat.S_IMODE(path.stat().st_mode))
            yield out
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
