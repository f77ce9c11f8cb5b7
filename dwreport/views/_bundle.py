"""A history of one window, taken out of another: what reports on that window read, and no claim on any other time."""

# ruff: noqa: S608 - the SQL is put together from texts of this module; values are bound.

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from dropwatchd.history.identity import APPLICATION_ID, REVISION
from dropwatchd.history.read.pulled import Pulled
from dropwatchd.history.read.reader import Reader
from dropwatchd.history.read.scope import WIDEST_WINDOW_NS
from dropwatchd.history.views import VIEWS
from dropwatchd.model import NANO, DropKey, Effect, GapCause, Interface, Kind, Location
from dwreport.views._veil import Veil

# Drops are held against counters from the reading before the window on, which may lie so long before it: see
# history/read/aligned.py. Events of a minute before may have to do with them.
BEFORE_NS = 126 * NANO
_NOWHERE = "not in this part of a history, which is of one window"

_HERE = "since_ns < :until AND until_ns >= :since"
_DROPS = f"""window_start_ns > :since - {WIDEST_WINDOW_NS} AND window_start_ns < :until
             AND last_ns >= :since AND first_ns < :until"""
_CHANGES = "until_ns > :since AND since_ns < :until"
# Of a run that went on behind the window nobody must say that it ended there.
_GOES_ON = "EXISTS (SELECT 1 FROM watches w WHERE w.run_id = r.id AND w.since_ns < :until AND w.until_ns > :until)"
_CUT = "this part of a history ends, the run went on"
_BOOTS = f"SELECT boot_id FROM runs WHERE id IN (SELECT run_id FROM watches WHERE {_HERE})"
# Of a gauge all changes count: those before are added to where it starts.
_EARLIER = """counter_changes d WHERE d.run_id = s.run_id AND d.counter_id = s.counter_id AND d.until_ns <= :since
              AND d.counter_id IN (SELECT id FROM counters WHERE gauge)"""
_IDS = {"locations": "location_id", "kinds": "kind_id"}
_KEPT = {
    "runs": f"""
        SELECT id, machine_id, boot_id, hostname, kernel, version, started_ns,
               CASE WHEN {_GOES_ON} THEN :until ELSE ended_ns END, CASE WHEN {_GOES_ON} THEN '{_CUT}' ELSE ending END
        FROM runs r""",
    "watches": f"""
        SELECT id, run_id, what, name, namespace_id, max(since_ns, :since), min(until_ns, :until),
               since_boot_ns + max(since_ns, :since) - since_ns, until_boot_ns + min(until_ns, :until) - until_ns,
               limits, ending FROM watches WHERE {_HERE} AND what != 'packets'
        UNION ALL
        SELECT id, run_id, what, name, namespace_id, max(since_ns, :begin), min(until_ns, :until),
               since_boot_ns + max(since_ns, :begin) - since_ns, until_boot_ns + min(until_ns, :until) - until_ns,
               limits, ending FROM watches WHERE since_ns < :until AND until_ns >= :begin AND what = 'packets'""",
    "drops": f"SELECT * FROM drops WHERE {_DROPS}",
    "packets": "SELECT * FROM packets WHERE time_ns >= :begin AND time_ns < :until",
    "counter_changes": f"SELECT * FROM counter_changes WHERE {_CHANGES}",
    "counter_starts": f"""
        SELECT run_id, counter_id, coalesce((SELECT max(until_ns) FROM {_EARLIER}), time_ns),
               value + coalesce((SELECT sum(delta) FROM {_EARLIER}), 0)
        FROM counter_starts s WHERE time_ns < :until AND run_id IN (SELECT run_id FROM watches WHERE {_HERE})""",
    "gaps": f"SELECT * FROM gaps WHERE {_HERE}",
    "events": "SELECT * FROM events WHERE time_ns >= :since AND time_ns < :until",
    "first_stacks": f"""SELECT * FROM first_stacks WHERE location_id IN (
                        SELECT location_id FROM drops WHERE {_DROPS}
                        UNION SELECT location_id FROM packets WHERE time_ns >= :begin AND time_ns < :until)""",
    "collector_runs": f"SELECT * FROM collector_runs WHERE run_id IN (SELECT run_id FROM watches WHERE {_HERE})",
}
# What these refer to, and of the boots that they are of, all devices and namespaces: reports say what a device was.
_REFERRED = {
    "stacks": "SELECT * FROM stacks WHERE id IN (SELECT stack_id FROM new.first_stacks)",
    **{table: f"SELECT * FROM {table} WHERE id IN (SELECT {column} FROM new.drops UNION SELECT {column} FROM "
              "new.packets)" for table, column in _IDS.items()},
    "interfaces": f"""SELECT * FROM interfaces WHERE boot_id IN ({_BOOTS}) OR id IN (
                      SELECT interface_id FROM new.drops UNION SELECT interface_id FROM new.packets)""",
    "counters": """SELECT * FROM counters WHERE id IN (
                   SELECT counter_id FROM new.counter_changes UNION SELECT counter_id FROM new.counter_starts)""",
    "namespaces": f"""SELECT * FROM namespaces WHERE boot_id IN ({_BOOTS}) OR entity IN (
                      SELECT entity FROM namespaces WHERE id IN (
                          SELECT namespace_id FROM new.interfaces UNION SELECT namespace_id FROM new.counters
                          UNION SELECT namespace_id FROM new.watches UNION SELECT namespace_id FROM new.events))""",
}
Change = Callable[[dict[str, Any]], dict[str, Any]]


