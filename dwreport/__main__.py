"""The command line: finds the view, and turns every failure into one line and an exit code."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from dropwatchd import __version__
from dwreport.cli.options import command_of, merged, shared
from dwreport.text import clean
from dwreport.views import view_names

ANSWERED, INTERRUPTED = 0, 130  # click gives 1 for a fault and 2 for wrong usage
_DEFAULT = "summary"  # the view without a name
_OWN = {"explain": "dwreport.cli.explain"}  # commands that take more than the options of every view


class _Views(click.Group):
    """Commands in modules of their own, imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name in view_names() if name != _DEFAULT]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        if own := _OWN.get(cmd_name):
            command: click.Command = import_module(own).command
            return command
        return command_of(_module(cmd_name).view)


def _module(view: str) -> Any:
    return import_module(f"dwreport.views.{view}")


@click.group(cls=_Views, invoke_without_command=True, subcommand_metavar="[VIEW]",
             context_settings={"help_option_names": ["-h", "--help"]})
@shared
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def dwreport(context: click.Context, /, **options: Any) -> None:
    """Say which packets this host dropped: how many, why, where in the kernel and on which interface."""
    if context.invoked_subcommand is None:
        import_module("dwreport.cli.request").respond(_module(_DEFAULT).view, merged(context, options))


def run(arguments: list[str]) -> int:
    """Run with arguments and return the exit code."""
    try:
        dwreport.main(arguments, prog_name="dwreport", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    return ANSWERED


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split()).rstrip(".")
    hint = "" if ";" in line else "; see dwreport --help"
    print(f"dwreport: {clean(line)}{hint}", file=sys.stderr)  # noqa: T201 - the terminal is the place
    return code


def main() -> None:
    """End with the exit code. A fault of ours is one line here too; `run` shows where it is."""
    try:
        code = run(sys.argv[1:])
    except Exception as error:  # noqa: BLE001 - whatever it is, a traceback is no answer
        code = _fail(f"a fault of dwreport, {_place(error)}; please report it", 1)
    sys.exit(code)


def _place(error: BaseException) -> str:
    """Return what was raised, and where: the innermost line of a program."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}: {error}{where}"


if __name__ == "__main__":
    main()
