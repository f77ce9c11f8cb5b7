"""Histories large enough to be caught in the midst of what a daemon does to them: migrating, folding."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config

from dropwatchd.data import data_folder
from dropwatchd.history.write.open import upgrade
from dropwatchd.model import NANO

OLDER = "0002"
REASON = "OLD"  # of all drops in them, with a number behind it
KEYS = 20
_OF_RUNS = {
    OLDER: "INSERT INTO runs VALUES (1, 'm', 'b', 'old', '6.1', '0.1', 'bpf', {since}, {until}, {until}, 'stopped');"
           "INSERT INTO interfaces VALUES (1, 'b', 40, 'init', 2, 'eth0', {since}, {until});"
           "INSERT INTO locations VALUES (1, 'f', 1, NULL, NULL);"
           "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < {keys})"
           " INSERT INTO kinds SELECT i, '{reason}_' || i, 2048, 'software', NULL, NULL FROM k;",
    "": "INSERT INTO runs VALUES (1, 'm', 'b', 'old', '6.1', '0.1', {since}, {until}, 'stopped');"
        "INSERT INTO interfaces VALUES (1, 'b', NULL, 2, 'eth0', NULL, NULL, NULL, {since}, {until});"
        "INSERT INTO locations VALUES (1, 'f', 1, NULL, NULL, {until});"
        "INSERT INTO watches VALUES (1, 1, 'software', 'bpf', NULL, {since}, {until}, 1, 2, '[]', 'stopped');"
        "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < {keys})"
        " INSERT INTO kinds SELECT i, '{reason}_' || i, 2048, 'software', NULL, NULL, {until} FROM k;",
}
_DROPS = """
    WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < {seconds} - 1),
                   k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < {keys})
    INSERT INTO drops SELECT {since} + s.i * {nano}, {nano}, 1, 1, k.i, 1, 1 + (s.i + k.i) % 7, 100,
                             {since} + s.i * {nano}, {since} + s.i * {nano} FROM s, k;"""


def make(database: Path, seconds: int, revision: str = "") -> int:
    """Make a history whose fine windows end an hour ago, of a revision or the newest; return how many drops it has."""
    if revision:
        config = Config()
        config.set_main_option("script_location", str(data_folder("migrations")))
        config.attributes["database"] = database
        command.upgrade(config, revision)
    else:
        upgrade(database)
    until = (time.time_ns() // NANO // 3600 - 1) * 3600 * NANO
    values = {"since": until - seconds * NANO, "until": until, "keys": KEYS, "reason": REASON, "seconds": seconds,
              "nano": NANO}
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(f"BEGIN; {_OF_RUNS[revision].format(**values)} {_DROPS.format(**values)} COMMIT;")
    return count(database)


def count(database: Path) -> int:
    """Return how many of those drops are there."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
        (found,) = connection.execute(COUNT).fetchone()
    return int(found)


COUNT = f"SELECT sum(count) FROM drops JOIN kinds ON kinds.id = kind_id WHERE reason LIKE '{REASON}_%'"  # noqa: S608
