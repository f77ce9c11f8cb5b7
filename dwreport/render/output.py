"""Standard output, whatever is at its other end."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TextIO

import click

from dwreport.render.pager import paged, words


@contextmanager
def standard_output(*, pager: bool = False) -> Iterator[TextIO]:
    """Lend standard output, or a pager in front of it if there is one to have.

    A reader that has seen enough ends the program quietly, a full disk with a message.
    """
    if command := words() if pager else []:
        with paged(command) as out:
            yield out
        return
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal of another encoding gets escapes
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        _discard()
        raise click.exceptions.Exit(0) from None
    except OSError as error:
        _discard()
        raise click.ClickException(
            f"cannot write the report, standard output: {error.strerror}; check where it goes") from error


def _discard() -> None:
    """Keep the interpreter from flushing once more, in vain, when it ends (Python documentation: SIGPIPE)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
