"""The daemon's command line, parsed before anything is imported that takes time."""

import argparse
from pathlib import Path
from typing import Literal, get_args

from dropwatchd import __version__

SourceName = Literal["auto", "bpf", "net_dm", "none"]


def arguments(words: list[str]) -> argparse.Namespace:
    """Parse the command line; argparse exits by itself on --help, --version and wrong usage."""
    if words[:1] == ["setup"]:
        return _setup(words[1:])
    parser = argparse.ArgumentParser(
        prog="dropwatchd", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Record every dropped packet and the counters that explain it. Read the record with dwreport.",
        epilog="Commands:\n  setup  put the unit of systemd and all else in place that pip leaves away")
    parser.set_defaults(setup=False)
    parser.add_argument("--config", type=Path, metavar="FILE",
                        help="configuration (default: /etc/dropwatchd/config.toml)")
    parser.add_argument("--database", type=Path, metavar="PATH",
                        help="where to record (default: $STATE_DIRECTORY/history.db, /var/lib/dropwatchd/history.db "
                             "for root, else in ~/.local/state)")
    parser.add_argument("--source", choices=get_args(SourceName), help="of drop events (default: auto)")
    parser.add_argument("--check", action="store_true", help="say what would be recorded on this host, and end")
    parser.add_argument("--verify", action="store_true", help="look for damage in the history, and end")
    parser.add_argument("--print-unit", action="store_true", help="show the unit for this installation, and end")
    parser.add_argument("--version", action="version", version=f"dropwatchd {__version__}")
    return parser.parse_args(words)


def _setup(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dropwatchd setup", description="Put in place what pip, pipx and uv leave away: the units of systemd, "
        "their user, the configuration, man pages and completions.")
    parser.add_argument("--remove", action="store_true", help="take it away again; configuration and history stay")
    parser.set_defaults(setup=True)
    return parser.parse_args(words)
