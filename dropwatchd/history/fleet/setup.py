"""Making a central history, and keeping it within its bounds: what an administrator does."""

import logging
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import FleetError, check, connect, explained, psycopg, script
from dropwatchd.history.fleet.keys import key

if TYPE_CHECKING:
    from psycopg import Connection

logger = logging.getLogger(__name__)


# What makes the schema of each revision out of the one before. A revision that hosts or reports of an older one cannot
# use sets usable_from.
STEPS = {"0001": ("begin.sql", "schema.sql", "tidy.sql", "roles.sql"), "0002": ("views.sql",),
          "0003": ("send.sql",), "0004": ("guard.sql", "tidy.sql")}
# The same for a database that has no rows of its own, but asks others.
_COORDINATOR = {"0001": ("begin.sql", "schema.sql", "coordinator.sql"), "0002": ("views.sql",)}


def set_up(url: str) -> None:
    """Make the tables and the roles, or upgrade them, and make room for the next days; raise FleetError."""
    _make(url, STEPS, "SELECT dropwatch.make_room()")


def set_up_coordinator(url: str) -> None:
    """Make a database that asks several others, and has no rows of its own; raise FleetError."""
    _make(url, _COORDINATOR, "SELECT dropwatch.ask_shards()")


def _make(url: str, steps: dict[str, tuple[str, ...]], then: str) -> None:
    with connect(url, unchecked=True) as connection:
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (key("dropwatch.setup"),))
                found = _revision(connection)
                if not found:
                    _see_that_it_takes_names(connection)
                _see_that_it_is_one(connection, found, steps)
                for step in sorted(step for step in steps if step > found):
                    for name in steps[step]:
                        connection.execute(script(name).encode())
                    connection.execute("UPDATE dropwatch.revision SET revision = %s", (step,))
                    logger.info("the central history has schema %s", step)
            check(connection)
            connection.execute(then.encode())
        except psycopg().Error as error:
            raise explained(error) from error
    logger.info("the central history is ready")


def _see_that_it_takes_names(connection: "Connection[Any]") -> None:
    """Raise FleetError where the database has not all letters: a name that it cannot take would silence its host."""
    [(encoding,)] = connection.execute("SHOW server_encoding").fetchall()
    if encoding != "UTF8":
        raise FleetError(f"this database has the encoding {encoding}, which not all names have; make one with "
                         "CREATE DATABASE dropwatch ENCODING 'UTF8' TEMPLATE template0")


def _see_that_it_is_one(connection: "Connection[Any]", found: str, steps: dict[str, tuple[str, ...]]) -> None:
    """Raise FleetError where the database is of the other sort, or asks others in an older way."""
    [(shards,)] = connection.execute("SELECT to_regclass('dropwatch.shards')").fetchall()
    if found and shards is None and steps is _COORDINATOR:
        raise FleetError("this database has a central history of its own; ask several from another database")
    if shards is not None and steps is STEPS:
        raise FleetError("this database asks others, and takes no history; set up each of these")
    if shards is not None and found < max(steps):
        raise FleetError(f"this database asks others by schema {found}, and has nothing of its own: drop it, make it "
                         "anew, and add its shards again")


def _revision(connection: "Connection[Any]") -> str:
    """Return the revision of what is there, "" where nothing is."""
    [(there,)] = connection.execute("SELECT to_regclass('dropwatch.revision')").fetchall()
    return "" if there is None else str(connection.execute("SELECT revision FROM dropwatch.revision").fetchall()[0][0])


def tidy(url: str, days: int) -> None:
    """Remove what is older than so many days, and make room for the next ones; raise FleetError."""
    with connect(url) as connection:
        try:
            with connection.transaction():
                connection.execute("SELECT dropwatch.tidy(%s)", (days,))
                connection.execute("SELECT dropwatch.make_room()")
        except psycopg().Error as error:
            raise explained(error) from error
    logger.info("kept %d days", days)
