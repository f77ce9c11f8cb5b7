"""How rows of a slice go into the central history: columns as arrays, and what is done where a row is there."""

from typing import NamedTuple


class Table(NamedTuple):
    """Columns with their types, behind host and run where rows have these, and what to do where a row is there."""

    columns: str
    conflict: str
    scope: str = "host run"


_NOTHING = "DO NOTHING"
_WHERE_LATER = """
    UPDATE SET until_ns = excluded.until_ns, until_boot_ns = excluded.until_boot_ns, ending = excluded.ending
    WHERE excluded.until_ns >= t.until_ns"""
TABLES = {
    "locations": Table('location bigint, symbol text, "offset" bigint, module text, address text', _NOTHING, ""),
    "kinds": Table("kind bigint, reason text, protocol int, origin text, trap text, trap_group text", _NOTHING, ""),
    "namespaces": Table(
        "namespace bigint, entity bigint, boot_id text, cookie bigint, inode bigint, name text, kind text,"
        "valid_from_ns bigint, valid_until_ns bigint",
        """(host, namespace) DO UPDATE SET name = coalesce(excluded.name, t.name),
           kind = coalesce(excluded.kind, t.kind), valid_from_ns = least(t.valid_from_ns, excluded.valid_from_ns),
           valid_until_ns = greatest(t.valid_until_ns, excluded.valid_until_ns)""", "host"),
    "interfaces": Table(
        "interface bigint, boot_id text, namespace bigint, ifindex bigint, name text, kind text, driver text,"
        "peer text, valid_from_ns bigint, valid_until_ns bigint",
        """(host, interface) DO UPDATE SET kind = coalesce(excluded.kind, t.kind),
           driver = CASE WHEN excluded.kind IS NULL THEN t.driver ELSE excluded.driver END,
           peer = CASE WHEN excluded.kind IS NULL THEN t.peer ELSE excluded.peer END,
           valid_from_ns = least(t.valid_from_ns, excluded.valid_from_ns),
           valid_until_ns = greatest(t.valid_until_ns, excluded.valid_until_ns)""", "host"),
    "counters": Table("counter bigint, collector text, name text, namespace bigint, ifindex bigint, interface text,"
                       "labels text, gauge boolean", _NOTHING, "host"),
    "counter_starts": Table("counter bigint, time_ns bigint, value bigint", _NOTHING),
    "drops": Table(
        "location bigint, kind bigint, interface bigint, window_start_ns bigint, window_width_ns bigint, count bigint,"
        "bytes bigint, first_ns bigint, last_ns bigint",
        """(host, run, window_start_ns, window_width_ns, location, kind, interface) DO UPDATE
           SET count = excluded.count, bytes = excluded.bytes, first_ns = least(t.first_ns, excluded.first_ns),
               last_ns = greatest(t.last_ns, excluded.last_ns) WHERE excluded.count > t.count"""),
    "packets": Table("time_ns bigint, packet bigint, location bigint, kind bigint, interface bigint, length bigint,"
                      "weight bigint, link_header boolean, data bytea, details text", _NOTHING),
    "counter_changes": Table(
        "counter bigint, until_ns bigint, since_ns bigint, delta bigint",
        """(host, run, counter, until_ns) DO UPDATE SET since_ns = least(t.since_ns, excluded.since_ns),
           delta = t.delta + excluded.delta"""),
    "watches": Table(
        "watch bigint, part int, place bigint, what text, name text, namespace bigint, since_ns bigint,"
        "until_ns bigint, since_boot_ns bigint, until_boot_ns bigint, limits text, ending text",
        f"(host, run, watch, part) DO {_WHERE_LATER.strip()}"),
    "gaps": Table(
        "gap bigint, since_ns bigint, until_ns bigint, cause text, effect text, scope text, lost bigint, detail text",
        """(host, run, gap, since_ns) DO UPDATE SET until_ns = greatest(t.until_ns, excluded.until_ns),
           lost = greatest(t.lost, excluded.lost)"""),
    "events": Table("event bigint, time_ns bigint, kind text, subject text, detail text, namespace bigint,"
                     "ifindex bigint", _NOTHING),
}
NAMES = {"locations", "kinds", "namespaces", "interfaces", "counters"}


def _statement(name: str, table: Table) -> str:
    """Return SQL that takes columns as arrays: a statement has one for each, however many rows there are."""
    columns = [column.strip().split(" ") for column in table.columns.split(",")]
    scope = table.scope.split()
    return " ".join(f"""
        INSERT INTO dropwatch.{name} AS t ({', '.join([*scope, *(column for column, _type in columns)])})
        SELECT {''.join('%b::bigint, ' for _ in scope)}r.*
        FROM unnest({', '.join(f'%b::{kind}[]' for _column, kind in columns)}) r
        ON CONFLICT {table.conflict}""".split())  # noqa: S608


STATEMENTS = {name: _statement(name, table) for name, table in TABLES.items()}
RUN = """
    INSERT INTO dropwatch.runs AS t (host, run, boot_id, hostname, kernel, version, started_ns, ended_ns, ending,
                                     changes_ns, reach_ns, complete)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (host, run) DO UPDATE SET ended_ns = excluded.ended_ns, ending = excluded.ending,
        changes_ns = excluded.changes_ns, reach_ns = excluded.reach_ns, complete = excluded.complete"""
