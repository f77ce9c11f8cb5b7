"""The command line: finds the view."""

from importlib import import_module
from typing import Any

import click

from dropwatchd import __version__
from dwreport.cli.options import command_of, merged, shared
from dwreport.views import view_names

_DEFAULT = "summary"  # the view without a name
# Commands that take more than the options of every view, or are no view.
_OWN = {"explain": "dwreport.cli.explain", "export": "dwreport.cli.export", "compare": "dwreport.cli.compare",
        "metrics": "dwreport.cli.metrics", "journal": "dwreport.cli.journal",
        "top": "dwreport.cli.top"}


class _Views(click.Group):
    """Commands in modules of their own, imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted({*view_names(), *_OWN} - {_DEFAULT})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        own = _OWN.get(cmd_name)
        command: click.Command = import_module(own).command if own else command_of(_module(cmd_name).view)
        command.context_settings["help_option_names"] = ["-h", "--help"]
        return command


def _brief(context: click.Context, _option: click.Parameter, given: bool) -> None:  # noqa: FBT001 - click's signature
    if given:
        from dwreport.cli.brief import PAGE  # noqa: PLC0415 - of -h alone

        click.echo(PAGE, nl=False)
        context.exit()


def _module(view: str) -> Any:
    return import_module(f"dwreport.views.{view}")


@click.group(cls=_Views, invoke_without_command=True, subcommand_metavar="[VIEW]",
             context_settings={"help_option_names": ["--help"]})
@shared
@click.option("-h", is_flag=True, is_eager=True, expose_value=False, callback=_brief,
              help="Show what is asked most, on one screen, and exit.")
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def dwreport(context: click.Context, /, **options: Any) -> None:
    """Say which packets this host dropped: how many, why, where in the kernel and on which interface."""
    if context.invoked_subcommand is None:
        import_module("dwreport.cli.request").respond(_module(_DEFAULT).view, merged(context, options))
