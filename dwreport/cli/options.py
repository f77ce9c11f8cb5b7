"""The options that every view shares, and the commands made with them; little is imported, for speed."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from dwreport.render import format_names

if TYPE_CHECKING:
    from dropwatchd.history.reader import Reader
    from dwreport.report.answer import Answer
    from dwreport.report.wanted import Wanted

P = ParamSpec("P")
R = TypeVar("R")
View = Callable[["Reader", "Wanted"], "Answer"]
Options = dict[str, Any]

_OPTIONS = (
    click.option("--since", metavar="T", help="Begin here: 1h (the default), 2h30min ago, 10:00, 2026-11-22 10:00,"
                                              " yesterday, @1763805600."),
    click.option("--until", metavar="T", help="End before this time; now by default."),
    click.option("--location", metavar="GLOB", help="Only drops in kernel functions such as 'udp*_rcv*'."),
    click.option("--interface", metavar="NAME", help="Only drops on this interface, and its counters."),
    click.option("--reason", metavar="NAME", help="Only drops with this reason, such as NO_SOCKET."),
    click.option("--protocol", metavar="P", help="Only this ethertype: ipv4, arp, 0x88cc, ..."),
    click.option("--netns", metavar="N", help="Only this network namespace: init, a name, or an inode."),
    click.option("--origin", type=click.Choice(["software", "hardware"]), help="Only drops by the kernel, or the NIC."),
    click.option("--host", metavar="H", help="Only this host: its name or its machine id."),
    click.option("--database", metavar="PATH", help="The history to read, instead of the daemon's."),
    click.option("--format", type=click.Choice(format_names()), help="table is the default."),
    click.option("-v", "--verbose", is_flag=True, default=None, help="Show the evidence for each finding."),
    click.option("--width", type=click.IntRange(40), metavar="N", help="Lines of so many characters; a terminal's own "
                                                                       "by default, and no limit in a pipe."),
    click.option("--pager/--no-pager", default=None, help="Show what is longer than the terminal in $PAGER, or less: "
                                                          "the default."),
)


def shared(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the options of every report."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def command_of(view: View) -> click.Command:
    """Make a command of a view; its docstring is the help. Options may stand before or after the command's name."""
    @click.pass_context
    def run(context: click.Context, /, **given: Any) -> None:
        import_module("dwreport.cli.request").respond(view, merged(context, given))

    return click.command(help=view.__doc__)(shared(run))


def merged(context: click.Context, given: Options) -> Options:
    """Add the options that stood before the command's name."""
    before: Options = context.parent.params if context.parent else {}
    return {**before, **{name: value for name, value in given.items() if value is not None}}
