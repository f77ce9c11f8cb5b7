"""The migrations and the schema in the code are the same thing."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from dropwatchd.data import data_folder
from dropwatchd.history.open import revision, upgrade
from dropwatchd.history.readonly import read
from dropwatchd.history.schema import APPLICATION_ID, REVISION, VIEWS, metadata


def _statements(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql NOTNULL")
        return {name: " ".join(sql.split()).replace("( ", "(").replace(" )", ")") for name, sql in rows}


def test_migrating_up_from_nothing_gives_the_schema(empty_history: Path, tmp_path: Path) -> None:
    """Every table, index and view is the same, word for word."""
    path = tmp_path / "created.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for name, text in VIEWS.items():
            connection.exec_driver_sql(f"CREATE VIEW {name} AS {text}")
    engine.dispose()
    assert _statements(empty_history) == _statements(path)


def test_an_older_history_is_brought_up_with_all_that_it_holds(tmp_path: Path) -> None:
    """As the daemon does when it starts; until then it is read as it is."""
    path = tmp_path / "old.db"
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")))
    config.attributes["database"] = path
    command.upgrade(config, "0001")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO runs VALUES (1, 'm', 'b', 'web-3', '6.1', '0.1', 'bpf', 1, 2, 3, 'stopped')")
    assert read(path, lambda old: old.execute("SELECT count(*) FROM runs, namespace_runs").fetchall()) == [(0,)]
    upgrade(path)
    assert revision(path) == REVISION
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT hostname FROM runs").fetchall() == [("web-3",)]
        assert connection.execute("SELECT * FROM namespace_runs").fetchall() == []


def test_the_newest_revision_is_the_codes(empty_history: Path) -> None:
    """The revision that readers know is the head of the migrations, and the database says it is ours."""
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]
    with sqlite3.connect(empty_history) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (REVISION,)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
