"""The command export: what is on record, in files of other programs."""

from importlib import import_module
from typing import Any

import click

from dwreport.cli.options import merged, shared

# Options of reports: what chooses and judges rows would promise something else, what lays out a page does no harm.
_OF_ROWS = ("by", "sort", "reverse", "top", "last", "format", "fail_if", "follow")
_OF_PAGES = ("verbose", "width", "pager")


@click.command("export")
@click.option("--pcapng", metavar="FILE", required=True,
              help="Write the sampled packets into this file, for Wireshark and tshark, with a comment for each; - is"
                   " standard output.")
@shared
@click.pass_context
def command(context: click.Context, /, pcapng: str, **given: Any) -> None:
    """Write the sampled packets of the window, as far as the filters take them, into a file for Wireshark.

    Their comments have reason, place, cause, and for how many drops each stands: frame.comment in Wireshark's filters.
    A file that is there is replaced when the new one is whole. How many packets it has, for how many drops these stand,
    and what was not watched is told on standard error.
    """
    options = merged(context, given)
    for name in _OF_ROWS:
        if options.get(name) not in {None, ()}:
            raise click.UsageError(f"export has no --{name.replace('_', '-')}; it writes all packets that the filters "
                                   "take")
    import_module("dwreport.cli.capture").export(pcapng, options)


# They may still stand before the command's name.
command.params = [option for option in command.params if option.name not in {*_OF_ROWS, *_OF_PAGES}]
