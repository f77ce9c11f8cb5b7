"""The views of a history, name -> SELECT: what sqlite3, Datasette and Grafana are to use."""

from collections.abc import Callable


def _utc(column: str) -> str:
    """Return SQL that shows nanoseconds as UTC with milliseconds."""
    return (f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000000000, 'unixepoch')"
            f" || printf('.%03dZ', {column} / 1000000 % 1000)")


NETNS = "coalesce(n.name, 'net:[' || n.inode || ']')"
LOCATION = "coalesce(l.symbol || iif(l.offset IS NULL, '', printf('+0x%x', l.offset)), l.address)"

# Why, where and on which interface packets were dropped, of a row d that refers to these.
KEY = f"""k.reason,
               {LOCATION} AS location,
               l.module,
               i.name AS interface, i.ifindex, i.kind AS interface_kind, {NETNS} AS netns,
               iif(k.protocol IS NULL, NULL, printf('0x%04x', k.protocol)) AS protocol, k.origin, k.trap,
               k.trap_group"""
KEY_JOINS = """JOIN locations l ON l.id = d.location_id JOIN kinds k ON k.id = d.kind_id
             JOIN interfaces i ON i.id = d.interface_id LEFT JOIN namespaces n ON n.id = i.namespace_id
             JOIN runs r ON r.id = d.run_id"""

# What the views are of.
SOURCES = {
    "v_drops": f"drops d {KEY_JOINS}",
    "v_counters": """counter_changes d JOIN counters c ON c.id = d.counter_id
             LEFT JOIN namespaces n ON n.id = c.namespace_id JOIN runs r ON r.id = d.run_id""",
    "v_gaps": "gaps g JOIN runs r ON r.id = g.run_id",
    "v_events": "events e LEFT JOIN namespaces n ON n.id = e.namespace_id JOIN runs r ON r.id = e.run_id",
    "v_watches": "watches w LEFT JOIN namespaces n ON n.id = w.namespace_id JOIN runs r ON r.id = w.run_id",
    "v_stacks": """first_stacks f JOIN locations l ON l.id = f.location_id JOIN stacks s ON s.id = f.stack_id
             JOIN runs r ON r.id = f.run_id""",
}


def columns(utc: Callable[[str], str]) -> dict[str, str]:
    """Return the columns of each view; `utc` gives the SQL that shows a column of nanoseconds.

    Times are shown, and stand at the end as they are in the tables: a condition on these uses the table's key.
    """
    return {
        "v_drops": f"""{utc('d.window_start_ns')} AS window_start, d.window_width_ns / 1e9 AS window_seconds,
               d.count, d.bytes, {KEY},
               {utc('d.first_ns')} AS first, {utc('d.last_ns')} AS last, r.hostname, d.run_id,
               d.window_start_ns, d.first_ns, d.last_ns""",
        "v_counters": f"""{utc('d.since_ns')} AS since, {utc('d.until_ns')} AS until, c.collector, c.name, d.delta,
               c.interface, c.ifindex, {NETNS} AS netns, c.labels, c.gauge, r.hostname, d.run_id,
               d.since_ns, d.until_ns""",
        "v_gaps": f"""{utc('g.since_ns')} AS since, {utc('g.until_ns')} AS until,
               (g.until_ns - g.since_ns) / 1e9 AS seconds, g.cause, g.effect, g.scope, g.lost, g.detail,
               r.hostname, g.run_id, g.since_ns, g.until_ns""",
        "v_events": f"""{utc('e.time_ns')} AS time, e.kind, e.subject, e.detail, {NETNS} AS netns, e.ifindex,
               r.hostname, e.run_id, e.time_ns""",
        "v_watches": f"""{utc('w.since_ns')} AS since, {utc('w.until_ns')} AS until,
               (w.until_ns - w.since_ns) / 1e9 AS seconds,
               w.what, w.name, {NETNS} AS netns, w.limits, w.ending, r.hostname, w.run_id,
               w.since_ns, w.until_ns""",
        "v_stacks": f"""nullif(f.reason, '') AS reason,
               {LOCATION} AS location,
               l.module, s.frames, r.hostname, f.run_id""",
    }


VIEWS = {name: f"""
        SELECT {shown}
        FROM {SOURCES[name]}""" for name, shown in columns(_utc).items()}