class Bundled(NamedTuple):
    """How many drops and packets are in it."""

    drops: int
    packets: int


class OlderError(Exception):
    """The history has another revision than this program writes."""

    def __init__(self) -> None:
        super().__init__("this history was made by an older dropwatchd; start dropwatchd once to upgrade it")


def bundle(reader: Reader, path: Path, *, redact: bool) -> Bundled:
    """Write what reports on the reader's window read into a new file; raise OlderError, OSError, sqlite3.Error."""
    refuse_older(reader)
    schema = _of_fleet() if isinstance(reader.connection, Pulled) else _own(reader)
    with closing(sqlite3.connect(path, isolation_level=None)) as new:
        _create(schema, new)
        new.execute("BEGIN")
        change = Redaction(reader).changed if redact else None
        for table, query in _KEPT.items():
            _copy(reader, new, table, query, change)
        for table, query in _REFERRED.items():
            _copy(reader, new, table, _resolved(query, new), change)
        _say_nothing_else(reader, new)
        new.execute("COMMIT")
        drops, packets = (new.execute(f"SELECT coalesce(sum({what}), 0) FROM {table}").fetchone()[0]
                          for table, what in (("drops", "count"), ("packets", "1")))
    return Bundled(drops, packets)


def refuse_older(reader: Reader) -> None:
    """Raise OlderError for a history whose tables are not those that this program writes."""
    if not isinstance(reader.connection, Pulled):
        [(revision,)] = reader.rows("SELECT version_num FROM alembic_version")
        if revision != REVISION:
            raise OlderError


def _own(reader: Reader) -> list[str]:
    """Return the statements that made the history."""
    found = reader.rows("SELECT name, sql FROM main.sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    return [str(sql) for name, sql in found if not str(name).startswith("sqlite_")]


def _of_fleet() -> list[str]:
    """Return the statements that make a host's history, for what was taken out of a central one has not all of it.

    Its names are not unique: two hosts have the same.
    """
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - of central histories alone: it takes 200 ms
    from sqlalchemy.schema import CreateIndex, CreateTable  # noqa: PLC0415

    from dropwatchd.history.schema import metadata  # noqa: PLC0415

    made = [CreateTable(table).compile(dialect=sqlite.dialect()) for table in metadata.sorted_tables]
    indexed = [CreateIndex(index).compile(dialect=sqlite.dialect())
               for table in metadata.sorted_tables for index in sorted(table.indexes, key=str)]
    statements = map(str, (*made, *indexed))
    return [*(text.replace("CREATE UNIQUE INDEX", "CREATE INDEX") for text in statements),
            *(f"CREATE VIEW {name} AS {text}" for name, text in VIEWS.items()),
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"]


def _create(schema: list[str], new: sqlite3.Connection) -> None:
    new.execute("PRAGMA foreign_keys = OFF")
    new.execute("PRAGMA secure_delete = ON")
    for statement in schema:
        new.execute(statement)
    new.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    new.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))


def _span(reader: Reader) -> dict[str, int]:
    """Return the window; what is written later than now is not there."""
    scope = reader.scope
    return {"begin": scope.since_ns, "since": scope.since_ns - BEFORE_NS, "until": scope.until_ns}


def _rows(reader: Reader, query: str) -> sqlite3.Cursor:
    return reader.connection.execute(query, {name: value for name, value in _span(reader).items()
                                             if f":{name}" in query})


