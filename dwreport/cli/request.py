"""From options to a written report: scope, reading, view, rendering."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from sqlite3 import SQLITE_FULL, Connection, OperationalError
from typing import TypeVar

import click

from dropwatchd.history.paths import database_to_read, is_fleet
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.readonly import UnreadableError, look_for_damage, read
from dropwatchd.history.read.scope import Only, Scope
from dwreport.cli.conditions import check, condition
from dwreport.cli.narrowed import narrowed
from dwreport.cli.options import Options, View
from dwreport.cli.progress import progress, writing
from dwreport.cli.times import point
from dwreport.packets.ethertypes import protocol_number
from dwreport.packets.headers import transport_name
from dwreport.render import formats
from dwreport.render.heading import warning
from dwreport.render.output import standard_output
from dwreport.render.page import Page, page_of
from dwreport.report.answer import Answer
from dwreport.report.arrange import arranged
from dwreport.report.wanted import Wanted

T = TypeVar("T")

_GROUPED = {"dwreport.views.incidents"}  # these add drops up by themselves
_ROWS_ALONE = {"csv", "jsonl"}
_IN_PACKETS = ("address", "port", "transport", "process", "unit", "container")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for; `fleet` is the URL of a central history, which stands in the place of a database."""

    scope: Scope
    now_ns: int
    database: Path
    format: str
    wanted: Wanted
    page: Page
    paged: bool
    fleet: str | None = None


def respond(view: View, options: Options) -> None:
    """Answer on standard output; raise click.ClickException where there is no answer, where --fail-if holds, or may."""
    if options.get("follow"):
        import_module("dwreport.cli.follow").follow(view, options)
        return
    request = understand(options, time.time_ns())
    conditions = tuple(map(condition, options.get("fail_if") or ()))
    if request.wanted.by and view.__module__ not in _GROUPED:
        view = import_module("dwreport.views._groups").view
    summary: View = import_module("dwreport.views.summary").view if conditions else view

    def ask(reader: Reader) -> tuple[Answer, Answer]:
        """Return the answer, and what conditions are held against: the report, of the same snapshot."""
        answer = view(reader, request.wanted)
        return answer, answer if view is summary else summary(reader, request.wanted)

    answer, judged = asked(ask, request, options)
    answer = replace(answer, filters=request.wanted.filters)
    try:
        _write(arranged(answer, request.wanted), request)
        _warn(answer, request)
    except UnreadableError as error:
        raise click.ClickException(str(error)) from error
    if conditions:
        check(conditions, judged)


def asked(ask: Callable[[Reader], T], request: Request, options: Options, *, whole: bool = False) -> T:
    """Return what is found in one snapshot of the history, perhaps at a second try; raise click.ClickException.

    With `whole`, a central history gives each row, where it else may add up.
    """
    def found(connection: Connection) -> T:
        with progress(connection):
            return ask(_reader(connection, request, options))

    try:
        if request.fleet:
            return _asked_of_fleet(found, request.fleet, whole=whole)
        return read(request.database, found)
    except UnreadableError as error:
        raise click.ClickException(str(error)) from error


def _asked_of_fleet(found: Callable[[Connection], T], url: str, *, whole: bool) -> T:
    from dropwatchd.history.fleet.connect import FleetError  # noqa: PLC0415 - of central histories alone
    from dropwatchd.history.fleet.pull import opened  # noqa: PLC0415

    try:
        with opened(url, whole=whole) as connection:
            for line in connection.told:
                click.echo(f"dwreport: {line}", err=True)
            return found(connection)
    except FleetError as error:
        raise click.ClickException(str(error)) from error
    except OperationalError as error:
        if error.sqlite_errorcode != SQLITE_FULL:
            raise
        raise click.ClickException("there is no room for what is taken out of the central history; check the room for "
                                   "temporary files, or set TMPDIR") from error


def _warn(answer: Answer, request: Request) -> None:
    """Say beside rows alone what they cannot: that there may be others, for not all of the window was watched."""
    if request.format in _ROWS_ALONE:
        for line in warning(answer):
            click.echo(f"dwreport: {line}", err=True)


def _reader(connection: Connection, request: Request, options: Options) -> Reader:
    """Return what answers within the window: that of a boot or a run is known by the history alone."""
    reader = Reader(connection, request.scope, request.now_ns)
    if request.scope.filtered or request.scope.host is not None:
        from dwreport.cli import known  # noqa: PLC0415 - of filters alone

        known.check(reader)
    if options.get("boot") is None and options.get("run") is None:
        return reader
    from dwreport.cli.spans import span  # noqa: PLC0415 - few ask for it

    given, scope = request.scope, span(reader, options.get("boot"), options.get("run"))
    since_ns, until_ns = scope.since_ns, scope.until_ns
    if options.get("since") is not None:
        since_ns = max(since_ns, given.since_ns)
    if options.get("until") is not None:
        until_ns = min(until_ns, given.until_ns)
    if since_ns >= until_ns:
        raise click.UsageError("nothing of this boot or run lies between --since and --until; leave these out")
    return Reader(connection, replace(scope, since_ns=since_ns, until_ns=until_ns), request.now_ns)


