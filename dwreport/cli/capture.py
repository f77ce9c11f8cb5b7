"""From options to a file of packets: scope, reading, writing, and what is said of it."""

import sys
import time
from pathlib import Path

import click

from dropwatchd.history.reader import Reader
from dwreport.cli.options import Options
from dwreport.cli.request import asked, understand
from dwreport.render.file import STANDARD_OUTPUT, whole_file
from dwreport.render.heading import warning
from dwreport.report.answer import Answer
from dwreport.views._capture import capture


def export(name: str, options: Options) -> None:
    """Write the sampled packets into a file, and a summary on standard error; raise click.ClickException."""
    request = understand(options, time.time_ns())
    _check(name, request.database)
    with whole_file(name) as out:

        def write(reader: Reader) -> Answer | OSError:
            try:
                return capture(reader, request.wanted, out)
            except OSError as error:  # no fault of the history, in which damage would be looked for
                return error

        told = asked(write, request, options)
        if isinstance(told, OSError):
            raise told
    for line in (*told.lead, *warning(told)):
        click.echo(f"dwreport: {line}", err=True)


def _check(name: str, database: Path) -> None:
    if not name:
        raise click.UsageError("--pcapng needs the name of a file, this one is empty; - is standard output")
    if name == STANDARD_OUTPUT and sys.stdout.isatty():
        raise click.UsageError("packets are nothing for a terminal; name a file, or a pipe: dwreport export --pcapng - "
                               "| tshark -r -")
    if _is_same(Path(name), database):
        raise click.UsageError(f"{name} is the history itself; name another file")


def _is_same(one: Path, other: Path) -> bool:
    """Say whether both are one file; of what cannot be looked at, others say what is wrong."""
    try:
        return one.samefile(other)
    except OSError:
        return False
