"""Runs the migrations on one database: `python -m dropwatchd.history.upgrade FILE`."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError

from dropwatchd.data import data_folder
from dropwatchd.history.errors import EXIT_DAMAGED, is_damage


def main() -> None:
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")))
    config.attributes["database"] = Path(sys.argv[1])
    try:
        command.upgrade(config, "head")
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        print(cause, file=sys.stderr)  # noqa: T201 - what the parent reads
        sys.exit(EXIT_DAMAGED if is_damage(cause) else 1)


if __name__ == "__main__":
    main()
