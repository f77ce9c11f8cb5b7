"""The tables and views of the history. They change only together with a new revision in migrations/.

Times are integer nanoseconds since 1970 UTC. Row ids join tables and mean nothing else.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
)

from dropwatchd.history.identity import APPLICATION_ID, REVISION

__all__ = ["APPLICATION_ID", "REVISION", "VIEWS", "metadata"]

metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _to(table: str) -> Column[int]:
    return Column(f"{table}_id", Integer, ForeignKey(f"{table}s.id"), nullable=False)


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


# One life of the daemon. `ended_ns` and `ending` are NULL while it runs, and after a crash until the next start.
runs = Table(
    "runs", metadata, _id(),
    Column("machine_id", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("hostname", Text, nullable=False),
    Column("kernel", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("source", Text, nullable=False),
    _time("started_ns"),
    _time("last_seen_ns"),  # everything dropped before is in the history
    _time("ended_ns", nullable=True),
    Column("ending", Text),
)

# A place in kernel code; `address` (hexadecimal text: it exceeds a signed 64-bit number) only without a symbol.
locations = Table(
    "locations", metadata, _id(),
    Column("symbol", Text),
    Column("offset", Integer),
    Column("module", Text),
    Column("address", Text),
)
Index("locations_key", func.coalesce(locations.c.symbol, ""), func.coalesce(locations.c.offset, -1),
      func.coalesce(locations.c.module, ""), func.coalesce(locations.c.address, ""), unique=True)

# What the kernel said about a drop; `protocol` is the ethertype.
kinds = Table(
    "kinds", metadata, _id(),
    Column("reason", Text),
    Column("protocol", Integer),
    Column("origin", Text, nullable=False),
    Column("trap", Text),
    Column("trap_group", Text),
)
Index("kinds_key", func.coalesce(kinds.c.reason, ""), func.coalesce(kinds.c.protocol, -1), kinds.c.origin,
      func.coalesce(kinds.c.trap, ""), func.coalesce(kinds.c.trap_group, ""), unique=True)

# A device during one boot, under one name; `netns` is the namespace's inode. All NULL: no device, or none known.
interfaces = Table(
    "interfaces", metadata, _id(),
    Column("boot_id", Text, nullable=False),
    Column("netns", BigInteger),
    Column("netns_name", Text),
    Column("ifindex", Integer),
    Column("name", Text),
    _time("valid_from_ns"),
    _time("valid_until_ns"),
)
Index("interfaces_key", interfaces.c.boot_id, func.coalesce(interfaces.c.netns, -1),
      func.coalesce(interfaces.c.netns_name, ""), func.coalesce(interfaces.c.ifindex, -1),
      func.coalesce(interfaces.c.name, ""), unique=True)

# How many packets were dropped within [window_start_ns, window_start_ns + window_width_ns).
drops = Table(
    "drops", metadata,
    _time("window_start_ns"),
    _time("window_width_ns"),
    _to("run"), _to("location"), _to("kind"), _to("interface"),
    Column("count", BigInteger, nullable=False),
    Column("bytes", BigInteger),
    _time("first_ns"),
    _time("last_ns"),
    PrimaryKeyConstraint("window_start_ns", "window_width_ns", "run_id", "location_id", "kind_id", "interface_id"),
    sqlite_with_rowid=False,
)

# Sampled packets: each stands for `weight` packets of its kind, place and device.
packets = Table(
    "packets", metadata, _id(),
    _time("time_ns"),
    _to("run"), _to("location"), _to("kind"), _to("interface"),
    Column("length", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("link_header", Boolean, nullable=False),  # data starts with Ethernet, else with the network header
    Column("data", LargeBinary, nullable=False),
    Column("details", Text),                         # JSON
)
Index("packets_time", packets.c.time_ns)

counters = Table(
    "counters", metadata, _id(),
    Column("collector", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("netns", BigInteger),
    Column("ifindex", Integer),
    Column("interface", Text),
    Column("labels", Text, nullable=False),  # JSON object
    Column("gauge", Boolean, nullable=False),
)
Index("counters_key", counters.c.collector, counters.c.name, func.coalesce(counters.c.netns, -1),
      func.coalesce(counters.c.ifindex, -1), func.coalesce(counters.c.interface, ""), counters.c.labels, unique=True)

# The absolute value when a run first saw the counter.
counter_starts = Table(
    "counter_starts", metadata,
    _to("run"), _to("counter"),
    _time("time_ns"),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("run_id", "counter_id"),
    sqlite_with_rowid=False,
)

# Counters that moved within (since_ns, until_ns], and by how much. One that stood still has no row.
counter_changes = Table(
    "counter_changes", metadata,
    _time("until_ns"),
    _to("run"), _to("counter"),
    _time("since_ns"),
    Column("delta", BigInteger, nullable=False),
    PrimaryKeyConstraint("until_ns", "run_id", "counter_id"),
    sqlite_with_rowid=False,
)

# The counters of a namespace were read between these times: the end of its first round in a run, the begin of its last.
namespace_runs = Table(
    "namespace_runs", metadata,
    _to("run"),
    Column("netns", BigInteger, nullable=False),
    _time("first_ns"),
    _time("last_ns"),
    PrimaryKeyConstraint("run_id", "netns"),
    sqlite_with_rowid=False,
)

# How each collector fared in a run, so that a counter without changes is known to have been looked at.
collector_runs = Table(
    "collector_runs", metadata,
    _to("run"),
    Column("collector", Text, nullable=False),
    _time("first_ns"),
    _time("last_ns"),
    Column("rounds", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("busy_ns", BigInteger, nullable=False),
    PrimaryKeyConstraint("run_id", "collector"),
    sqlite_with_rowid=False,
)

# The ledger: what could not be seen. `effect` is blind, partial or detail; `lost` NULL is "unknown".
gaps = Table(
    "gaps", metadata, _id(),
    _to("run"),
    _time("since_ns"),
    _time("until_ns"),
    Column("cause", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("lost", BigInteger),
    Column("detail", Text, nullable=False),
)
Index("gaps_until", gaps.c.until_ns)

events = Table(
    "events", metadata, _id(),
    _to("run"),
    _time("time_ns"),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("netns", BigInteger),
    Column("ifindex", Integer),
)
Index("events_time", events.c.time_ns)


def _utc(column: str) -> str:
    """Return SQL that shows nanoseconds as UTC with milliseconds."""
    return (f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000000000, 'unixepoch')"
            f" || printf('.%03dZ', {column} / 1000000 % 1000)")


VIEWS = {
    "v_drops": f"""
        SELECT {_utc('d.window_start_ns')} AS window_start, d.window_width_ns / 1e9 AS window_seconds,
               d.count, d.bytes, k.reason,
               coalesce(l.symbol || coalesce(printf('+0x%x', l.offset), ''), l.address) AS location, l.module,
               i.name AS interface, i.ifindex, coalesce(i.netns_name, 'net:[' || i.netns || ']') AS netns,
               printf('0x%04x', k.protocol) AS protocol, k.origin, k.trap, k.trap_group,
               {_utc('d.first_ns')} AS first, {_utc('d.last_ns')} AS last, r.hostname, d.run_id
        FROM drops d JOIN locations l ON l.id = d.location_id JOIN kinds k ON k.id = d.kind_id
             JOIN interfaces i ON i.id = d.interface_id JOIN runs r ON r.id = d.run_id""",
    "v_counters": f"""
        SELECT {_utc('d.since_ns')} AS since, {_utc('d.until_ns')} AS until, c.collector, c.name, d.delta,
               c.interface, c.ifindex, c.netns, c.labels, c.gauge, r.hostname, d.run_id
        FROM counter_changes d JOIN counters c ON c.id = d.counter_id JOIN runs r ON r.id = d.run_id""",
    "v_gaps": f"""
        SELECT {_utc('g.since_ns')} AS since, {_utc('g.until_ns')} AS until,
               (g.until_ns - g.since_ns) / 1e9 AS seconds, g.cause, g.effect, g.scope, g.lost, g.detail,
               r.hostname, g.run_id
        FROM gaps g JOIN runs r ON r.id = g.run_id""",
    "v_events": f"""
        SELECT {_utc('e.time_ns')} AS time, e.kind, e.subject, e.detail, e.netns, e.ifindex, r.hostname, e.run_id
        FROM events e JOIN runs r ON r.id = e.run_id""",
}
