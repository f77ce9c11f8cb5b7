"""One PostgreSQL for all of these tests, and histories that are written as the daemon does."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dropwatchd.history.fleet.connect import script
from dropwatchd.history.fleet.setup import STEPS, set_up
from dropwatchd.history.write.open import upgrade
from tests.fleet.life import Life
from tests.fleet.server import Server, binaries

CI = os.environ.get("CI") == "true"
_NUMBERS = count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if not binaries():
        assert not CI, "CI installs postgresql"
        pytest.skip("needs Debian's package postgresql")
    with Server() as made:
        set_up(made.url("template1"))
        yield made


@pytest.fixture
def central(server: Server) -> Iterator[str]:
    """Return the URL of an empty central history; it goes with the test, and all copies of it."""
    yield copied(server, "template1")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'copy_%'").fetchall():
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def copied(server: Server, template: str) -> str:
    """Return the URL of a copy of a database that nobody uses."""
    name = f"copy_{next(_NUMBERS)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return server.url(name)


def older(server: Server, revision: str) -> str:
    """Return the URL of an empty central history of an older revision."""
    url = copied(server, "template0")
    for step, names in STEPS.items():
        for name in names if step <= revision else ():
            asked(url, script(name))
    asked(url, f"UPDATE dropwatch.revision SET revision = '{revision}'")  # noqa: S608
    return url


def asked(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        done = connection.execute(sql.encode())
        return done.fetchall() if done.description else []


@pytest.fixture(scope="session")
def empty_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "empty.db"
    upgrade(path)
    return path


@pytest.fixture
def live(empty_history: Path, tmp_path: Path) -> Iterator[Callable[..., Life]]:
    """Return what begins the life of a host, each with a history of its own."""
    made: list[Life] = []

    def begin(name: str = "web-1", **given: Any) -> Life:
        path = tmp_path / f"{name}.db"
        path.write_bytes(empty_history.read_bytes())
        made.append(Life(path, name, **given))
        return made[-1]

    yield begin
    for life in made:
        life.close()
