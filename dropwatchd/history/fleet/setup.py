"""Making a central history, and keeping it within its bounds: what an administrator does."""

import logging
from typing import TYPE_CHECKING, Any

from dropwatchd.history.fleet.connect import check, connect, explained, psycopg, script
from dropwatchd.history.fleet.keys import key

if TYPE_CHECKING:
    from psycopg import Connection

logger = logging.getLogger(__name__)


# What makes the schema of each revision out of the one before. A revision that hosts or reports of an older one cannot
# use sets usable_from.
_STEPS = {"0001": ("schema.sql", "tidy.sql", "roles.sql"), "0002": ("views.sql",), "0004": ("guard.sql",)}


def set_up(url: str) -> None:
    """Make the tables and the roles, or upgrade them, and make room for the next days; raise FleetError."""
    with connect(url, is_new=True) as connection:
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (key("dropwatch.setup"),))
                for step in sorted(step for step in _STEPS if step > _revision(connection)):
                    for name in _STEPS[step]:
                        connection.execute(script(name).encode())
                    connection.execute("UPDATE dropwatch.revision SET revision = %s", (step,))
                    logger.info("the central history has schema %s", step)
            check(connection)
            connection.execute("SELECT dropwatch.make_room()")
        except psycopg().Error as error:
            raise explained(error) from error
    logger.info("the central history is ready")


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
