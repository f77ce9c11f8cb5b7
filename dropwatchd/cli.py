"""The daemon's command line: arguments, configuration, exit codes; errors that have a remedy become one line."""

import argparse
import logging
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from dropwatchd import __version__, log
from dropwatchd.check import check
from dropwatchd.config import Config, ConfigError, load
from dropwatchd.daemon import ThreadDiedError
from dropwatchd.history.open import HistoryError
from dropwatchd.session import Session
from dropwatchd.signals import Signals
from dropwatchd.sources import UnavailableError

logger = logging.getLogger(__name__)
_FAULT, _USAGE = 1, 2


def arguments(words: list[str]) -> argparse.Namespace:
    """Parse the command line; argparse exits by itself on --help, --version and wrong usage."""
    parser = argparse.ArgumentParser(
        prog="dropwatchd", description="Record every dropped packet and the counters that explain it. "
        "Read the record with dwreport.")
    parser.add_argument("--config", type=Path, metavar="FILE",
                        help="configuration (default: /etc/dropwatchd/config.toml)")
    parser.add_argument("--database", type=Path, metavar="PATH",
                        help="where to record (default: $STATE_DIRECTORY/history.db, /var/lib/dropwatchd/history.db "
                             "for root, else in ~/.local/state)")
    parser.add_argument("--source", choices=["auto", "bpf", "net_dm", "none"], help="of drop events (default: auto)")
    parser.add_argument("--check", action="store_true", help="say what would be recorded on this host, and end")
    parser.add_argument("--version", action="version", version=f"dropwatchd {__version__}")
    return parser.parse_args(words)


def configuration(given: argparse.Namespace) -> Config:
    """Return the file's settings, with what the command line says above them."""
    config = load(given.config)
    if given.source:
        config = msgspec.structs.replace(config, source=given.source)
    if given.database:
        config = msgspec.structs.replace(config, database=str(given.database))
    return config


def run(words: list[str], signals: Signals) -> int:
    """Record until a signal says stop; return the exit code."""
    given = arguments(words)
    log.set_up()
    try:
        if given.check:
            return check(configuration(given))
        record(given, signals)
    except ConfigError as error:
        logger.error("%s", error)
        return _USAGE
    except (HistoryError, UnavailableError, ThreadDiedError) as error:
        logger.error("%s", error)
        return _FAULT
    return 0


def record(given: argparse.Namespace, signals: Signals) -> None:
    """Open everything, run, and close it in the opposite order."""
    config = configuration(given)
    started = time.monotonic()
    with ExitStack() as stack:
        session = Session(config, stack, signals.check)
        session.announce()
        logger.info("ready after %.2f s", time.monotonic() - started)
        session.run(signals, lambda: configuration(given))
