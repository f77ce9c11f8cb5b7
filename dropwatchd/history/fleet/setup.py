"""Making a central history, and keeping it within its bounds: what an administrator does."""

import logging

from dropwatchd.history.fleet.connect import check, connect, explained, psycopg, script

logger = logging.getLogger(__name__)


def set_up(url: str) -> None:
    """Make the tables and the roles where there are none, and room for the next days; raise FleetError."""
    with connect(url, is_new=True) as connection:
        try:
            [(there,)] = connection.execute("SELECT to_regclass('dropwatch.revision')").fetchall()
            if there is None:
                with connection.transaction():
                    for name in ("schema.sql", "tidy.sql", "roles.sql"):
                        connection.execute(script(name))
            check(connection)
            connection.execute("SELECT dropwatch.make_room()")
        except psycopg().Error as error:
            raise explained(error) from error
    logger.info("the central history is ready")


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
