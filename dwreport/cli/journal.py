"""The command journal: tells systemd's journal of findings that are new, each once."""

import json
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dwreport.cli.options import Options, merged, shared

if TYPE_CHECKING:
    from dropwatchd.history.read.reader import Reader
    from dwreport.views._news import News

# Options of reports that say how rows are laid out: there are none.
_OF_ROWS = ("by", "sort", "reverse", "top", "last", "format", "fail_if", "until", "boot", "run", "verbose", "width",
            "pager", "follow")
_DEFAULT = ("harmful",)


@click.command("journal")
@click.option("--state", metavar="FILE", help="What was told is kept here: told.json beside the history that a daemon "
                                              "of this user has, or in $STATE_DIRECTORY.")
@shared
@click.pass_context
def command(context: click.Context, /, state: str | None, **given: Any) -> None:
    """Tell systemd's journal of each harmful finding, once, when it is new.

    New is a cause in a place that was in no report since the one before: of the last hour, or of --since. It is told
    again when it has been away for as long. A timer runs this; journalctl shows what was told with:

    \b
      journalctl MESSAGE_ID=b3592908ba654824bfecb27c44583cd5
    """  # noqa: D301 - click keeps the lines after \b as they are
    options = merged(context, given)
    for name in _OF_ROWS:
        if options.get(name) not in {None, ()}:
            raise click.UsageError(f"journal has no --{name.replace('_', '-')}")
    path = Path(state) if state else _default_state()
    before = _told(path)
    now_ns = time.time_ns()
    found = _news({**options, "severity": options.get("severity") or _DEFAULT}, now_ns, before["until_ns"])
    told = {one.known_by for one in found if one.known_by in before["told"]}
    send = import_module("dwreport.render.journal").send
    try:
        for one in found:
            if one.known_by not in told:
                send(one.fields)
                told.add(one.known_by)
    finally:
        _keep(path, now_ns if len(told) == len({one.known_by for one in found}) else before["until_ns"], told)


# They may still stand before the command's name.
command.params = [option for option in command.params if option.name not in _OF_ROWS]


def _default_state() -> Path:
    paths = import_module("dropwatchd.history.paths")
    return Path(paths.default_database()).with_name("told.json")


def _news(options: Options, now_ns: int, judged_ns: int) -> "list[News]":
    """Return what is found from the last time on, if that is longer ago than the window."""
    request_of = import_module("dwreport.cli.request")
    news = import_module("dwreport.views._news").news
    request = request_of.understand(options, now_ns)
    if 0 < judged_ns < request.scope.since_ns:
        request = replace(request, scope=replace(request.scope, since_ns=judged_ns))

    def ask(reader: "Reader") -> "list[News]":
        found: list[News] = news(reader, request.wanted)
        return found

    found: list[News] = request_of.asked(ask, request, options)
    return found


def _told(path: Path) -> dict[str, Any]:
    """Return what was told, and up to when was judged; nothing where that cannot be told."""
    try:
        kept = json.loads(path.read_text())
        return {"until_ns": int(kept["until_ns"]), "told": frozenset(map(str, kept["told"]))}
    except FileNotFoundError:
        return {"until_ns": 0, "told": frozenset()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"cannot read what was told, {path} ({error}); remove it, and all is told once "
                                   "more") from error


def _keep(path: Path, until_ns: int, told: set[str]) -> None:
    with import_module("dwreport.render.file").whole_file(str(path)) as out:
        out.write(json.dumps({"until_ns": until_ns, "told": sorted(told)}, indent=1).encode())
