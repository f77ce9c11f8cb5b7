"""The command metrics: what monitoring asks for, as text for Prometheus."""

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import click

from dwreport.cli.options import Options, merged
from dwreport.render.openmetrics import lines

if TYPE_CHECKING:
    from dwreport.render.openmetrics import Family

_SEVERAL = 2
_TYPES = {"openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
          "prometheus": "text/plain; version=0.0.4; charset=utf-8"}


@click.command("metrics")
@click.option("--output", metavar="FILE", default="-", show_default="standard output",
              help="Write into this file, which is replaced when the new one is whole.")
@click.option("--dialect", type=click.Choice(["openmetrics", "prometheus"]), default="openmetrics", show_default=True,
              help="prometheus is the older text format, which node_exporter reads from files with names in .prom.")
@click.option("--http", is_flag=True, help="Answer one request on a socket that systemd passes as standard input.")
@click.option("--since", metavar="T", help="Judge what was watched from here on: 1h by default.")
@click.option("--host", metavar="H", help="Only this host: its name or its machine id.")
@click.option("--database", metavar="PATH", help="The history to read, instead of the daemon's.")
@click.pass_context
def command(
    context: click.Context, /, output: str, dialect: Literal["openmetrics", "prometheus"], *, http: bool, **given: Any,
) -> None:
    """Write metrics for Prometheus: drops by cause, reason, interface and namespace, and how far all was watched.

    Drops are counted since the history began, and never fewer, whatever has expired since. Coverage and gaps are of the
    window, up to when the daemon last wrote.

    \b
    For node_exporter's textfile collector:
      dwreport metrics --dialect prometheus --output /var/lib/prometheus/node-exporter/dropwatchd.prom
    """  # noqa: D301 - click keeps the lines after \b as they are
    if not output:
        raise click.UsageError("--output needs the name of a file, this one is empty; - is standard output")
    options = merged(context, given)
    for name, value in options.items():
        if name not in given and value not in {None, ()}:
            raise click.UsageError(f"metrics has no --{name.replace('_', '-')}; it writes all drops, with labels")

    def make() -> bytes:
        return "".join(lines(_families(options), dialect)).encode(errors="backslashreplace")

    if http:
        import_module("dwreport.cli.http").answer(make, _TYPES[dialect])
        return
    with import_module("dwreport.render.file").whole_file(output) as out:
        out.write(make())


def _families(options: Options) -> "list[Family]":
    from dropwatchd.history.read.reader import Reader  # noqa: PLC0415 - as the next, of this command alone
    from dropwatchd.history.read.total_rows import has_totals  # noqa: PLC0415
    from dwreport.cli.request import asked, own_history, understand  # noqa: PLC0415
    from dwreport.views._metrics import families  # noqa: PLC0415

    request = understand(options, time.time_ns())
    own_history(request, "metrics")

    def ask(reader: Reader) -> "list[Family] | int":
        """Return the metrics, or of how many hosts they would be."""
        hosts = len(list(reader.rows("SELECT DISTINCT host_of(id) FROM runs")))
        if not has_totals(reader):
            return 0
        return families(reader) if hosts < _SEVERAL or request.scope.host is not None else hosts

    found = asked(ask, request, options)
    if found == 0:
        raise click.ClickException("this history was made by an older dropwatchd, which kept no totals; start "
                                   "dropwatchd once to upgrade it")
    if isinstance(found, int):
        raise click.UsageError(f"this history has {found} hosts, and metrics are of one; name it with --host")
    return found
