"""The rows of a window as Parquet files that need nothing else: names in words, natural keys, times in UTC."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Cursor
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import WIDEST_WINDOW_NS, run_clause
from dropwatchd.history.views import KEY, KEY_JOINS, SOURCES, columns
from dwreport.render.parquet import Tables, tables
from dwreport.views._bundle import Redaction, refuse_older

Change = Callable[[str, dict[str, Any]], dict[str, Any]]

# What is of one moment, or has its key there, is in the archive of that moment alone, so that those of hours that meet
# add up. What lasts is in each that it touches: a watch as far as it lies in the window, a gap as it is in the ledger.
# All is in the order of time, which makes files small. DuckDB all but keeps it: to sort there takes ten times the disk.
_LASTS = "since_ns < :until AND (until_ns > :since OR since_ns >= :since)"
_ROWS = {
    "drops": "SELECT * FROM drops WHERE window_start_ns >= :since AND window_start_ns < :until AND {} ORDER BY 1, 2",
    "counter_changes": """
        SELECT * FROM counter_changes WHERE until_ns >= :since AND until_ns < :until AND {} ORDER BY 1""",
    "watches": f"""
        SELECT id, run_id, what, name, namespace_id, max(since_ns, :since), min(until_ns, :until), NULL, NULL,
               limits, CASE WHEN until_ns > :until THEN '' ELSE ending END
        FROM watches WHERE {_LASTS} AND {{}} ORDER BY run_id, what, name, since_ns""",
    "gaps": f"SELECT * FROM gaps WHERE {_LASTS} AND {{}} ORDER BY since_ns, id",
    "events": "SELECT * FROM events WHERE time_ns >= :since AND time_ns < :until AND {} ORDER BY time_ns, id",
    "packets": "SELECT * FROM packets WHERE time_ns >= :since AND time_ns < :until AND {} ORDER BY time_ns, id",
}
_NAMES = ("runs", "locations", "kinds", "interfaces", "counters", "namespaces")

_RUN = "r.machine_id, r.boot_id, r.started_ns AS run_started_ns"
_SPACE = "n.cookie AS netns_cookie, n.inode AS netns_inode"
_PLACE = f"""l.symbol, l."offset" AS symbol_offset, l.address, i.driver AS interface_driver, i.peer AS interface_peer,
             {_SPACE}, {_RUN}"""
_RUNS = " UNION ".join(f"SELECT run_id FROM {table}" for table in _ROWS)


def _utc(column: str) -> str:
    """Return SQL for a timestamp: microseconds, which all that reads Parquet knows."""
    return f"make_timestamp({column} // 1000)::TIMESTAMPTZ"


def _of_view(view: str, more: str) -> str:
    """Return the query for the columns of a history's view, and others behind them."""
    shown = columns(_utc)[view].replace(".until_ns - ", ".until_ns::HUGEINT - ")  # else it fails where that overflows
    return f"SELECT {shown}, {more} FROM {SOURCES[view]}"


_FILES = {
    "drops": _of_view("v_drops", _PLACE),
    "counters": _of_view("v_counters", f"{_SPACE}, {_RUN}"),
    "watches": _of_view("v_watches", f"{_SPACE}, {_RUN}"),
    "gaps": _of_view("v_gaps", _RUN),
    "events": _of_view("v_events", f"{_SPACE}, {_RUN}"),
    "packets": f"""
        SELECT {_utc('d.time_ns')} AS time, d.weight, d.length, d.link_header, d.data, d.details, {KEY}, r.hostname,
               d.run_id, d.time_ns, {_PLACE} FROM packets d {KEY_JOINS}""",
    "runs": f"""
        SELECT {_utc('started_ns')} AS started, {_utc('ended_ns')} AS ended, ending, hostname, kernel, version,
               id AS run_id, started_ns, ended_ns, machine_id, boot_id FROM runs WHERE id IN ({_RUNS})""",
}


class Archived(NamedTuple):
    """How much is in it; `earlier` and `later` are rows of drops, and their drops, that reach over an edge."""

    drops: int
    rows: dict[str, int]
    size_bytes: int
    earlier: tuple[int, int]
    later: tuple[int, int]


def archive(reader: Reader, folder: Path, *, redact: bool) -> Archived:
    """Write the rows of the reader's window into files of a folder; raise OlderError, NoDuckDbError, OSError."""
    refuse_older(reader)
    change = Redaction(reader).changed if redact else None
    with TemporaryDirectory(prefix=".rows-", dir=folder) as work, tables(Path(work)) as made:
        for table in (*_ROWS, *_NAMES):
            _load(reader, made, table, change)
        for name, query in _FILES.items():
            file = f"{name}.parquet"
            made.write(f"SELECT * EXCLUDE (run_id) FROM ({query})", file)
            Path(work, file).replace(folder / file)
        [(drops,)] = made.ask("SELECT coalesce(sum(count), 0) FROM drops")
        rows = {table: int(made.ask(f"SELECT count(*) FROM {table}")[0][0]) for table in _ROWS}
    size_bytes = sum((folder / f"{name}.parquet").stat().st_size for name in _FILES)
    return Archived(int(drops), rows, size_bytes, _over(reader, ":since", "window_start_ns < :since"),
                    _over(reader, ":until", "window_start_ns >= :since"))


def _of_hosts(reader: Reader) -> str:
    """Return the condition on rows of runs."""
    return f"run_id IN (SELECT r.id FROM runs r WHERE {run_clause(reader.scope)})" if reader.scope.host else "1"


def _rows(reader: Reader, query: str) -> Cursor:
    scope = reader.scope
    bound = {"since": scope.since_ns, "until": scope.until_ns}
    return reader.connection.execute(query, {name: value for name, value in bound.items() if f":{name}" in query})


def _load(reader: Reader, made: Tables, table: str, change: Change | None) -> None:
    query = _ROWS[table].format(_of_hosts(reader)) if table in _ROWS else f"SELECT * FROM {table} ORDER BY id"
    found = _rows(reader, query)
    described = reader.connection.execute(f"PRAGMA table_info({table})")
    types = {str(name): str(kind) for _id, name, kind, *_rest in described}

    def changed(change: Change) -> Iterator[tuple[Any, ...]]:
        for row in found:
            yield tuple(change(table, dict(zip(types, row, strict=True))).values())

    made.load(table, types, found if change is None else changed(change))


def _over(reader: Reader, edge: str, begin: str) -> tuple[int, int]:
    """Return how many rows of drops reach over an edge of the window, and how many drops they have."""
    counts = [count for count, in _rows(reader, f"""
        SELECT count FROM drops WHERE window_start_ns > {edge} - {WIDEST_WINDOW_NS} AND window_start_ns < {edge}
                                      AND last_ns >= {edge} AND {begin} AND {_of_hosts(reader)}""")]
    return len(counts), sum(counts)
