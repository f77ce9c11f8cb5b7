"""The command top: what is lost now, on a screen that goes on as the daemon writes."""

import os
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from dwreport.cli.options import Options, merged, shared

if TYPE_CHECKING:
    from sqlite3 import Connection

    from dwreport.cli.wake import Wake
    from dwreport.render.terminal import Terminal
    from dwreport.views._top import Screen

_OF_REPORTS = ("by", "sort", "reverse", "top", "last", "format", "fail_if", "until", "boot", "run", "verbose", "width",
               "pager", "follow")
_SPAN = "1min"
_SILENT_S = 10.0   # then the end of the window has moved on, though nothing was written
_LEAVING = {"q", "Q", "\x04"}
_TONES = {"harmful": "31", "suspect": "33", "benign": "2", "warning": "1;33", "titles": "7"}  # ECMA-48 SGR


@click.command("top")
@shared
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Show what is lost now, by cause and place, with rates, until q is pressed.

    The screen shows the last minute, or as long as --since says, and goes on as the daemon writes. Rates are of the
    last ten seconds on record, or of a twenty-fourth of the window where that is longer.
    """
    options = merged(context, given)
    for name in _OF_REPORTS:
        if options.get(name) not in {None, ()}:
            raise click.UsageError(f"top has no --{name.replace('_', '-')}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise click.UsageError("top needs a terminal; dwreport --follow writes lines")
    _run({**options, "since": options.get("since") or _SPAN})


# They may still stand before the command's name.
command.params = [option for option in command.params if option.name not in _OF_REPORTS]


def _run(options: Options) -> None:
    from dwreport.cli.request import own_history, understand  # noqa: PLC0415 - of this command, when it has a terminal
    from dwreport.cli.wake import Wake, pause_s  # noqa: PLC0415
    from dwreport.render.terminal import whole_terminal  # noqa: PLC0415

    request = understand(options, time.time_ns())
    own_history(request, "top")
    screen = _asked(options, is_first=True)  # what is wrong is said before the screen is taken
    with whole_terminal() as terminal, Wake(request.database, (terminal.fileno(), terminal.resized)) as wake:
        begun = cost = 0.0
        while True:
            terminal.draw(_lines(screen))
            until = max(begun + pause_s(cost), time.monotonic())
            if _is_left(terminal, wake, until):
                return
            begun, busy = time.monotonic(), time.process_time()
            screen = _asked(options)
            cost = time.process_time() - busy


def _is_left(terminal: "Terminal", wake: "Wake", until: float) -> bool:
    """Wait until there may be something new to show, not before a time; say whether a person has left."""
    seconds = _SILENT_S
    while True:
        ready = wake.wait(seconds)
        if terminal.fileno() in ready:
            typed = terminal.typed()
            if not typed or _LEAVING & {*typed}:
                return True
        elif terminal.resized in ready:
            terminal.drain()
            return False
        else:
            seconds = until - time.monotonic()
            if seconds <= 0:
                return False


def _asked(options: Options, *, is_first: bool = False) -> "Screen":
    from dropwatchd.history.read.reader import Reader  # noqa: PLC0415 - as above
    from dropwatchd.history.read.readonly import UnreadableError, read_as_it_is  # noqa: PLC0415
    from dwreport.cli import known  # noqa: PLC0415
    from dwreport.cli.request import understand  # noqa: PLC0415
    from dwreport.views._top import Screen, screen  # noqa: PLC0415

    request = understand(options, time.time_ns())

    def found(connection: "Connection") -> Screen:
        reader = Reader(connection, request.scope, request.now_ns)
        if is_first and (request.scope.filtered or request.scope.host is not None):
            known.check(reader)
        return screen(reader, request.wanted)

    try:
        return read_as_it_is(request.database, found)
    except UnreadableError as error:
        if is_first:
            raise click.ClickException(str(error)) from error
        return Screen("", [str(error)], "", [])


def _lines(screen: "Screen") -> list[str]:
    """Return the lines of a screen: a few of head, then two for each finding, as long as there is room."""
    titles = import_module("dwreport.views._top").TITLES
    size = os.get_terminal_size()
    head = [screen.head, *(_painted(line, "warning") for line in screen.warnings), screen.total, "",
            _painted(titles.ljust(size.columns), "titles")]
    room = max(1, (size.lines - len(head) - 1) // 2)
    rows = [line for row in screen.rows[:room] for line in (_painted(row.first, row.severity), row.second)]
    left = len(screen.rows) - room
    return [*head, *rows, f"and {left} more; q quits" if left > 0 else "q quits"]


def _painted(line: str, tone: str | None) -> str:
    coloured = tone in _TONES and not os.environ.get("NO_COLOR")
    return f"\x1b[{_TONES[str(tone)]}m{line}\x1b[0m" if coloured else line
