"""The command export: what is on record, in files of other programs."""

from importlib import import_module
from typing import Any

import click

from dwreport.cli.options import files, merged, shared

# Options of reports: what chooses and judges rows would promise something else, what lays out a page does no harm.
_OF_ROWS = ("by", "sort", "reverse", "top", "last", "format", "fail_if", "follow")
_OF_PAGES = ("verbose", "width", "pager")


@click.command("export")
@click.option("--html", metavar="FILE", shell_complete=files,
              help="Write the report into this file, as one page for a browser that needs no network: findings, an"
                   " interactive time line, tables; - is standard output.")
@click.option("--pcapng", metavar="FILE", shell_complete=files,
              help="Write the sampled packets into this file, for Wireshark and tshark, with a comment for each; - is"
                   " standard output.")
@click.option("--as", "form", type=click.Choice(["packets", "net_dm"]), default="packets", show_default=True,
              help="Packets as they were, or as the alerts of the kernel's drop monitor, for Wireshark's net_dm.")
@click.option("--bundle", metavar="FILE",
              help="Write the window as a history of its own: dwreport --database FILE reads it elsewhere.")
@click.option("--parquet", metavar="FOLDER",
              help="Write the rows of the window into files of a new folder, for DuckDB, pandas, Polars, Spark: an"
                   " archive.")
@click.option("--redact", is_flag=True, help="Replace addresses, host names and what packets carry: of --pcapng,"
                                             " --bundle and --parquet.")
@shared
@click.pass_context
def command(context: click.Context, /, form: str, *, redact: bool, **given: Any) -> None:
    """Write the report of the window into a page for a browser, or its sampled packets into a file for Wireshark.

    Or all of the window as a history of its own, a bundle, which makes no claim on other times; or as Parquet files.

    The filters apply, but to a bundle and an archive. A file that is there is replaced when the new one is whole.
    What was written, and what was not watched, is told on standard error.

    Comments of packets have reason, place, cause, and for how many drops each stands: frame.comment in Wireshark's
    filters.
    """
    files = {name: given.pop(name) for name in ("html", "pcapng", "bundle", "parquet")}
    options = merged(context, given)
    for name in _OF_ROWS:
        if options.get(name) not in {None, ()}:
            raise click.UsageError(f"export has no --{name.replace('_', '-')}; it writes all that the filters take")
    asked = {name: file for name, file in files.items() if file is not None}
    if len(asked) != 1:
        raise click.UsageError("export takes one of --html FILE, --pcapng FILE, --bundle FILE and --parquet FOLDER")
    if redact and "html" in asked:
        raise click.UsageError("a page has no --redact; write one from a bundle that has")
    if "html" in asked:
        import_module("dwreport.cli.page").export(asked["html"], options)
    elif "bundle" in asked:
        import_module("dwreport.cli.bundle").export(asked["bundle"], options, redact=redact)
    elif "parquet" in asked:
        import_module("dwreport.cli.archive").export(asked["parquet"], options, redact=redact)
    else:
        import_module("dwreport.cli.capture").export(asked["pcapng"], options, form=form, redact=redact)


# They may still stand before the command's name.
command.params = [option for option in command.params if option.name not in {*_OF_ROWS, *_OF_PAGES}]
