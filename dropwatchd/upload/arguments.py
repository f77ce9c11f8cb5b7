"""The command line of dropwatchd-upload."""

import argparse
from pathlib import Path

from dropwatchd import __version__

INTERVAL_S = 300


def arguments(words: list[str]) -> argparse.Namespace:
    """Parse the command line; argparse exits by itself on --help, --version and wrong usage."""
    parser = argparse.ArgumentParser(
        prog="dropwatchd-upload", description="Send the history of this host to the central one of many hosts, in "
        "PostgreSQL. Read it with dwreport --database.")
    parser.add_argument("--to", metavar="URL", required=True,
                        help="the central history: postgresql://SERVER/DATABASE; what is left open is taken from where "
                             "psql takes it")
    parser.add_argument("--database", type=Path, metavar="PATH", help="the history to send (default: the daemon's)")
    parser.add_argument("--interval", type=_seconds, default=INTERVAL_S, metavar="SECONDS",
                        help="between two sendings (default: %(default)s)")
    parser.add_argument("--packets", action="store_true", help="send sampled packets as well")
    parser.add_argument("--once", action="store_true", help="send what there is, and end")
    parser.add_argument("--setup", action="store_true",
                        help="make the central history in this database, with its roles, or upgrade it, and end")
    parser.add_argument("--setup-coordinator", action="store_true",
                        help="make this database one that has no hosts, but asks several central histories for "
                             "reports, and end")
    parser.add_argument("--tidy", type=_days, metavar="DAYS",
                        help="remove from the central history what is older, make room for the next days, and end")
    parser.add_argument("--version", action="version", version=f"dropwatchd-upload {__version__}")
    return parser.parse_args(words)


def _seconds(text: str) -> float:
    return _number(text, 1, 86_400)


def _days(text: str) -> int:
    return int(_number(text, 1, 3650))


def _number(text: str, least: int, most: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text} is not a number from {least} to {most}")
    return value
