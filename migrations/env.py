"""Runs the revisions on the database that dropwatchd.history.upgrade names, all in one transaction."""

from alembic import context

from dropwatchd.history.open import engine

with engine(context.config.attributes["database"]).connect() as connection:
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
