"""Tells a person at a terminal that a long report is under way."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

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
            _tell("reading the history", seconds)

    connection.set_progress_handler(tell, _EVERY)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
        if told:
            _clear()


@contextmanager
def writing() -> Iterator[None]:
    """While a report is written, show for how long; where it is written to a terminal it shows itself."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield
        return
    over = Event()
    teller = Thread(target=_tell_until, args=(over,), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell_until(over: Event) -> None:
    begun, wait = time.monotonic(), _PATIENCE
    while not over.wait(wait):
        _tell("writing the report", int(time.monotonic() - begun))
        wait = 1.0
    if wait != _PATIENCE:
        _clear()


def _tell(what: str, seconds: int) -> None:
    print(f"\r{what}, {seconds} s so far ...", end="", file=sys.stderr, flush=True)  # noqa: T201 - a terminal


def _clear() -> None:
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201 - the line goes (ECMA-48 EL)
