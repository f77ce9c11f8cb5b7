"""Where the daemon begins and ends: signals are caught before anything is imported that takes time."""

import sys

from dropwatchd import __version__


def main(words: list[str] | None = None) -> None:
    """Run, and exit: the only place that does."""
    words = sys.argv[1:] if words is None else words
    if words == ["--version"]:  # what scripts ask for alone: all that is imported below takes longer
        print(f"dropwatchd {__version__}")  # noqa: T201 - the answer
        return
    try:
        from dropwatchd.signals import Signals, Stopped  # noqa: PLC0415 - see above
        signals = Signals()
        from dropwatchd.arguments import arguments  # noqa: PLC0415 - see above
        given = arguments(words)
        from dropwatchd.cli import run  # noqa: PLC0415 - see above
    except (OSError, ImportError) as error:  # the first to fail where few files may be open
        sys.exit(f"dropwatchd: cannot start: {error}; check the installation and the limits (ulimit -n)")
    try:
        sys.exit(run(given, signals))
    except Stopped:
        sys.exit(0)  # before recording began: there is nothing to write


if __name__ == "__main__":
    main()
