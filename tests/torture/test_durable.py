"""What is on the disk when it is said to be: SQLite's own calls are counted, for no file shows what was synced."""

import os
import subprocess
import sys
from pathlib import Path

from dropwatchd.history.write.open import upgrade
from tests.torture.fault import Call, Disk

COMMITS = 5
# The process ends without closing its connection, which would sync once more.
_WRITE = """
import os, sys
from pathlib import Path
from dropwatchd.history.write.connection import connect, transaction
made = connect(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    with transaction(made, durable=sys.argv[2] == "durable") as connection:
        connection.execute("INSERT INTO kinds VALUES (NULL, ?, 1, 'software', NULL, NULL, 0)", (str(number),))
os._exit(0)
"""


def _syncs(disk: Disk, *words: str | Path) -> int:
    disk.count(Call.SYNC)
    subprocess.run([sys.executable, *words], check=True, env={**os.environ, **disk.environment},
                   cwd=Path(__file__).parents[2])
    return disk.counted


def test_a_durable_transaction_is_synced_once(library: Path, tmp_path: Path) -> None:
    """The first syncs a new -wal file's header and folder too; the usual ones wait for a checkpoint."""
    disk = Disk(library, tmp_path, tmp_path / "control")
    syncs = {}
    for kind in ("usual", "durable"):
        upgrade(tmp_path / f"{kind}.db")
        syncs[kind] = _syncs(disk, "-c", _WRITE, tmp_path / f"{kind}.db", kind, str(COMMITS))
    assert syncs["usual"] <= 1
    assert COMMITS <= syncs["durable"] <= COMMITS + 3


def test_a_new_history_is_on_the_disk_before_it_is_used(library: Path, tmp_path: Path) -> None:
    """Content and names: without its database SQLite would throw away a -wal file that survived a power cut."""
    (tmp_path / "state" / "deep").mkdir(parents=True)
    disk = Disk(library, tmp_path, tmp_path / "control")
    database = tmp_path / "state" / "deep" / "history.db"
    migration = _syncs(disk, "-m", "dropwatchd.history.upgrade", database)
    assert migration >= 2  # the log, and then the database
    database.unlink()
    code = ("import sys; from pathlib import Path; from dropwatchd.history.write.open import upgrade;"
            "upgrade(Path(sys.argv[1]))")
    assert _syncs(disk, "-c", code, database) == migration + 2
