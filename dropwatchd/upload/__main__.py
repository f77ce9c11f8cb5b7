"""Where the sender begins and ends: one line for whatever is wrong."""

import logging
import os
import sys
from pathlib import Path

from dropwatchd import log
from dropwatchd.history.fleet.connect import FleetError
from dropwatchd.history.fleet.setup import set_up, set_up_coordinator, tidy
from dropwatchd.history.paths import database_to_read
from dropwatchd.history.read.readonly import UnreadableError
from dropwatchd.signals import Signals
from dropwatchd.upload.arguments import arguments
from dropwatchd.upload.loop import Target, send_all, send_on
from dropwatchd.upload.read import RefusedError

logger = logging.getLogger(__name__)


def main(words: list[str] | None = None) -> None:
    """Run, and exit: the only place that does."""
    given = arguments(sys.argv[1:] if words is None else words)
    log.set_up()
    try:
        if given.setup:
            set_up(given.to)
        elif given.setup_coordinator:
            set_up_coordinator(given.to)
        elif given.tidy:
            tidy(given.to, given.tidy)
        else:
            target = Target(given.to, given.database or _database(), given.packets)
            if given.once:
                logger.info("sent %d rows", send_all(target))
            else:
                send_on(target, given.interval, Signals())
    except (FleetError, RefusedError, UnreadableError) as error:
        logger.error("%s", error)
        sys.exit(1)


def _database() -> Path:
    """Return the daemon's history: beside a unit of our own, $STATE_DIRECTORY is none of ours."""
    os.environ.pop("STATE_DIRECTORY", None)
    return database_to_read()


if __name__ == "__main__":
    main()
