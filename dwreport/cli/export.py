"""The command export: what is on record, in files of other programs."""

from importlib import import_module
from typing import Any

import click

from dwreport.cli.options import merged, shared

# Options of reports: what chooses and judges rows would promise something else, what lays out a page does no harm.
_OF_ROWS = ("by", "sort", "reverse", "top", "last", "format", "fail_if", "follow")
_OF_PAGES = ("verbose", "width", "pager")


@click.command("export")
@click.option("--html", metavar="FILE",
              help="Write the report into this file, as one page for a browser that needs no network: findings, an"
                   " interactive time line, tables; - is standard output.")
@click.option("--pcapng", metavar="FILE",
              help="Write the sampled packets into this file, for Wireshark and tshark, with a comment for each; - is"
                   " standard output.")
@shared
@click.pass_context
def command(context: click.Context, /, html: str | None, pcapng: str | None, **given: Any) -> None:
    """Write the report of the window into a page for a browser, or its sampled packets into a file for Wireshark.

    The filters apply. A file that is there is replaced when the new one is whole. What was written, and what was not
    watched, is told on standard error.

    Comments of packets have reason, place, cause, and for how many drops each stands: frame.comment in Wireshark's
    filters.
    """
    options = merged(context, given)
    for name in _OF_ROWS:
        if options.get(name) not in {None, ()}:
            raise click.UsageError(f"export has no --{name.replace('_', '-')}; it writes all that the filters take")
    if (html is None) == (pcapng is None):
        raise click.UsageError("export takes one of --html FILE and --pcapng FILE")
    if html is not None:
        import_module("dwreport.cli.page").export(html, options)
    elif pcapng is not None:
        import_module("dwreport.cli.capture").export(pcapng, options)


# They may still stand before the command's name.
command.params = [option for option in command.params if option.name not in {*_OF_ROWS, *_OF_PAGES}]
