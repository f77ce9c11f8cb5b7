"""Runs the revisions on the database that dropwatchd.history.upgrade names, all in one transaction."""

from functools import partial

from alembic import context
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from dropwatchd.history.write.connection import connect

_SMALL_BYTES = 256 << 20

created = create_engine("sqlite://", creator=partial(connect, context.config.attributes["database"]),
                        poolclass=StaticPool)


@event.listens_for(created, "begin")
def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


with created.connect() as connection:
    # Revisions may rebuild tables that others refer to; this has no effect once a transaction has begun.
    connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    (pages,), (size,), (kind,) = (driver.execute(f"PRAGMA {name}").fetchone()
                                  for name in ("page_count", "page_size", "auto_vacuum"))
    if not kind and pages * size < _SMALL_BYTES:  # made before free pages could be given back
        driver.execute("PRAGMA auto_vacuum = INCREMENTAL")
        driver.execute("VACUUM")
created.dispose()
