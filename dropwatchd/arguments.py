"""The daemon's command line, parsed before anything is imported that takes time."""

import argparse
from pathlib import Path
from typing import Literal, get_args

from dropwatchd import __version__

SourceName = Literal["auto", "bpf", "net_dm", "none"]


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
    parser.add_argument("--source", choices=get_args(SourceName), help="of drop events (default: auto)")
    parser.add_argument("--check", action="store_true", help="say what would be recorded on this host, and end")
    parser.add_argument("--verify", action="store_true", help="look for damage in the history, and end")
    parser.add_argument("--version", action="version", version=f"dropwatchd {__version__}")
    return parser.parse_args(words)
