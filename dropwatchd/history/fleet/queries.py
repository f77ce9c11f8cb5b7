"""What is taken out of the central history for a window: by the tables that need it, statements that insert rows.

The first columns of what belongs to a run are its host and its key, which become its number; `/*run*/` marks these.
Columns are in the order of local.sql.
"""

# ruff: noqa: S608 - the SQL is put together from texts of this module; values are bound.

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.model import NANO

_MINUTE_NS = 60 * NANO
_HOSTS = "(%(every)s OR {}host = ANY(%(hosts)s))"
Queries = dict[str, str]

# Modulo 2^64, as a history adds up: numbers of PostgreSQL have no end.
_SUM_DELTAS = """CASE WHEN sum(delta) BETWEEN -9223372036854775808 AND 9223372036854775807 THEN sum(delta)
                 ELSE mod(mod(sum(delta) + 9223372036854775808, 18446744073709551616) + 18446744073709551616,
                          18446744073709551616) - 9223372036854775808 END::bigint"""


def _of(table: str = "") -> str:
    return _HOSTS.format(f"{table}." if table else "")


# Runs that watched in the window, the newest of each host, and the newest that began before the window's end.
RUNS = f"""
    SELECT run, host, boot_id, hostname, kernel, version, started_ns, ended_ns, ending, place FROM (
        SELECT r.*, row_number() OVER newest AS place,
               row_number() OVER (PARTITION BY host, started_ns < %(until)s ORDER BY added_at DESC) AS earlier
        FROM dropwatch.runs r WHERE {_of('r')} WINDOW newest AS (PARTITION BY host ORDER BY added_at DESC)) r
        LEFT JOIN (SELECT DISTINCT host, run FROM dropwatch.watches w
                   WHERE {_of('w')} AND until_ns >= %(since)s AND since_ns < %(until)s) w USING (host, run)
    WHERE %(all_runs)s OR place = 1 OR (earlier = 1 AND started_ns < %(until)s) OR w.run IS NOT NULL
    ORDER BY added_at, run"""

_DROPS = "INSERT INTO drops /*run*/ VALUES (?5, ?6, ?1, ?2, ?3, ?4, ?7, ?8, ?9, ?10)"
_IN_WINDOW = f"""{_of('d')} AND d.window_start_ns > %(windows)s AND d.window_start_ns < %(until)s
                 AND d.last_ns >= %(since)s"""
_IS_WHOLE = "d.window_start_ns >= %(hours)s AND d.window_start_ns < %(hours_end)s"
_START = f"window_start_ns - CASE WHEN {_IS_WHOLE} THEN window_start_ns %% {HOUR_NS} ELSE 0 END"
_WIDTH = f"CASE WHEN {_IS_WHOLE} THEN {HOUR_NS} ELSE {_MINUTE_NS} END"

_CHANGES = "INSERT INTO counter_changes /*run*/ VALUES (?2, ?1, ?3, ?4, ?5)"
_CHANGED = f"""{_of('d')} AND until_ns > %(since)s AND until_ns < %(changes)s AND since_ns < %(until)s"""
_BETWEEN = "since_ns >= %(edge)s AND until_ns < %(until)s"

BASE: Queries = {
    """INSERT INTO watches (run_id, id, what, name, namespace_id, since_ns, until_ns, since_boot_ns, until_boot_ns,
                            limits, ending) VALUES (?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?) /*run*/""": f"""
        SELECT host, run, what, name, namespace, since_ns, until_ns, since_boot_ns, until_boot_ns, limits, ending
        FROM (SELECT w.*, row_number() OVER (PARTITION BY host, run
                                             ORDER BY until_boot_ns DESC NULLS LAST, until_ns DESC) AS newest
              FROM dropwatch.watches w WHERE {_of('w')} AND run = ANY(%(runs)s)) w
        WHERE newest = 1 OR ending = '' OR (until_ns >= %(since)s AND since_ns < %(until)s)
        ORDER BY since_ns, place, run""",
    "INSERT INTO namespaces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)": f"""
        SELECT namespace, entity, boot_id, cookie, inode, name, kind, valid_from_ns, valid_until_ns
        FROM dropwatch.namespaces WHERE {_of()}""",
}

