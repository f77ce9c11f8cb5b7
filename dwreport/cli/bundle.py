"""From options to a history of one window: scope, reading, writing, and what is said of it."""

import sqlite3
import time
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

import click

from dropwatchd.history.read.reader import Reader
from dwreport.cli.files import check_target
from dwreport.cli.narrowed import FILTERS
from dwreport.cli.options import Options
from dwreport.cli.request import Request, asked, understand
from dwreport.render.file import whole_file
from dwreport.render.heading import warning
from dwreport.report.answer import Answer
from dwreport.report.gaps import answered, assessed
from dwreport.text import NANO, counted
from dwreport.views._bundle import Bundled, OlderError, bundle

_Made = tuple[Bundled, Answer, tuple[int, int]]


def export(name: str, options: Options, *, redact: bool) -> None:
    """Write the bundle, and on standard error what is in it and how it is read; raise click.ClickException."""
    request = understand(options, time.time_ns())
    for given in FILTERS:
        if options.get(given) not in {None, ()} and not (request.fleet and given == "host"):
            raise click.UsageError(f"a bundle has all of the window, and takes no --{given.replace('_', '-')}")
    check_target("--bundle", name, request.database, "a history is nothing for a terminal; name a file")
    with TemporaryDirectory(prefix="dwreport-") as folder:
        path = Path(folder) / "history.db"
        made, answer, (since_ns, until_ns) = _make(path, request, options, redact=redact)
        with whole_file(name) as out, path.open("rb") as file:
            copyfileobj(file, out)
    window = f"--since @{_seconds(since_ns)} --until @{_seconds(until_ns)}"
    told = f"wrote {counted(made.drops, 'drop')} and {counted(made.packets, 'packet')}; to read it: "
    for line in (f"{told}dwreport --database {name} {window}", *warning(answer)):
        click.echo(f"dwreport: {line}", err=True)


def _seconds(time_ns: int) -> str:
    whole, rest = divmod(time_ns, NANO)
    return f"{whole}.{rest:09}".rstrip("0").rstrip(".")


def _make(path: Path, request: Request, options: Options, *, redact: bool) -> _Made:
    def make(reader: Reader) -> _Made | OlderError | OSError | sqlite3.OperationalError:
        path.unlink(missing_ok=True)  # at a second try
        try:
            made = bundle(reader, path, redact=redact)
        except (OlderError, OSError) as error:
            return error
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:  # of the new one: a history is only read
                raise
            return error
        return made, answered(reader, assessed(reader), ()), (reader.scope.since_ns, reader.scope.until_ns)

    found = asked(make, request, options, whole=True)
    if isinstance(found, OlderError):
        raise click.ClickException(str(found))
    if isinstance(found, Exception):
        raise click.ClickException(f"cannot write the bundle ({found}); check the room for temporary files")
    return found
