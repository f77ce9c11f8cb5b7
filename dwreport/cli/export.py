"""The command export: what is on record, in files of other programs."""

from importlib import import_module
from typing import Any

import click

from dwreport.cli.options import merged, shared

# Options of reports: what chooses and judges rows would promise something else, what lays out a page does no harm.
_OF_ROWS = ("by", "sort", "reverse", "top", "last", "format", "fail_if", "follow")
_OF_PAGES = ("verbose", "width", "pager")


@click.command("export")
@click.option("--pcapng", metavar="FILE",
              help="Write the sampled packets into this file, for Wireshark and tshark, with a comment for each; - is"
                   " standard output.")
@click.option("--as", "form", type=click.Choice(["packets", "net_dm"]), default="packets", show_default=True,
              help="Packets as they were, or as the alerts of the kernel's drop monitor, for Wireshark's net_dm.")
@click.option("--bundle", metavar="FILE",
              help="Write the window as a history of its own: dwreport --database FILE reads it elsewhere.")
@click.option("--redact", is_flag=True, help="Replace addresses, host names and what packets carry, in either file.")
@shared
@click.pass_context
def command(context: click.Context, /, pcapng: str | None, form: str, bundle: str | None, *, redact: bool,
            **given: Any) -> None:
    """Write the window for other programs: its packets for Wireshark, or all of it as a history of its own.

    Packets are those that filters take. Their comments have reason, place, cause, and for how many drops each stands:
    frame.comment in Wireshark's filters. A bundle has everything of the window, whatever the filters, and makes no
    claim on other times. A file that is there is replaced when the new one is whole. How many packets it has, for how
    many drops these stand, and what was not watched is told on standard error.
    """
    options = merged(context, given)
    for name in _OF_ROWS:
        if options.get(name) not in {None, ()}:
            raise click.UsageError(f"export has no --{name.replace('_', '-')}; it writes all packets that the filters "
                                   "take")
    if (pcapng is None) == (bundle is None):
        raise click.UsageError("export needs --pcapng FILE or --bundle FILE, one of the two")
    if bundle is not None:
        import_module("dwreport.cli.bundle").export(bundle, options, redact=redact)
    else:
        import_module("dwreport.cli.capture").export(pcapng, options, form=form, redact=redact)


# They may still stand before the command's name.
command.params = [option for option in command.params if option.name not in {*_OF_ROWS, *_OF_PAGES}]
