"""From options to a written report: scope, reading, view, rendering."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import click

from dropwatchd.history.paths import database_to_read
from dropwatchd.history.reader import Reader
from dropwatchd.history.readonly import UnreadableError, look_for_damage, read
from dropwatchd.history.scope import Scope
from dwreport.cli.options import Options, View
from dwreport.cli.progress import progress
from dwreport.cli.times import point
from dwreport.packets.ethertypes import protocol_number
from dwreport.render import formats
from dwreport.render.output import standard_output
from dwreport.render.page import Page, page_of
from dwreport.report.answer import Answer
from dwreport.report.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for."""

    scope: Scope
    now_ns: int
    database: Path
    format: str
    wanted: Wanted
    page: Page
    paged: bool


def respond(view: View, options: Options) -> None:
    """Answer on standard output; raise click.ClickException where there is no answer."""
    request = understand(options, time.time_ns())
    try:
        answer = read(request.database, lambda connection: _view(connection, view, request))
        _write(answer, request)
    except UnreadableError as error:
        raise click.ClickException(str(error)) from error


def _view(connection: sqlite3.Connection, view: View, request: Request) -> Answer:
    with progress(connection):
        return view(Reader(connection, request.scope, request.now_ns), request.wanted)


def _write(answer: Answer, request: Request) -> None:
    """Write the report; what cannot be written may be what damage put in the place of a value."""
    try:
        with standard_output(pager=request.paged) as out:
            formats.write(answer, request.format, out, request.page)
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception:
        look_for_damage(request.database)
        raise


def understand(options: Options, now_ns: int) -> Request:
    """Check the options; raise click.UsageError."""
    since_ns = _time(options, "since", "1h", now_ns)
    until_ns = _time(options, "until", "now", now_ns)
    if since_ns >= until_ns:
        raise click.UsageError(f"the window is inverted, --since {_given(options, 'since', '1h')} --until "
                               f"{_given(options, 'until', 'now')}; --since must be before --until")
    if since_ns >= now_ns:
        raise click.UsageError(f"the window lies in the future, --since {options.get('since')}; "
                               "a span without a sign is in the past")
    scope = Scope(
        since_ns, until_ns, location=options.get("location"), interface=options.get("interface"),
        reason=_reason(options.get("reason")), protocol=_protocol(options.get("protocol")),
        netns=options.get("netns"), origin=options.get("origin"), host=options.get("host"),
    )
    named = options.get("database")
    return Request(scope, now_ns, Path(named) if named else database_to_read(), options.get("format") or "table",
                   _wanted(options), page_of(options.get("width")),
                   options.get("pager") is not False)


def _wanted(options: Options) -> Wanted:
    """Return what else is wanted: a ticket has the evidence in any case."""
    verbose = bool(options.get("verbose")) or options.get("format") == "markdown"
    return Wanted(verbose, options.get("finding"))


def _given(options: Options, name: str, default: str) -> str:
    given: str | None = options.get(name)
    return default if given is None else given


def _time(options: Options, name: str, default: str, now_ns: int) -> int:
    try:
        return point(_given(options, name, default), now_ns)
    except ValueError as error:
        raise click.UsageError(f"unreadable --{name}, {error}") from None


def _protocol(text: str | None) -> int | None:
    try:
        return None if text is None else protocol_number(text)
    except ValueError as error:
        raise click.UsageError(f"unknown --protocol, {error}") from None


def _reason(text: str | None) -> str | None:
    """Take the kernel's own spelling too."""
    return None if text is None else text.strip().upper().removeprefix("SKB_DROP_REASON_")
