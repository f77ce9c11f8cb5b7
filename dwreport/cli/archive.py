"""From options to a folder of Parquet files: scope, reading, writing, and what is said of it."""

import time
from pathlib import Path

import click

from dropwatchd.history.read.reader import Reader
from dwreport.cli.narrowed import FILTERS
from dwreport.cli.options import Options
from dwreport.cli.request import asked, understand
from dwreport.render.folder import whole_folder
from dwreport.render.heading import warning
from dwreport.render.parquet import NoDuckDbError
from dwreport.report.answer import Answer
from dwreport.report.gaps import answered, assessed
from dwreport.text import counted
from dwreport.views._archive import Archived, archive
from dwreport.views._bundle import OlderError


def export(name: str, options: Options, *, redact: bool) -> None:
    """Write the archive, and on standard error what is in it and what is not; raise click.ClickException."""
    for given in FILTERS:
        if given != "host" and options.get(given) not in {None, ()}:
            raise click.UsageError(f"an archive has all of the window, and takes no --{given.replace('_', '-')}")
    request = understand(options, time.time_ns())
    with whole_folder("--parquet", name) as folder:

        def make(reader: Reader) -> tuple[Archived, Answer] | Exception:
            try:
                return archive(reader, folder, redact=redact), answered(reader, assessed(reader), ())
            except (OlderError, NoDuckDbError, OSError) as error:
                return error  # no fault of the history, in which damage would be looked for

        told = asked(make, request, options, whole=True)
        if isinstance(told, OSError):
            raise told
        if isinstance(told, Exception):
            raise click.ClickException(str(told))
    made, answer = told
    for line in (_written(made, name), *_edges(made), *warning(answer)):
        click.echo(f"dwreport: {line}", err=True)


def _written(made: Archived, name: str) -> str:
    parts = [f"{counted(made.drops, 'drop')} in {counted(made.rows['drops'], 'row')}",
             counted(made.rows["counter_changes"], "counter change"), counted(made.rows["packets"], "packet")]
    return f"wrote {', '.join(parts)} into {Path(name)}, {counted(-(-made.size_bytes // 1000), 'kB', 'kB')}"


def _edges(made: Archived) -> list[str]:
    """Say what the archive's neighbours have of this window, and it of theirs: rows are not divided."""
    found = []
    if made.earlier[0]:
        found.append(f"{_over(made.earlier)} began before the window and reached into it: the archive of the time"
                     " before has these")
    if made.later[0]:
        found.append(f"{_over(made.later)} reach beyond the end of the window: this archive has all of these")
    return found


def _over(edge: tuple[int, int]) -> str:
    rows, drops = edge
    return f"{counted(rows, 'row')} of {counted(drops, 'drop')}"