# By table: what goes into it, and into those that go with it.
NEEDED: dict[str, Queries] = {
    "locations": {
        "INSERT INTO locations VALUES (?, ?, ?, ?, ?, 0)": """
            SELECT location, symbol, "offset", module, address FROM dropwatch.locations""",
    },
    "kinds": {
        "INSERT INTO kinds VALUES (?, ?, ?, ?, ?, ?, 0)": """
            SELECT kind, reason, protocol, origin, trap, trap_group FROM dropwatch.kinds""",
    },
    "interfaces": {
        "INSERT INTO interfaces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)": f"""
            SELECT interface, boot_id, namespace, ifindex, name, kind, driver, peer, valid_from_ns, valid_until_ns
            FROM dropwatch.interfaces WHERE {_of()}""",
    },
    "drops": {
        # Minutes; whole hours of a long window are added up there.
        _DROPS: f"""
            SELECT host, run, location, kind, interface, {_START} AS start, {_WIDTH} AS width,
                   sum(count)::bigint, CASE WHEN count(bytes) = count(*) THEN sum(bytes)::bigint END, min(first_ns),
                   max(last_ns)
            FROM dropwatch.drops d WHERE {_IN_WINDOW} AND window_width_ns = {_MINUTE_NS}
            GROUP BY host, run, location, kind, interface, start, width""",
        # Of hours that were folded before they were sent, what is in none of their minutes here.
        f"""{_DROPS} ON CONFLICT DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes,
            first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns)""": f"""
            SELECT host, run, location, kind, interface, d.window_start_ns, d.window_width_ns,
                   d.count - coalesce(m.sum, 0),
                   CASE WHEN m.rows = m.known THEN greatest(d.bytes - coalesce(m.bytes, 0), 0) END, first_ns, last_ns
            FROM dropwatch.drops d CROSS JOIN LATERAL (
                SELECT sum(m.count)::bigint AS sum, sum(m.bytes)::bigint AS bytes, count(*) AS rows,
                       count(m.bytes) AS known
                FROM dropwatch.drops m
                WHERE {_of('m')} AND m.host = d.host AND m.run = d.run AND m.location = d.location AND m.kind = d.kind
                      AND m.interface = d.interface AND m.window_width_ns = {_MINUTE_NS}
                      AND m.window_start_ns >= d.window_start_ns
                      AND m.window_start_ns < d.window_start_ns + {HOUR_NS}) m
            WHERE {_IN_WINDOW} AND d.window_width_ns = {HOUR_NS} AND d.count > coalesce(m.sum, 0)""",
    },
    "counters": {
        # What lies between both edges of the window adds up there, but for gauges, whose levels have their times.
        _CHANGES: f"""
            SELECT host, run, max(until_ns), counter, min(since_ns), {_SUM_DELTAS}
            FROM dropwatch.counter_changes d LEFT JOIN (SELECT host, counter, gauge FROM dropwatch.counters c
                                                        WHERE {_of('c')} AND gauge) g USING (host, counter)
            WHERE {_CHANGED}
            GROUP BY host, run, counter, CASE WHEN {_BETWEEN} AND g.gauge IS NULL THEN NULL ELSE until_ns END""",
        # When counters were first read: all readings in the window, one of each sort before it.
        "INSERT INTO counter_starts /*run*/ VALUES (?, ?, ?, ?)": f"""
            SELECT host, run, counter, time_ns, value FROM (
                SELECT s.*, row_number() OVER (PARTITION BY s.host, run, collector, c.name, namespace) AS place, gauge
                FROM dropwatch.counter_starts s JOIN dropwatch.counters c USING (host, counter)
                WHERE {_of('s')} AND s.run = ANY(%(runs)s) AND time_ns < %(until)s) s
            WHERE gauge OR place = 1 OR time_ns >= %(since)s""",
        # What a gauge was at the begin: where it moved before, it starts with what came of that.
        """INSERT INTO counter_starts /*run*/ VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET value = value + excluded.value, time_ns = excluded.time_ns""": f"""
            SELECT host, run, counter, max(until_ns), {_SUM_DELTAS}
            FROM dropwatch.counter_changes d JOIN dropwatch.counters c USING (host, counter)
            WHERE {_of('d')} AND gauge AND run = ANY(%(runs)s) AND until_ns <= %(since)s GROUP BY host, run, counter""",
    },
    "gaps": {
        """INSERT INTO gaps (run_id, id, since_ns, until_ns, cause, effect, scope, lost, detail)
           VALUES (?, NULL, ?, ?, ?, ?, ?, ?, ?) /*run*/""": f"""
            SELECT host, run, since_ns, until_ns, cause, effect, scope, lost, detail FROM dropwatch.gaps
            WHERE {_of()} AND until_ns >= %(since)s AND since_ns < %(until)s ORDER BY since_ns, gap, run""",
    },
    "events": {
        """INSERT INTO events (run_id, id, time_ns, kind, subject, detail, namespace_id, ifindex)
           VALUES (?, NULL, ?, ?, ?, ?, ?, ?) /*run*/""": f"""
            SELECT host, run, time_ns, kind, subject, detail, namespace, ifindex FROM dropwatch.events
            WHERE {_of()} AND time_ns >= %(since)s AND time_ns < %(until)s ORDER BY time_ns, event, run""",
    },
    "packets": {
        """INSERT INTO packets (run_id, id, time_ns, location_id, kind_id, interface_id, length, weight, link_header,
                                data, details) VALUES (?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?) /*run*/""": f"""
            SELECT host, run, time_ns, location, kind, interface, length, weight, link_header, data, details
            FROM dropwatch.packets WHERE {_of()} AND time_ns >= %(since)s AND time_ns < %(until)s
            ORDER BY time_ns, packet, run""",
    },
}

