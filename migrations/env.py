"""Runs the revisions on the database that dropwatchd.history.upgrade names, all in one transaction."""

from alembic import context

from dropwatchd.history.open import engine

_SMALL_BYTES = 256 << 20

created = engine(context.config.attributes["database"])
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