def _write(answer: Answer, request: Request) -> None:
    """Write the report; what cannot be written may be what damage put in the place of a value."""
    try:
        with writing(), standard_output(pager=request.paged) as out:
            formats.write(answer, request.format, out, request.page)
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception:
        if not request.fleet:
            look_for_damage(request.database)
        raise


def own_history(request: Request, what: str) -> None:
    """Raise click.UsageError where a central history is asked for what only a host's own can give."""
    if request.fleet:
        raise click.UsageError(f"{what} takes a host's own history, not a central one; name a file with --database")


def understand(options: Options, now_ns: int) -> Request:
    """Check the options; raise click.UsageError."""
    since_ns = _time(options, "since", "1h", now_ns)
    until_ns = _time(options, "until", "now", now_ns)
    by_life = options.get("boot") is not None or options.get("run") is not None
    if since_ns >= until_ns and not by_life:
        raise click.UsageError(f"the window is inverted, --since {_given(options, 'since', '1h')} --until "
                               f"{_given(options, 'until', 'now')}; --since must be before --until")
    if since_ns >= now_ns:
        raise click.UsageError(f"the window lies in the future, --since {options.get('since')}; "
                               "a span without a sign is in the past")
    scope = Scope(
        since_ns, until_ns, location=_patterns(options, "location"), interface=_patterns(options, "interface"),
        reason=tuple(map(_reason, _patterns(options, "reason"))),
        protocol=_translated(options, "protocol", protocol_number), netns=_patterns(options, "netns"),
        origin=options.get("origin"), host=options.get("host"), only=_only(options),
    )
    named = options.get("database")
    if named == "":
        raise click.UsageError("--database: no path is given; leave it away to read the default place")
    return Request(scope, now_ns, Path(named) if named else database_to_read(), options.get("format") or "table",
                   _wanted(options), page_of(options.get("width")),
                   options.get("pager") is not False, named if named and is_fleet(named) else None)


def _wanted(options: Options) -> Wanted:
    """Return what else is wanted: a ticket has the evidence in any case."""
    verbose = bool(options.get("verbose")) or options.get("format") == "markdown"
    by = tuple(name.strip() for name in (options.get("by") or "").split(",") if name.strip())
    return Wanted(verbose, options.get("finding"), options.get("severity") or (), options.get("benign") is False, by,
                  options.get("sort"), bool(options.get("reverse")), options.get("top"), options.get("last"),
                  narrowed(options))


def _given(options: Options, name: str, default: str) -> str:
    given: str | None = options.get(name)
    return default if given is None else given


def _time(options: Options, name: str, default: str, now_ns: int) -> int:
    try:
        return point(_given(options, name, default), now_ns)
    except ValueError as error:
        raise click.UsageError(f"unreadable --{name}, {error}") from None


def _patterns(options: Options, name: str) -> tuple[str, ...]:
    given: tuple[str, ...] = options.get(name) or ()
    if "" in given or "!" in given:
        raise click.UsageError(f"--{name} needs a name, this one is empty; leave it out to see all")
    return given


def _translated(options: Options, name: str, translate: Callable[[str], object]) -> tuple[str, ...]:
    """Return what is given for an option in other terms, with the marks of what is not wanted."""
    try:
        return tuple(f"{'!' if one.startswith('!') else ''}{translate(one.removeprefix('!'))}"
                     for one in _patterns(options, name))
    except ValueError as error:
        raise click.UsageError(f"unknown --{name}, {error}") from None


def _only(options: Options) -> Only | None:
    """Return the filters that the columns of a history do not answer; little is imported where there are none."""
    given = {name: _patterns(options, name) for name in _IN_PACKETS}
    if not any(given.values()):
        return None
    endpoints, asked_of = (import_module(f"dwreport.evidence.{name}") for name in ("endpoints", "asked"))
    try:
        addresses = [endpoints.address(text) for text in given.pop("address")]
        ports = [endpoints.port(text) for text in given.pop("port")]
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    del given["transport"]
    only: Only | None = asked_of.asked_of(addresses, ports, _translated(options, "transport", transport_name), given)
    return only


def _reason(text: str) -> str:
    """Take the kernel's own spelling too."""
    mark, name = ("!", text[1:]) if text.startswith("!") else ("", text)
    return mark + name.strip().upper().removeprefix("SKB_DROP_REASON_")
