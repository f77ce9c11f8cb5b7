"""From options to a file of packets: scope, reading, writing, and what is said of it."""

import sys
import time
from importlib import import_module
from pathlib import Path

import click

from dropwatchd.history.reader import Reader
from dwreport.cli.options import Options
from dwreport.cli.request import Request, asked, understand
from dwreport.render.file import STANDARD_OUTPUT, whole_file
from dwreport.render.heading import warning
from dwreport.report.answer import Answer
from dwreport.views._capture import capture


def export(name: str, options: Options, *, form: str, redact: bool) -> None:
    """Write the sampled packets into a file, and a summary on standard error; raise click.ClickException."""
    request = understand(options, time.time_ns())
    check_target(name, request.database, "--pcapng", "packets are nothing for a terminal; name a file, or a pipe: "
                 "dwreport export --pcapng - | tshark -r -")
    if not redact:
        _write(name, request, options, form)
        return
    with import_module("dwreport.cli.bundle").redacted(request, options) as (other, same):
        _write(name, other, same, form)


def _write(name: str, request: Request, options: Options, form: str) -> None:
    with whole_file(name) as out:

        def write(reader: Reader) -> Answer | OSError:
            try:
                return capture(reader, request.wanted, out, form)
            except OSError as error:  # no fault of the history, in which damage would be looked for
                return error

        told = asked(write, request, options)
        if isinstance(told, OSError):
            raise told
    for line in (*told.lead, *warning(told)):
        click.echo(f"dwreport: {line}", err=True)


def check_target(name: str, database: Path, option: str, for_terminals: str) -> None:
    """Raise click.UsageError where a file cannot be meant."""
    if not name:
        raise click.UsageError(f"{option} needs the name of a file, this one is empty; - is standard output")
    if name == STANDARD_OUTPUT and sys.stdout.isatty():
        raise click.UsageError(for_terminals)
    if _is_same(Path(name), database):
        raise click.UsageError(f"{name} is the history itself; name another file")


def _is_same(one: Path, other: Path) -> bool:
    """Say whether both are one file; of what cannot be looked at, others say what is wrong."""
    try:
        return one.samefile(other)
    except OSError:
        return False
