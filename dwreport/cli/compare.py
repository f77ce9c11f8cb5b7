"""The command compare: the report's window, and an earlier one that it is compared with."""

import time
from functools import partial
from importlib import import_module
from typing import Any

import click

from dwreport.cli.earlier import Span, earlier
from dwreport.cli.options import merged, shared


@click.command("compare")
@click.option("--with", "earlier", metavar="WINDOW", default="before", show_default=True,
              help="The earlier window: before (of the same length, just before), yesterday (the same time a day "
                   "earlier), last-week (seven days earlier), or when one of the same length begins, as --since takes "
                   "it.")
@shared
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Show what changed since an earlier window: what is new, gone, grown, shrunk.

    Each line is a cause in a place. Something is new where there was none then and all of that time was watched; else
    it is "new or unseen then". The same is what differs by no more than a tenth; where more was watched of one window
    than of the other, packets per time watched are compared.

    \b
    What is new since yesterday, as of the last hour:
      dwreport compare --since 1h --with yesterday --no-benign
    """  # noqa: D301 - click keeps the lines after \b as they are
    text = given.pop("earlier")
    options, now_ns = merged(context, given), time.time_ns()
    if options.get("by"):
        raise click.UsageError("compare has no --by: its rows are causes in places")

    def window(now: Span) -> Span:
        try:
            return earlier(text, now, now_ns)
        except (ValueError, OverflowError, OSError) as error:
            raise click.UsageError(f"wrong --with, {error}") from None

    view = import_module("dwreport.views.compare").view
    import_module("dwreport.cli.request").respond(partial(view, earlier=window), options)
