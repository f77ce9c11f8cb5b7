"""From options to a page of HTML: scope, reading, writing, and what is said of it."""

import time

import click

from dropwatchd.history.read.reader import Reader
from dwreport.cli.files import check_target
from dwreport.cli.options import Options
from dwreport.cli.request import asked, understand
from dwreport.render.file import whole_file
from dwreport.render.heading import warning
from dwreport.render.html.document import write
from dwreport.report.sheet import Sheet
from dwreport.text import counted
from dwreport.views._page import sheet


def export(name: str, options: Options) -> None:
    """Write the report as a page into a file, and a summary on standard error; raise click.ClickException."""
    request = understand(options, time.time_ns())
    check_target("--html", name, request.database, "a page is nothing for a terminal; name a file")
    with whole_file(name) as out:

        def made(reader: Reader) -> tuple[Sheet, int] | OSError:
            page = sheet(reader, request.wanted, request.wanted.filters)
            try:
                return page, write(page, out)
            except OSError as error:  # no fault of the history, in which damage would be looked for
                return error

        told = asked(made, request, options)
        if isinstance(told, OSError):
            raise told
    page, length = told
    drops = next(section for section in page.answer.sections if section.key == "drops").rows
    click.echo(f"dwreport: wrote {counted(len(page.findings), 'finding')} and {counted(len(drops), 'kind')} of drops, "
               f"{counted(-(-length // 1000), 'kB', 'kB')}", err=True)
    for line in (*page.answer.lead, *warning(page.answer)):
        click.echo(f"dwreport: {line}", err=True)
