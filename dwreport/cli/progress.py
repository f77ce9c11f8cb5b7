"""Tells a person at a terminal that a long report is under way."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE = 2.0  # seconds that nothing is said
_EVERY = 200_000  # of SQLite's instructions, some milliseconds


@contextmanager
def progress(connection: sqlite3.Connection) -> Iterator[None]:
    """While a history is read, show for how long; where standard error is no terminal, show nothing."""
    if not sys.stderr.isatty():
        yield
        return
    begun, told = time.monotonic(), 0

    def tell() -> None:
        nonlocal told
        seconds = int(time.monotonic() - begun)
        if seconds >= max(_PATIENCE, told + 1):
            told = seconds
            print(f"\rreading the history, {seconds} s so far ...", end="", file=sys.stderr, flush=True)  # noqa: T201

    connection.set_progress_handler(tell, _EVERY)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
        if told:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201 - the line goes (ECMA-48 EL)
