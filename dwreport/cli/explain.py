"""The command explain: a name of the catalogue, or a finding of the report by its number."""

import re
from importlib import import_module
from typing import Any

import click

from dwreport.cli.options import merged, shared
from dwreport.render.page import page_of

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
    explain.write(name, chosen, page_of(options.get("width")), pager=options.get("pager") is not False)
