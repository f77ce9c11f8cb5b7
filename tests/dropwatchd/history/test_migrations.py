"""The migrations and the schema in the code are the same thing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from dropwatchd.data import data_folder
from dropwatchd.history.read.readonly import read
from dropwatchd.history.schema import APPLICATION_ID, REVISION, metadata
from dropwatchd.history.views import VIEWS
from dropwatchd.history.write.open import revision, upgrade


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


OLD = """
    INSERT INTO runs VALUES (1, 'm', 'b', 'web-3', '6.1', '0.1', 'bpf + net_dm (hardware)', 100, 200, 210, 'stopped');
    INSERT INTO runs VALUES (2, 'm', 'b', 'web-3', '6.1', '0.1', 'none', 300, 400, NULL, NULL);
    INSERT INTO interfaces VALUES (1, 'b', 40, 'init', 2, 'eth0', 150, 160), (2, 'b', 50, NULL, 3, 'lo', 150, 150),
                                  (3, 'b', NULL, NULL, NULL, NULL, 150, 150);
    INSERT INTO locations VALUES (1, 'f', 1, NULL, NULL);
    INSERT INTO kinds VALUES (1, 'NO_SOCKET', 2048, 'software', NULL, NULL);
    INSERT INTO drops VALUES (150, 10, 1, 1, 1, 1, 7, 700, 151, 155), (150, 10, 1, 1, 1, 3, 2, 200, 151, 155);
    INSERT INTO counters VALUES (1, 'snmp', 'UdpNoPorts', 40, NULL, NULL, '{}', 0),
                                (2, 'softnet', 'dropped', NULL, NULL, NULL, '{}', 0);
    INSERT INTO counter_changes VALUES (160, 1, 1, 150, 7);
    INSERT INTO collector_runs VALUES (1, 'snmp', 110, 190, 9, 0, 5);
    INSERT INTO gaps VALUES (1, 1, 120, 130, 'source failed', 'blind', 'software', NULL, ''),
                            (2, 1, 125, 128, 'map full', 'detail', 'software', 5, '');
    INSERT INTO events VALUES (1, 1, 170, 'link up', 'eth0', '', 40, 2);
"""
WATCHES = [
    (1, "counters", "snmp", "{ns}", 110, 190), (1, "daemon", "", None, 100, 210),
    (1, "hardware", "net_dm", None, 100, 210), (1, "packets", "", None, 100, 210),
    (1, "software", "bpf", None, 100, 120), (1, "software", "bpf", None, 130, 210), (2, "daemon", "", None, 300, 400),
]


@pytest.mark.parametrize("old", ["0001", "0002"])
def test_an_older_history_is_read_as_it_is_and_brought_up(tmp_path: Path, old: str) -> None:
    """A reader and the daemon's upgrade see the same: what was watched, and namespaces by their inodes."""
    path = tmp_path / "old.db"
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")))
    config.attributes["database"] = path
    command.upgrade(config, old)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(OLD)
        if old == "0002":
            connection.execute("INSERT INTO namespace_runs VALUES (1, 40, 105, 195)")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA auto_vacuum = 0")  # as it was made then
        connection.execute("VACUUM")
    before = read(path, _content)
    assert revision(path) == old
    upgrade(path)
    assert revision(path) == REVISION
    assert before == read(path, _content)
    (netns,) = {row[3] for row in before["watches"] if row[1] == "counters"}
    assert (netns == "init") == (old == "0002")
    assert before["watches"] == [tuple(netns if cell == "{ns}" else cell for cell in row) for row in WATCHES]
    assert before["drops"] == [(7, "init", "eth0"), (2, None, None)]
    assert before["counters"] == [("UdpNoPorts", "init"), ("dropped", None)]
    assert before["events"] == [("link up", "init")]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)  # free pages can be given back


def test_later_revisions_are_read_as_they_are(tmp_path: Path) -> None:
    """What they lack is of no interest to a reader; once upgraded, hours and days are going to be summed."""
    path = tmp_path / "old.db"
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")))
    config.attributes["database"] = path
    command.upgrade(config, "0002")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(OLD)
    for old in ("0003", "0005", "0006", "0007"):
        command.upgrade(config, old)
        before = read(path, _content)
        assert revision(path) == old
    upgrade(path)
    assert revision(path) == REVISION
    assert before == read(path, _content)
    assert len(before["watches"]) == len(WATCHES)
    with closing(sqlite3.connect(path)) as connection:
        for spans in ("hours", "days"):
            assert connection.execute(f"SELECT * FROM {spans}").fetchall() == [  # noqa: S608 - ours
                (what, 0, None, None, None) for what in ("counter_changes", "drops")]


_CONTENT = {
    "runs": "SELECT * FROM runs", "collector_runs": "SELECT * FROM collector_runs",
    "namespaces": "SELECT * FROM namespaces",
    "watches": "SELECT run_id, what, w.name, n.name, since_ns, until_ns FROM watches w NAMED ORDER BY 1, 2, 5",
    "drops": "SELECT count, n.name, i.name FROM drops JOIN interfaces i ON i.id = interface_id NAMED ORDER BY 1 DESC",
    "counters": "SELECT c.name, n.name FROM counters c NAMED ORDER BY c.id",
    "events": "SELECT e.kind, n.name FROM events e NAMED",
    "stacks": "SELECT run_id, location_id, reason, frames FROM first_stacks JOIN stacks s ON s.id = stack_id",
}


def _content(connection: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    named = "LEFT JOIN namespaces n ON n.id = namespace_id"
    return {what: connection.execute(query.replace("NAMED", named)).fetchall() for what, query in _CONTENT.items()}


def test_the_newest_revision_is_the_codes(empty_history: Path) -> None:
    """The revision that readers know is the head of the migrations, and the database says it is ours."""
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]
    with sqlite3.connect(empty_history) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (REVISION,)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(("view", "column"), [
    ("v_drops", "window_start_ns"), ("v_counters", "until_ns"), ("v_gaps", "until_ns"), ("v_events", "time_ns"),
    ("v_watches", "until_ns")])
def test_a_span_of_time_in_a_view_is_found_by_a_key(empty_history: Path, view: str, column: str) -> None:
    """The views that people and dashboards query end with the times as they are in the tables."""
    with closing(sqlite3.connect(empty_history)) as connection:
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM {view} WHERE {column} BETWEEN 1 AND 2").fetchall()  # noqa: S608 - ours
    assert any(f"({column}>? AND {column}<?)" in step for *_, step in plan)
