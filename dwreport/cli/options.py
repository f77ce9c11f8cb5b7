"""The options that every view shares, and the commands made with them; little is imported, for speed."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from dwreport.render import format_names

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from dropwatchd.history.read.reader import Reader
    from dwreport.report.answer import Answer
    from dwreport.report.wanted import Wanted

P = ParamSpec("P")
R = TypeVar("R")
View = Callable[["Reader", "Wanted"], "Answer"]
Options = dict[str, Any]


def _names(context: click.Context, option: click.Parameter, begun: str) -> list[str]:
    """Return what a shell is offered behind a filter."""
    database: str | None = merged(context, context.params).get("database")
    found: list[str] = import_module("dwreport.cli.found").names(database, option.name, begun)
    return found


def _groupings(_context: click.Context, _option: click.Parameter, begun: str) -> list[str]:
    found: list[str] = import_module("dwreport.cli.found").groupings(begun)
    return found


def files(_context: click.Context, _option: click.Parameter, begun: str) -> "list[CompletionItem]":
    """Leave it to the shell to offer files."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - of completion alone

    return [CompletionItem(begun, type="file")]


_OPTIONS = (
    click.option("--since", metavar="T", help="Begin here: 1h (the default), 2h30min ago, 10:00, 2026-11-22 10:00,"
                                              " yesterday, @1763805600."),
    click.option("--until", metavar="T", help="End before this time; now by default."),
    click.option("--boot", metavar="N", help="A boot of the host instead of a window: 0 is the last, -1 the one before;"
                                             " or its id."),
    click.option("--run", metavar="N", help="A run of the daemon, in the same way."),
    click.option("--location", metavar="GLOB", multiple=True, shell_complete=_names,
                 help="Only drops in kernel functions such as 'udp*_rcv*'. This filter and the next four may be"
                      " repeated, take globs, and leave out what follows a !: '!lo'."),
    click.option("--interface", metavar="NAME", multiple=True, shell_complete=_names,
                 help="Only drops on this interface, and its counters."),
    click.option("--reason", metavar="NAME", multiple=True, shell_complete=_names,
                 help="Only drops with this reason, such as NO_SOCKET."),
    click.option("--protocol", metavar="P", multiple=True, shell_complete=_names,
                 help="Only this ethertype: ipv4, arp, 0x88cc, ..."),
    click.option("--netns", metavar="N", multiple=True, shell_complete=_names,
                 help="Only this network namespace: init, a name, or an inode."),
    click.option("--address", metavar="ADDR", multiple=True,
                 help="Only packets from or to this address or network: 192.0.2.7, 2001:db8::/32. This filter and the"
                      " next five may be repeated, and leave out what follows a !; samples tell how many match."),
    click.option("--port", metavar="N", multiple=True, help="Only packets from or to this port: 53, 5060-5070,"
                                                            " udp/53."),
    click.option("--transport", metavar="P", multiple=True, help="Only packets of this transport: tcp, udp, icmp, 47,"
                                                                 " ..."),
    click.option("--process", metavar="NAME", multiple=True, shell_complete=_names,
                 help="Only packets to sockets of this program that lost some; names take globs."),
    click.option("--unit", metavar="NAME", multiple=True, shell_complete=_names,
                 help="Only packets to sockets of this systemd unit, or in its network namespace."),
    click.option("--container", metavar="NAME", multiple=True, shell_complete=_names,
                 help="Only packets to sockets of this container or pod, or in its network namespace."),
    click.option("--origin", type=click.Choice(["software", "hardware"]), help="Only drops by the kernel, or the NIC."),
    click.option("--severity", type=click.Choice(["harmful", "suspect", "benign", "unknown"]), multiple=True,
                 help="Only drops of this severity; may be repeated."),
    click.option("--no-benign", "benign", is_flag=True, flag_value=False, default=None,
                 help="Leave out what does no harm."),
    click.option("--by", metavar="A,B", shell_complete=_groupings,
                 help="Add drops up by reason, interface, netns, host, cause, severity, protocol, location, origin,"
                      " transport, port, address, destination, hour or day."),
    click.option("--sort", metavar="FIELD", help="Sort the rows of a view by a field, the greatest numbers first."),
    click.option("--reverse", is_flag=True, default=None, help="Show the rows of a view in the opposite order."),
    click.option("--top", type=click.IntRange(1), metavar="N", help="Show the first N rows."),
    click.option("--last", type=click.IntRange(1), metavar="N", help="Show the last N rows of a view."),
    click.option("--host", metavar="H", shell_complete=_names,
                 help="Only this host: its name or its machine id; or a glob."),
    click.option("--database", metavar="PATH", shell_complete=files,
                 help="The history to read, instead of the daemon's; or that of many hosts, postgresql://SERVER/NAME."),
    click.option("--format", type=click.Choice(format_names()), help="table is the default."),
    click.option("--fail-if", metavar="WHAT", multiple=True,
                 help="End with exit code 3 if it is so, 4 if it may be: 'harmful > 100', 'coverage < 99 %'. Other"
                      " numbers: packets, suspect, benign, unknown, findings, drops."),
    click.option("-f", "--follow", is_flag=True, default=None,
                 help="Go on with what is new, as the daemon writes it: of drops, or of the findings."),
    click.option("-v", "--verbose", is_flag=True, default=None, help="Show the evidence for each finding."),
    click.option("--width", type=click.IntRange(50), metavar="N", help="Lines of so many characters; a terminal's own "
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
    return {**before, **{name: value for name, value in given.items() if value not in {None, ()}}}
