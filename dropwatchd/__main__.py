"""The daemon's command line: arguments, configuration, wiring. The only place that exits."""

import argparse
import logging
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from dropwatchd import __version__, log
from dropwatchd.config import Config, ConfigError, load
from dropwatchd.signals import Signals, Stopped

logger = logging.getLogger("dropwatchd")


def arguments(words: list[str] | None) -> argparse.Namespace:
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


def main(words: list[str] | None = None) -> None:
    signals = Signals()
    given = arguments(words)
    log.set_up()
    try:
        if given.check:
            from dropwatchd.check import check  # noqa: PLC0415 - its table is for people, not for the daemon

            sys.exit(check(configuration(given)))
        run(given, signals)
    except Stopped:
        logger.info("stopped before recording began")
    except Exception as error:
        if not is_expected(error):
            raise
        logger.error("%s", error)
        sys.exit(2 if isinstance(error, ConfigError) else 1)


def is_expected(error: Exception) -> bool:
    """Say whether the message is all that a user needs; anything else is a fault of ours and keeps its traceback."""
    from dropwatchd.history.open import HistoryError  # noqa: PLC0415 - imports SQLAlchemy, which --version does not want
    from dropwatchd.sources import UnavailableError  # noqa: PLC0415

    return isinstance(error, ConfigError | HistoryError | UnavailableError)


def run(given: argparse.Namespace, signals: Signals) -> None:
    """Record until a signal says stop."""
    from dropwatchd.session import Session  # noqa: PLC0415 - as above

    config = configuration(given)
    started = time.monotonic()
    with ExitStack() as stack:
        session = Session(config, stack)
        session.announce()
        signals.to_flags()
        logger.info("ready after %.2f s", time.monotonic() - started)
        session.run(signals, lambda: configuration(given))


if __name__ == "__main__":
    main()
