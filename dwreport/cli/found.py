"""What a shell is offered behind an option: names that the history bears. Whatever is wrong, nothing is offered."""

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from dropwatchd.history.paths import database_to_read

_QUERIES = {
    "interface": "SELECT name FROM interfaces UNION SELECT interface FROM counters",
    "reason": "SELECT reason FROM kinds UNION SELECT upper(trap) FROM kinds",
    "process": "SELECT json_extract(labels, '$.process') FROM counters WHERE collector IN ('sockets', 'capture')",
    "unit": """SELECT replace(name, 'unit:', '') FROM namespaces WHERE kind = 'unit'
               UNION SELECT json_extract(labels, '$.cgroup') FROM counters WHERE collector IN ('sockets', 'capture')""",
    "container": """SELECT name FROM namespaces WHERE kind IN ('container', 'pod')
                    UNION SELECT json_extract(labels, '$.container') FROM counters
                          WHERE collector IN ('sockets', 'capture')""",
    "host": "SELECT hostname FROM runs",
    "location": "SELECT symbol FROM locations",
    "protocol": "SELECT protocol FROM kinds",
    "netns": "SELECT 'init' UNION SELECT coalesce(name, inode) FROM namespaces",
}
# A shell puts the word into its line as it is: a name that somebody chose must mean nothing there.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@/+-]*")
_PATIENCE_S = 0.3  # of a person who has pressed Tab
_EVERY = 20_000  # of SQLite's instructions, below a millisecond


def names(database: str | None, option: str, begun: str) -> list[str]:
    """Return the names for an option that begin as the word does; a ! in front of it, which leaves out, is kept."""
    mark, word = ("!", begun[1:]) if begun.startswith("!") else ("", begun)
    try:
        there = _read(Path(database) if database else database_to_read(), _QUERIES[option])
    except Exception:  # noqa: BLE001 - a shell shows what we print in the middle of somebody's line
        return []
    if option == "protocol":
        from dwreport.packets.ethertypes import protocol_name  # noqa: PLC0415 - of this option alone

        there = sorted(name for number in there if (name := protocol_name(int(number))))
    return [mark + name for name in there if name.startswith(word) and _PLAIN.fullmatch(name)]


def groupings(begun: str) -> list[str]:
    """Return what --by may go on with: names with commas between, each once."""
    from dwreport.views._groups import NAMES  # noqa: PLC0415 - of this option alone

    head, comma, word = begun.rpartition(",")
    return [f"{head}{comma}{name}" for name in NAMES if name.startswith(word) and name not in head.split(",")]


def _read(path: Path, query: str) -> list[str]:
    """Read beside a daemon or at rest; after a crash, which would take a copy of the whole history, not at all."""
    log, shared = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    in_use = log.exists() and log.stat().st_size > 0
    if in_use and not shared.exists():
        return []
    uri = f"{path.absolute().as_uri()}?mode=ro" + ("" if in_use else "&immutable=1")
    deadline = time.monotonic() + _PATIENCE_S
    with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE_S)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _EVERY)
        found = {str(name).rpartition("/")[2] if str(name).startswith("/") else str(name)  # a control group's last part
                 for name, in connection.execute(query) if name is not None}
        return sorted(found)
