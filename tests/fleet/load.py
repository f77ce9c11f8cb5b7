"""Loads a PostgreSQL of its own with many hosts, which have the rows and the sender of the product."""

import signal

import click

from tests.fleet import realtime, speed
from tests.fleet.server import LOSING, Server

_OPTIONS = ("-c", "max_connections=200", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB", *LOSING)


@click.group(help=__doc__)
def main() -> None:
    """Have signals end the server as well."""
    for number in (signal.SIGTERM, signal.SIGINT):  # which a shell's background ignores
        signal.signal(number, signal.default_int_handler)


@main.command("realtime")
@click.option("--hosts", default=10_000, show_default=True)
@click.option("--interval", default=300.0, show_default=True, metavar="SECONDS", help="Between two sendings of a host.")
@click.option("--minutes", default=11.0, show_default=True, help="How long; some more of it after a loss.")
@click.option("--lose", default=0.0, metavar="SECONDS", help="Then the server is away for so long.")
@click.option("--kill", is_flag=True, help="It is lost by SIGKILL, not stopped.")
def in_real_time(hosts: int, interval: float, minutes: float, lose: float, *, kill: bool) -> None:
    """Have hosts send at their real pace; see that all sums are exact in the end."""
    with Server(5432, *_OPTIONS) as server:
        for line in realtime.run(realtime.Plan(hosts, interval, minutes, lose, kill), server):
            click.echo(line)


@main.command("speed")
@click.option("--hosts", default=1000, show_default=True)
@click.option("--processes", default=4, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--minutes", default=5, show_default=True, help="What a round holds: of a host that was cut off, hours.")
def at_speed(hosts: int, processes: int, rounds: int, minutes: int) -> None:
    """Have hosts send as fast as a server takes it, and ask for reports."""
    with Server(5432, *_OPTIONS) as server:
        for line in speed.run(speed.Plan(hosts, processes, rounds, minutes), server):
            click.echo(line)


if __name__ == "__main__":
    main()
