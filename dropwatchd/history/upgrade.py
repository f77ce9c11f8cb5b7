"""Runs the migrations on one database: `python -m dropwatchd.history.upgrade FILE`."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

from dropwatchd.data import data_folder


def main() -> None:
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")))
    config.attributes["database"] = Path(sys.argv[1])
    command.upgrade(config, "head")


if __name__ == "__main__":
    main()
