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
    text,
)

from dropwatchd.history.identity import APPLICATION_ID, REVISION, SCATTERED

__all__ = ["APPLICATION_ID", "REVISION", "metadata"]

metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _to(table: str) -> Column[int]:
    return Column(f"{table}_id", Integer, ForeignKey(f"{table}s.id"), nullable=False)


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _namespace() -> Column[int]:
    """Refer to a namespace, NULL where none is known or meant."""
    return Column("namespace_id", Integer, ForeignKey("namespaces.id"))


# One life of the daemon. `ended_ns` and `ending` are NULL while it runs, and after a crash until the next start.
runs = Table(
    "runs", metadata, _id(),
    Column("machine_id", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("hostname", Text, nullable=False),
    Column("kernel", Text, nullable=False),
    Column("version", Text, nullable=False),
    _time("started_ns"),
    _time("ended_ns", nullable=True),
    Column("ending", Text),
)

# A network namespace under one name. `cookie` is the kernel's (net->net_cookie), unique for a boot, NULL where unknown;
# `inode` the number of its file, which a later one may have again. Rows of one namespace have the same `entity`: the id
# of the first of them; the initial one is the same in every boot. The name held from when its file appeared until it
# went, as far as was seen: `kind` says who gave it (initial, netns, container).
namespaces = Table(
    "namespaces", metadata, _id(),
    Column("entity", Integer, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("cookie", BigInteger),
    Column("inode", BigInteger),
    Column("name", Text),
    Column("kind", Text),
    _time("valid_from_ns"),
    _time("valid_until_ns"),
)
Index("namespaces_key", namespaces.c.boot_id, func.coalesce(namespaces.c.cookie, -1),
      func.coalesce(namespaces.c.inode, -1), func.coalesce(namespaces.c.name, ""), unique=True)

# What was watched, from when to when, on the wall clock and on CLOCK_BOOTTIME (NULL: unknown, in older histories).
# Coverage is the union of these and nothing else; `until` moves in the transaction that writes what was seen up to it.
# `what` is software or hardware (drops), packets (samples), counters (of one collector in one namespace) or daemon;
# `name` the source's or collector's; `limits` a JSON list of what it could not see; `ending` why it went on no longer.
watches = Table(
    "watches", metadata, _id(),
    _to("run"),
    Column("what", Text, nullable=False),
    Column("name", Text, nullable=False),
    _namespace(),
    _time("since_ns"),
    _time("until_ns"),
    _time("since_boot_ns", nullable=True),
    _time("until_boot_ns", nullable=True),
    Column("limits", Text, nullable=False),
    Column("ending", Text, nullable=False),
)
Index("watches_key", watches.c.run_id, watches.c.what, watches.c.name, func.coalesce(watches.c.namespace_id, 0),
      func.coalesce(watches.c.since_boot_ns, watches.c.since_ns), unique=True)
Index("watches_until", watches.c.until_ns)

# A place in kernel code; `address` (hexadecimal text: it exceeds a signed 64-bit number) only without a symbol.
# `seen_ns`, here and below, is when it was last referred to, told once an hour: what no row refers to goes.
locations = Table(
    "locations", metadata, _id(),
    Column("symbol", Text),
    Column("offset", Integer),
    Column("module", Text),
    Column("address", Text),
    _time("seen_ns"),
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
    _time("seen_ns"),
)
Index("kinds_key", func.coalesce(kinds.c.reason, ""), func.coalesce(kinds.c.protocol, -1), kinds.c.origin,
      func.coalesce(kinds.c.trap, ""), func.coalesce(kinds.c.trap_group, ""), unique=True)

# A device during one boot, under one name; all NULL: no device, or none known. `kind` is rtnetlink's, or "physical".
interfaces = Table(
    "interfaces", metadata, _id(),
    Column("boot_id", Text, nullable=False),
    _namespace(),
    Column("ifindex", Integer),
    Column("name", Text),
    Column("kind", Text),
    Column("driver", Text),
    Column("peer", Text),
    _time("valid_from_ns"),
    _time("valid_until_ns"),
)
Index("interfaces_key", interfaces.c.boot_id, func.coalesce(interfaces.c.namespace_id, -1),
      func.coalesce(interfaces.c.ifindex, -1), func.coalesce(interfaces.c.name, ""), unique=True)

# A call stack of the kernel: a line for each function, symbol+0xoffset [module], the innermost first.
stacks = Table("stacks", metadata, _id(), Column("frames", Text, nullable=False))
Index("stacks_key", stacks.c.frames, unique=True)

# How the kernel came to the first drop of a place and reason (empty: none was given) that the source of a run counted.
first_stacks = Table(
    "first_stacks", metadata,
    _to("run"), _to("location"),
    Column("reason", Text, nullable=False),
    _to("stack"),
    PrimaryKeyConstraint("run_id", "location_id", "reason"),
    sqlite_with_rowid=False,
)

# How many packets were dropped within [window_start_ns, window_start_ns + window_width_ns).
# A row takes 53 to 55 bytes: 44 for its values, 3 for its cell, and 6.5 that stay free where SQLite splits the last
# page of such a table (VACUUM leaves 47 to 48). first_ns and last_ns, told from the begin of the window, would take 8
# bytes instead of 16, and a row 38 to 40; but all times are read alike, in older histories too, and by anybody's SQL.
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
Index("packets_scattered", packets.c.run_id, packets.c.location_id, packets.c.kind_id, packets.c.interface_id,
      text(SCATTERED), packets.c.time_ns)  # some of each, from all over the time

counters = Table(
    "counters", metadata, _id(),
    Column("collector", Text, nullable=False),
    Column("name", Text, nullable=False),
    _namespace(),
    Column("ifindex", Integer),
    Column("interface", Text),
    Column("labels", Text, nullable=False),  # JSON object
    Column("gauge", Boolean, nullable=False),
    _time("seen_ns"),
)
Index("counters_key", counters.c.collector, counters.c.name, func.coalesce(counters.c.namespace_id, -1),
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

# The sums of an hour: of the windows that began in it, and of the counter changes that ended in it. Reports read these
# for whole hours. `hours` has each hour that any row is of, and up to where in it rows are summed: NULL where none is,
# since any was written, folded or removed; when all are, from when to when its drops, or changes, were.
hours = Table(
    "hours", metadata,
    Column("what", Text, nullable=False),  # the table: drops or counter_changes
    _time("hour_ns"),
    _time("since_ns", nullable=True),
    _time("until_ns", nullable=True),
    _time("summed_ns", nullable=True),
    PrimaryKeyConstraint("what", "hour_ns"),
    sqlite_with_rowid=False,
)
drop_hours = Table(
    "drop_hours", metadata,
    _time("hour_ns"),
    _to("run"), _to("location"), _to("kind"), _to("interface"),
    Column("count", BigInteger, nullable=False),
    Column("bytes", BigInteger),
    _time("first_ns"),
    _time("last_ns"),
    PrimaryKeyConstraint("hour_ns", "run_id", "location_id", "kind_id", "interface_id"),
    sqlite_with_rowid=False,
)
counter_hours = Table(
    "counter_hours", metadata,
    _time("hour_ns"),
    _to("run"), _to("counter"),
    _time("since_ns"),
    _time("until_ns"),
    Column("delta", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour_ns", "run_id", "counter_id"),
    sqlite_with_rowid=False,
)

# All drops of this history, whatever has expired since: what monitoring counts with. A bounded number of rows; `folded`
# is 1 where those of all interfaces and namespaces are added up, 2 where those of all functions and reasons are too.
totals = Table(
    "totals", metadata, _id(),
    Column("folded", Integer, nullable=False),
    Column("machine_id", Text, nullable=False),
    Column("symbol", Text),
    Column("module", Text),
    Column("reason", Text),
    Column("origin", Text, nullable=False),
    Column("trap", Text),
    Column("interface", Text),
    Column("netns", Text),
    Column("count", BigInteger, nullable=False),
)

# The sums of a day's hours, and which days have them, as hours have those of their rows. A day begins at 0:00 UTC.
days = Table(
    "days", metadata,
    Column("what", Text, nullable=False),  # the table: drops or counter_changes
    _time("day_ns"),
    _time("since_ns", nullable=True),
    _time("until_ns", nullable=True),
    _time("summed_ns", nullable=True),
    PrimaryKeyConstraint("what", "day_ns"),
    sqlite_with_rowid=False,
)
drop_days = Table(
    "drop_days", metadata,
    _time("day_ns"),
    _to("run"), _to("location"), _to("kind"), _to("interface"),
    Column("count", BigInteger, nullable=False),
    Column("bytes", BigInteger),
    _time("first_ns"),
    _time("last_ns"),
    PrimaryKeyConstraint("day_ns", "run_id", "location_id", "kind_id", "interface_id"),
    sqlite_with_rowid=False,
)
counter_days = Table(
    "counter_days", metadata,
    _time("day_ns"),
    _to("run"), _to("counter"),
    _time("since_ns"),
    _time("until_ns"),
    Column("delta", BigInteger, nullable=False),
    PrimaryKeyConstraint("day_ns", "run_id", "counter_id"),
    sqlite_with_rowid=False,
)

# Up to when rows of a table were folded into ones of a width.
folded = Table(
    "folded", metadata,
    Column("what", Text, nullable=False),
    _time("width_ns"),
    _time("until_ns"),
    PrimaryKeyConstraint("what", "width_ns"),
    sqlite_with_rowid=False,
)

# How each collector fared in a run.
collector_runs = Table(
    "collector_runs", metadata,
    _to("run"),
    Column("collector", Text, nullable=False),
    Column("rounds", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("busy_ns", BigInteger, nullable=False),
    PrimaryKeyConstraint("run_id", "collector"),
    sqlite_with_rowid=False,
)

# How often what a source had told was written that goes on in the kernel without the daemon: the next run takes it from
# there. `token` tells the source from others, `run_id` says who wrote last. At most one row, for the daemon alone.
checkpoints = Table(
    "checkpoints", metadata,
    Column("token", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    _to("run"),
    PrimaryKeyConstraint("token"),
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
    _namespace(),
    Column("ifindex", Integer),
)
Index("events_time", events.c.time_ns)
