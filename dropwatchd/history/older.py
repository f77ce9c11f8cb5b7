"""What older revisions say in the terms of this one, for readers that leave them as they are and for the migration."""

# ruff: noqa: S608 - the SQL is put together from names of tables.

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Span = tuple[int, int]
_OF = {"software": {"software", "drops"}, "hardware": {"hardware", "drops"}}


class OldRun(NamedTuple):
    """A row of runs up to revision 0002; `source` is the text that reports printed: "bpf + net_dm (hardware)"."""

    run_id: int
    source: str
    since_ns: int
    until_ns: int


class OldGap(NamedTuple):
    """A row of gaps whose effect is blind."""

    run_id: int
    since_ns: int
    until_ns: int
    scope: str


OldWatch = tuple[int, str, str, int, int]  # run, what, name, since, until


def selects(old: Callable[[str], str]) -> dict[str, str]:
    """Return what the tables hold that 0003 changed, in the order in which they refer to each other.

    `old` tells under which name a table of 0002 is to be read. Up to then a namespace was an inode, whatever the boot,
    and so it stays: the boot of these is "".
    """
    seen = f"coalesce((SELECT max(coalesce(ended_ns, last_seen_ns)) FROM {old('runs')}), 0) AS seen_ns"
    by_inode = "(SELECT max(n.id) FROM namespaces n WHERE n.inode = {})"  # the row with a name, where one has any
    return {
        "namespaces": f"""
            WITH told AS (
                SELECT netns, netns_name AS name, valid_from_ns AS since, valid_until_ns AS until
                FROM {old('interfaces')}
                UNION ALL SELECT netns, NULL, 0, 0 FROM {old('counters')}
                UNION ALL SELECT netns, NULL, time_ns, time_ns FROM {old('events')}
                UNION ALL SELECT netns, NULL, first_ns, last_ns FROM {old('namespace_runs')}),
            numbered AS (
                SELECT row_number() OVER (ORDER BY netns, name) AS id, netns, name, min(since) AS since,
                       max(until) AS until
                FROM told WHERE netns IS NOT NULL GROUP BY netns, name)
            SELECT id, min(id) OVER (PARTITION BY netns) AS entity, '' AS boot_id, NULL AS cookie, netns AS inode, name,
                   CASE WHEN name = 'init' THEN 'initial' WHEN name IS NOT NULL THEN 'netns' END AS kind,
                   since AS valid_from_ns, until AS valid_until_ns
            FROM numbered""",
        "runs": f"""
            SELECT id, machine_id, boot_id, hostname, kernel, version, started_ns, ended_ns, ending
            FROM {old('runs')}""",
        "locations": f"""SELECT id, symbol, "offset", module, address, {seen} FROM {old('locations')}""",
        "kinds": f"SELECT id, reason, protocol, origin, trap, trap_group, {seen} FROM {old('kinds')}",
        "interfaces": f"""
            SELECT i.id, i.boot_id, n.id AS namespace_id, i.ifindex, i.name, NULL AS kind, NULL AS driver, NULL AS peer,
                   i.valid_from_ns, i.valid_until_ns
            FROM {old('interfaces')} i LEFT JOIN namespaces n ON n.inode = i.netns AND n.name IS i.netns_name""",
        "counters": f"""
            SELECT c.id, c.collector, c.name, {by_inode.format('c.netns')} AS namespace_id, c.ifindex, c.interface,
                   c.labels, c.gauge, {seen}
            FROM {old('counters')} c""",
        "collector_runs": f"SELECT run_id, collector, rounds, failures, busy_ns FROM {old('collector_runs')}",
        "events": f"""
            SELECT e.id, e.run_id, e.time_ns, e.kind, e.subject, e.detail, {by_inode.format('e.netns')} AS namespace_id,
                   e.ifindex
            FROM {old('events')} e""",
        "watches": f"""
            SELECT row_number() OVER () AS id, c.run_id, 'counters' AS what, c.collector AS name,
                   {by_inode.format('v.netns')} AS namespace_id,
                   max(c.first_ns, v.first_ns) AS since_ns, min(c.last_ns, v.last_ns) AS until_ns,
                   NULL AS since_boot_ns, NULL AS until_boot_ns, '[]' AS limits, '' AS ending
            FROM {old('collector_runs')} c JOIN (
                SELECT run_id, netns, first_ns, last_ns FROM {old('namespace_runs')}
                UNION ALL SELECT id, NULL, started_ns, last_seen_ns FROM {old('runs')}
                WHERE id NOT IN (SELECT run_id FROM {old('namespace_runs')})) v ON v.run_id = c.run_id
            WHERE max(c.first_ns, v.first_ns) <= min(c.last_ns, v.last_ns)""",
    }


