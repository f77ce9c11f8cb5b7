"""What the daemon's command line asks for: configuration, exit codes; errors that have a remedy become one line."""

import argparse
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec

from dropwatchd import log
from dropwatchd.check import check
from dropwatchd.config import Config, ConfigError, load
from dropwatchd.daemon import ThreadDiedError
from dropwatchd.history.errors import HistoryError, explained
from dropwatchd.session import Session
from dropwatchd.setup import print_unit, setup
from dropwatchd.signals import Signals
from dropwatchd.sources import UnavailableError
from dropwatchd.verify import verify

logger = logging.getLogger(__name__)
_FAULT, _USAGE = 1, 2
_PRIVATE = 0o027  # umask: what is recorded is for its owner, and for the group to read


def configuration(given: argparse.Namespace) -> Config:
    """Return the file's settings, with what the command line says above them."""
    config = load(given.config)
    if given.source:
        config = msgspec.structs.replace(config, source=given.source)
    if given.database == Path():
        raise ConfigError("--database: no path is given; leave it away to record in the default place")
    if given.database:
        config = msgspec.structs.replace(config, database=str(given.database))
    return config


def run(given: argparse.Namespace, signals: Signals) -> int:
    """Record until a signal says stop; return the exit code."""
    log.set_up()
    if given.setup or given.print_unit:
        return setup(remove=given.remove) if given.setup else _printed(print_unit)
    os.umask(_PRIVATE)
    try:
        if given.check:
            return _printed(lambda: check(configuration(given)))
        if given.verify:
            return _printed(lambda: verify(configuration(given)))
        return record(given, signals)
    except ConfigError as error:
        logger.error("%s", error)
        return _USAGE
    except (HistoryError, UnavailableError, ThreadDiedError) as error:
        logger.error("%s", error)
        return _FAULT


def _printed(command: Callable[[], int]) -> int:
    """Return the exit code of what prints an answer; who reads it may have had enough before its end."""
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def record(given: argparse.Namespace, signals: Signals) -> int:
    """Open everything, run, and close it in the opposite order; return the exit code of what a signal stopped."""
    config = configuration(given)
    started = time.monotonic()
    with ExitStack() as stack:
        session = _opened(config, stack, signals)
        session.announce()
        logger.info("ready after %.2f s", time.monotonic() - started)
        session.run(signals, lambda: configuration(given))
    return 0


def _opened(config: Config, stack: ExitStack, signals: Signals) -> Session:
    """What the surroundings refuse at the start has a remedy; what fails later is a fault, and keeps its traceback."""
    try:
        return Session(config, stack, signals.check)
    except sqlite3.Error as error:
        raise explained(error) from error
    except OSError as error:
        raise HistoryError(f"cannot start: {error.filename or 'the system'}: {error.strerror}; check the limits "
                           "(ulimit -n), the rights and the disk, and start again") from error
