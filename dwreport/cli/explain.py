"""The command explain: a name of the catalogue, or a finding of the report by its number."""

import re
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from dwreport.cli.options import Options, merged, shared
from dwreport.render.page import page_of

if TYPE_CHECKING:  # few names are looked up in the history
    from dropwatchd.history.read.stacks import StackRow

_NUMBER = re.compile(r"#([1-9][0-9]{0,5})")


@click.command("explain")
@click.argument("words", metavar="NAME", nargs=-1, required=True)
@shared
@click.pass_context
def command(context: click.Context, /, words: tuple[str, ...], **given: Any) -> None:
    """Explain a drop reason, a kernel function, a counter, or a finding of the report: '#1'.

    Findings are counted within the window and the filters that are given, as they are without this command.
    """
    options = merged(context, given)
    name = " ".join(word for word in " ".join(words).split() if "=" not in word)  # as tables print it, labels and all
    if number := _NUMBER.fullmatch(name):
        view = import_module("dwreport.views.summary").finding
        import_module("dwreport.cli.request").respond(
            view, {**options, "finding": int(number[1]), "verbose": True})
        return
    explain = import_module("dwreport.views.explain")
    chosen = options.get("format") or "table"
    if chosen not in explain.FORMATS:
        raise click.UsageError(f"explain has no --format {chosen}; it has {' and '.join(sorted(explain.FORMATS))}")
    explain.write(name, chosen, page_of(options.get("width")), partial(_stacks, options),
                  pager=options.get("pager") is not False)


def _stacks(options: Options, name: str) -> "Sequence[StackRow]":
    """Return the call stacks of drops in a function, or for a reason; none where there is no history to ask."""
    request = import_module("dwreport.cli.request")
    stacks = import_module("dropwatchd.history.read.stacks").stacks
    asked = request.understand(options, time.time_ns())
    try:
        rows: Sequence[StackRow] = request.asked(stacks, asked, options)
    except click.ClickException:
        return ()
    return [row for row in rows if name in {row.location.symbol, row.reason}]