def adapt(connection: sqlite3.Connection, revision: str) -> None:
    """Let temporary tables stand before those of an older revision, which a reader cannot upgrade.

    What 0004 has added no reader asks for; what 0005, 0006 and 0008 have, it does without; who asks for the totals of
    0007 looks for them.
    """
    for since, table, columns in _LACKED:
        if revision < since:
            connection.execute(f"CREATE TEMP TABLE {table} ({columns})")
    if revision > "0002":
        return
    namespace_runs = "main.namespace_runs"
    if revision == "0001":
        connection.execute("CREATE TEMP TABLE namespace_runs_0001 (run_id, netns, first_ns, last_ns)")
        namespace_runs = "temp.namespace_runs_0001"
    for table, select in selects(lambda name: namespace_runs if name == "namespace_runs" else f"main.{name}").items():
        connection.execute(f"CREATE TEMP TABLE {table} AS {select}")
    connection.executemany(INSERT_WATCH, old_watches(
        connection.execute(f"{OLD_RUNS} FROM main.runs"), connection.execute(f"{OLD_GAPS} FROM main.gaps {BLIND}")))


# The tables that later revisions have added: no hour has sums, no place a stack, and no day has sums.
_LACKED = [
    ("0005", "hours", "what, hour_ns, since_ns, until_ns, summed_ns"),
    ("0005", "drop_hours", "hour_ns, run_id, location_id, kind_id, interface_id, count, bytes, first_ns, last_ns"),
    ("0005", "counter_hours", "hour_ns, run_id, counter_id, since_ns, until_ns, delta"),
    ("0006", "stacks", "id, frames"),
    ("0006", "first_stacks", "run_id, location_id, reason, stack_id"),
    ("0008", "days", "what, day_ns, since_ns, until_ns, summed_ns"),
    ("0008", "drop_days", "day_ns, run_id, location_id, kind_id, interface_id, count, bytes, first_ns, last_ns"),
    ("0008", "counter_days", "day_ns, run_id, counter_id, since_ns, until_ns, delta"),
]

OLD_RUNS = "SELECT id, source, started_ns, coalesce(ended_ns, last_seen_ns)"
OLD_GAPS = "SELECT run_id, since_ns, until_ns, scope"
BLIND = "WHERE effect = 'blind'"
INSERT_WATCH = """INSERT INTO watches (run_id, what, name, since_ns, until_ns, limits, ending)
                  VALUES (?, ?, ?, ?, ?, '[]', '')"""


def old_watches(runs: Iterable[Iterable[Any]], blind: Iterable[Iterable[Any]]) -> list[OldWatch]:
    """Return what runs watched: all their time, less what the ledger calls blind.

    A gap that one run wrote may lie before it, in the time of another: gaps are held against all runs.
    """
    gaps = [OldGap._make(row) for row in blind]
    found: list[OldWatch] = []
    for run in map(OldRun._make, runs):
        found.append((run.run_id, "daemon", "", run.since_ns, run.until_ns))
        for name, what in _seen(run.source):
            holes = sorted((gap.since_ns, gap.until_ns) for gap in gaps if gap.scope in _OF[what])
            found += [(run.run_id, what, name, *span) for span in _without((run.since_ns, run.until_ns), holes)]
        if run.source != "none":
            found.append((run.run_id, "packets", "", run.since_ns, run.until_ns))
    return found


def _seen(source: str) -> list[tuple[str, str]]:
    """Return (source, origin) of a text such as "bpf + net_dm (hardware)" or "net_dm (software, hardware)"."""
    pairs = []
    for part in source.split(" + "):
        name, _, seen = part.partition(" (")
        if name != "none":
            pairs += [(name, what) for what in ("software", "hardware") if what in (seen or "software")]
    return pairs


def _without(span: Span, holes: Iterable[Span]) -> list[Span]:
    """Return what is left of a span; holes are in the order of their begin."""
    since, until = span
    left = []
    for hole_since, hole_until in holes:
        if hole_until <= since or hole_since >= until:
            continue
        if hole_since > since:
            left.append((since, hole_since))
        since = hole_until
    return [*left, (since, until)] if since < until else left
