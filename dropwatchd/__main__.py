"""Where the daemon begins and ends: signals are caught before anything is imported that takes time."""

import sys

from dropwatchd.signals import Signals, Stopped


def main(words: list[str] | None = None) -> None:
    """Run, and exit: the only place that does."""
    signals = Signals()
    try:
        from dropwatchd.cli import run  # noqa: PLC0415 - see above

        sys.exit(run(sys.argv[1:] if words is None else words, signals))
    except Stopped:
        sys.exit(0)  # before recording began: there is nothing to write


if __name__ == "__main__":
    main()