def _copy(reader: Reader, new: sqlite3.Connection, table: str, query: str, change: "Callable[..., Any] | None") -> None:
    found = _rows(reader, query)
    columns = [name for _id, name, *_rest in new.execute(f"PRAGMA table_info({table})")]

    def rows() -> Iterator[tuple[Any, ...]]:
        for row in found:
            yield row if change is None else tuple(change(table, dict(zip(columns, row, strict=True))).values())

    new.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows())


def _resolved(query: str, new: sqlite3.Connection) -> str:
    """Put the ids that are in the new tables in the place of their names: one connection does not see the other."""
    for table, column in [(table, column) for table in ("drops", "packets", "counter_changes", "counter_starts",
                                                        "interfaces", "counters", "watches", "events", "first_stacks")
                          for column in ("location_id", "kind_id", "interface_id", "counter_id", "namespace_id",
                                         "stack_id")]:
        asked = f"SELECT {column} FROM new.{table}"
        if asked in query:
            ids = [row[0] for row in new.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL")]
            query = query.replace(asked, f"SELECT value FROM json_each('{json.dumps(ids)}')")
    return query


def _say_nothing_else(reader: Reader, new: sqlite3.Connection) -> None:
    """Have the ledger say that of other times nothing is here."""
    span = _span(reader)
    for (run,) in new.execute("SELECT max(id) FROM runs GROUP BY machine_id").fetchall():
        for since_ns, until_ns in ((0, span["since"] - 1), (span["until"], max(reader.now_ns, span["until"] + 1))):
            new.execute("""INSERT INTO gaps (run_id, since_ns, until_ns, cause, effect, scope, lost, detail)
                           VALUES (?, ?, ?, ?, ?, 'drops', NULL, ?)""",
                        (run, since_ns, until_ns, GapCause.EXPIRED, Effect.BLIND, _NOWHERE))


class Redaction:
    """Rows without addresses, hosts, ids of machines and boots, names of namespaces, and without what packets carry."""

    _TEXTS = ("subject", "interface", "name", "ending")
    _PROSE = ("labels", "details", "detail", "peer")

    def __init__(self, reader: Reader) -> None:
        self._veil = Veil(reader)
        self._ids: dict[tuple[str, object], str] = {}
        self._keys = {row[:3]: DropKey(Location(row[3], row[4], row[5]), Kind(row[6], row[7]),
                                       Interface(None, *row[8:]))
                      for row in reader.connection.execute("""
            SELECT DISTINCT p.location_id, p.kind_id, p.interface_id, l.symbol, l.offset, l.module, k.reason,
                   k.protocol, i.ifindex, i.name
            FROM packets p JOIN locations l ON l.id = p.location_id JOIN kinds k ON k.id = p.kind_id
                 JOIN interfaces i ON i.id = p.interface_id WHERE p.time_ns >= ? AND p.time_ns < ?""",
                                                      (reader.scope.since_ns, reader.scope.until_ns))}

    def changed(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row of a table, columns in their order."""
        if table == "runs":
            row["hostname"] = self._veil.text(row["hostname"])
            row["machine_id"] = self._id("machine", row["machine_id"])
        if row.get("boot_id"):
            row["boot_id"] = self._id("boot", row["boot_id"])
        if table == "namespaces" and row["name"] is not None and row["kind"] != "initial":
            row["name"] = self._veil.space(row["name"])
        if table == "packets":
            key = self._keys[row["location_id"], row["kind_id"], row["interface_id"]]
            row["data"] = self._veil.data(row["data"], key, link_header=bool(row["link_header"]))
        self._change_words(table, row)
        return row

    def _change_words(self, table: str, row: dict[str, Any]) -> None:
        """Replace what texts say: namespaces too where these are no names of interfaces, which may be called alike."""
        if table == "events" and str(row["kind"]).startswith("netns"):
            row["subject"] = self._veil.prose(row["subject"])
        if table == "gaps" and "@" in row["scope"]:
            scope, _, space = row["scope"].partition("@")
            row["scope"] = f"{scope}@{self._veil.prose(space)}"
        for columns, change in ((self._PROSE, self._veil.prose), (self._TEXTS, self._veil.text)):
            for column in columns if table != "runs" else ():
                if isinstance(row.get(column), str):
                    row[column] = change(row[column])

    def _id(self, noun: str, value: object) -> str:
        count = sum(known[0] == noun for known in self._ids) + 1
        return self._ids.setdefault((noun, value), f"{noun}-{count}")