# Drops in the midst of the window, as far as a run's counters were watched, are added up by key: their shape has their
# count by steps of time, each as its number, its count, and the last step that its rows reach. Those nearer to an edge
# are rows: whether they lie between two readings of counters is decided here.
SUMMED_DROPS = f"""
    SELECT host, run, location, kind, interface, start, width, sum(count)::bigint,
           CASE WHEN count(bytes) = count(*) THEN sum(bytes)::bigint END, min(first), max(last),
           string_agg(step || ',' || count || ',' || reach, ',')
    FROM (SELECT host, run, location, kind, interface, CASE WHEN step IS NULL THEN start END AS start,
                 CASE WHEN step IS NULL THEN width END AS width, step, sum(count)::bigint AS count,
                 CASE WHEN count(bytes) = count(*) THEN sum(bytes)::bigint END AS bytes, min(first_ns) AS first,
                 max(last_ns) AS last, max((last_ns - %(start)s) / %(step)s) AS reach
          FROM (SELECT d.*, {_START} AS start, {_WIDTH} AS width,
                       CASE WHEN first_ns >= coalesce(w.since_ns, %(edge)s) + %(near)s
                                 AND last_ns < coalesce(w.until_ns, %(until)s) - %(near)s
                            THEN (first_ns - %(start)s) / %(step)s END AS step
                FROM dropwatch.drops d LEFT JOIN (
                    SELECT host, run, greatest(min(since_ns), %(edge)s) AS since_ns,
                           least(max(until_ns), %(until)s) AS until_ns
                    FROM dropwatch.watches w
                    WHERE {_of('w')} AND what = 'counters' AND until_ns >= %(since)s AND since_ns < %(until)s
                    GROUP BY host, run) w USING (host, run)
                WHERE {_IN_WINDOW} AND window_width_ns = {_MINUTE_NS}) d
          GROUP BY host, run, location, kind, interface, 6, 7, step) d
    GROUP BY host, run, location, kind, interface, start, width"""
DROP_SUMS = """CREATE TABLE drop_sums (
    run_id, location_id, kind_id, interface_id, count, bytes, first_ns, last_ns, shape,
    PRIMARY KEY (run_id, location_id, kind_id, interface_id)) WITHOUT ROWID"""
INSERT_SUMS = "INSERT INTO drop_sums VALUES (?1, ?2, ?3, ?4, ?7, ?8, ?9, ?10, ?11)"
INSERT_DROPS = "INSERT INTO drops VALUES (?5, ?6, ?1, ?2, ?3, ?4, ?7, ?8, ?9, ?10)"
FOLDED_DROPS: Queries = dict([*NEEDED["drops"].items()][1:])
FINE_DROPS: Queries = {"DELETE FROM drops": "", "DELETE FROM drop_sums": "", **NEEDED["drops"]}

# Of a part of the window: each change by itself.
FINE_CHANGES: Queries = {"DELETE FROM counter_changes": "", _CHANGES: f"""
    SELECT host, run, until_ns, counter, since_ns, delta FROM dropwatch.counter_changes d WHERE {_CHANGED}"""}

# Where two hosts have names of one key: those that are of their own host, as its key begins with it.
_GENUINE = """EXISTS (SELECT FROM dropwatch.hosts h WHERE (%(every)s OR h.host = ANY(%(hosts)s)) AND h.host = {0}s.host
                              AND {0} = dropwatch.key(machine_id, {1}))"""
GENUINE = {
    "namespaces": _GENUINE.format("namespace", """boot_id, cookie::text, inode::text,
        CASE WHEN kind IN ('container', 'pod', 'unit') THEN NULL ELSE name END"""),
    "interfaces": _GENUINE.format("interface", "boot_id, namespace::text, ifindex::text, name"),
    "counters": _GENUINE.format("counter", """collector, name, namespace::text, ifindex::text, interface, labels"""),
}

USED_COUNTERS: Queries = {"INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)": f"""
    SELECT counter, collector, name, namespace, ifindex, interface, labels, gauge FROM dropwatch.counters
    WHERE {_of()} AND counter = ANY(%(counters)s)"""}
