"""From options to a file of packets: scope, reading, writing, and what is said of it."""

import time

import click

from dropwatchd.history.read.reader import Reader
from dwreport.cli.files import check_target
from dwreport.cli.options import Options
from dwreport.cli.request import asked, understand
from dwreport.render.file import whole_file
from dwreport.render.heading import warning
from dwreport.report.answer import Answer
from dwreport.views._capture import capture

_TERMINAL = "packets are nothing for a terminal; name a file, or a pipe: dwreport export --pcapng - | tshark -r -"


def export(name: str, options: Options, *, form: str, redact: bool) -> None:
    """Write the sampled packets into a file, and a summary on standard error; raise click.ClickException."""
    request = understand(options, time.time_ns())
    check_target("--pcapng", name, request.database, _TERMINAL)
    with whole_file(name) as out:

        def write(reader: Reader) -> Answer | OSError:
            try:
                return capture(reader, request.wanted, out, form, redact=redact)
            except OSError as error:  # no fault of the history, in which damage would be looked for
                return error

        told = asked(write, request, options)
        if isinstance(told, OSError):
            raise told
    for line in (*told.lead, *warning(told)):
        click.echo(f"dwreport: {line}", err=True)

