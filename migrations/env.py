"""Runs the revisions on the database that dropwatchd.history.upgrade names, all in one transaction."""

from alembic import context

from dropwatchd.history.open import engine

created = engine(context.config.attributes["database"])
with created.connect() as connection:
    # Revisions may rebuild tables that others refer to; this has no effect once a transaction has begun.
    connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
created.dispose()
