"""--follow: rows of drops as they are written, or findings as they grow, until Ctrl-C or until nobody reads."""

import sys
import time
from dataclasses import replace
from sqlite3 import Connection
from typing import TextIO

import click

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.readonly import UnreadableError, read_as_it_is
from dwreport.cli import known
from dwreport.cli.options import Options, View
from dwreport.cli.request import Request, own_history, understand
from dwreport.cli.wake import Wake, pause_s
from dwreport.render.lines import Lines
from dwreport.render.output import standard_output
from dwreport.text import clean
from dwreport.views import drops, summary
from dwreport.views._stream import Findings, Followed, NoticeKey, Notices, Rows, Update

# What would need the end of the rows, or their beginning, before the first is written.
_OF_ALL = ("until", "boot", "run", "by", "sort", "reverse", "top", "last", "fail_if", "verbose")
_FORMS = {drops.view: ("table", "jsonl", "csv"), summary.view: ("table", "jsonl")}
_SILENT_S = 30.0  # a daemon writes every ten seconds


def follow(view: View, options: Options) -> None:
    """Write what is new, whenever the daemon has written; raise click.ClickException."""
    for name in _OF_ALL:
        if options.get(name) not in {None, ()}:
            raise click.UsageError(f"--follow has no --{name.replace('_', '-')}; it writes what is new as it comes")
    if view not in _FORMS:
        raise click.UsageError("--follow is for drops and for the report; dwreport top shows more at once")
    request = understand(options, time.time_ns())
    own_history(request, "--follow")
    if request.format not in _FORMS[view]:
        raise click.UsageError(f"--follow has no --format {request.format} here; it has {', '.join(_FORMS[view])}")
    since_ns = None if options.get("since") is None else request.scope.since_ns
    followed: Followed = (Rows(request.wanted, request.now_ns, since_ns) if view is drops.view else
                          Findings(request.wanted, request.now_ns - request.scope.since_ns))
    with standard_output() as out, Wake(request.database, output=_descriptor(out)) as wake:
        notices = Notices(request.now_ns if since_ns is None else since_ns)
        _go_on(request, followed, notices, Lines(out, request.format), wake)


def _descriptor(out: TextIO) -> int | None:
    """Return what to wait for the end of, if there is any such thing."""
    try:
        return out.fileno()
    except OSError:
        return None


def _go_on(request: Request, followed: Followed, notices: Notices, lines: Lines, wake: Wake) -> None:
    trouble = ""
    while True:
        begun, busy = time.monotonic(), time.process_time()
        try:
            update, told = _asked(request, followed if wake.written else None, notices, is_first=not lines.begun)
            said = notices.tell(told)
            if update:
                lines.write(update.rows, update.titles, update.shown)
                update.seen()
                said = [*update.said, *said]
            trouble = ""
        except UnreadableError as error:  # it may be on its way to be replaced
            if not lines.begun:
                raise click.ClickException(str(error)) from error
            said, trouble = [str(error)] if str(error) != trouble else [], str(error)
        for line in said:
            print(f"dwreport: {clean(line)}", file=sys.stderr, flush=True)  # noqa: T201 - beside the rows
        cost_s = time.process_time() - busy
        wake.wait(_SILENT_S)
        wake.rest(begun + pause_s(cost_s))


def _asked(request: Request, followed: Followed | None, notices: Notices, *, is_first: bool,
           ) -> tuple[Update | None, dict[NoticeKey, str]]:
    """Look once; names that nothing bears are told at first, for later they may come.

    Where nothing was written there is nothing to follow, but for that silence.
    """
    now_ns = time.time_ns()
    since_ns, until_ns = followed.scope(now_ns) if followed else (now_ns - 1, now_ns)
    scope = replace(request.scope, since_ns=since_ns, until_ns=until_ns)

    def found(connection: Connection) -> tuple[Update | None, dict[NoticeKey, str]]:
        reader = Reader(connection, scope, now_ns)
        if is_first and (scope.filtered or scope.host is not None):
            known.check(reader)
        return followed.look(reader) if followed else None, notices.look(reader)

    return read_as_it_is(request.database, found)
