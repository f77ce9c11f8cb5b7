"""Coverage is on record: watches. Namespaces are entities with names that hold for a time. Devices know their kind."""

from alembic import op

from dropwatchd.history import older

revision = "0003"
down_revision = "0002"

_REBUILT = ("runs", "locations", "kinds", "interfaces", "counters", "collector_runs", "events")
_DROPPED = ("counters_key", "interfaces_key", "events_time", "kinds_key", "locations_key")

_TABLES = """
CREATE TABLE namespaces (
    id INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    cookie BIGINT,
    inode BIGINT,
    name TEXT,
    kind TEXT,
    valid_from_ns BIGINT NOT NULL,
    valid_until_ns BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX namespaces_key ON namespaces (boot_id, coalesce(cookie, -1), coalesce(inode, -1), coalesce(name, ''));

CREATE TABLE watches (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    what TEXT NOT NULL,
    name TEXT NOT NULL,
    namespace_id INTEGER,
    since_ns BIGINT NOT NULL,
    until_ns BIGINT NOT NULL,
    since_boot_ns BIGINT,
    until_boot_ns BIGINT,
    limits TEXT NOT NULL,
    ending TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(namespace_id) REFERENCES namespaces (id)
);

CREATE UNIQUE INDEX watches_key ON watches (run_id, what, name, coalesce(namespace_id, 0), coalesce(since_boot_ns, since_ns));

CREATE INDEX watches_until ON watches (until_ns);

CREATE TABLE runs (
    id INTEGER NOT NULL,
    machine_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    hostname TEXT NOT NULL,
    kernel TEXT NOT NULL,
    version TEXT NOT NULL,
    started_ns BIGINT NOT NULL,
    ended_ns BIGINT,
    ending TEXT,
    PRIMARY KEY (id)
);

CREATE TABLE interfaces (
    id INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    namespace_id INTEGER,
    ifindex INTEGER,
    name TEXT,
    kind TEXT,
    driver TEXT,
    peer TEXT,
    valid_from_ns BIGINT NOT NULL,
    valid_until_ns BIGINT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(namespace_id) REFERENCES namespaces (id)
);

CREATE UNIQUE INDEX interfaces_key ON interfaces (boot_id, coalesce(namespace_id, -1), coalesce(ifindex, -1), coalesce(name, ''));

CREATE TABLE counters (
    id INTEGER NOT NULL,
    collector TEXT NOT NULL,
    name TEXT NOT NULL,
    namespace_id INTEGER,
    ifindex INTEGER,
    interface TEXT,
    labels TEXT NOT NULL,
    gauge BOOLEAN NOT NULL,
    seen_ns BIGINT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(namespace_id) REFERENCES namespaces (id)
);

CREATE UNIQUE INDEX counters_key ON counters (collector, name, coalesce(namespace_id, -1), coalesce(ifindex, -1), coalesce(interface, ''), labels);

CREATE TABLE locations (
    id INTEGER NOT NULL,
    symbol TEXT,
    "offset" INTEGER,
    module TEXT,
    address TEXT,
    seen_ns BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX locations_key ON locations (coalesce(symbol, ''), coalesce("offset", -1), coalesce(module, ''), coalesce(address, ''));

CREATE TABLE kinds (
    id INTEGER NOT NULL,
    reason TEXT,
    protocol INTEGER,
    origin TEXT NOT NULL,
    trap TEXT,
    trap_group TEXT,
    seen_ns BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX kinds_key ON kinds (coalesce(reason, ''), coalesce(protocol, -1), origin, coalesce(trap, ''), coalesce(trap_group, ''));

CREATE TABLE folded (
    what TEXT NOT NULL,
    width_ns BIGINT NOT NULL,
    until_ns BIGINT NOT NULL,
    PRIMARY KEY (what, width_ns)
) WITHOUT ROWID;

CREATE TABLE collector_runs (
    run_id INTEGER NOT NULL,
    collector TEXT NOT NULL,
    rounds INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    busy_ns BIGINT NOT NULL,
    PRIMARY KEY (run_id, collector),
    FOREIGN KEY(run_id) REFERENCES runs (id)
) WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    time_ns BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    namespace_id INTEGER,
    ifindex INTEGER,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(namespace_id) REFERENCES namespaces (id)
);

CREATE INDEX events_time ON events (time_ns)
"""

_VIEWS = """
CREATE VIEW v_drops AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', d.window_start_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.window_start_ns / 1000000 % 1000) AS window_start, d.window_width_ns / 1e9 AS window_seconds,
           d.count, d.bytes, k.reason,
           coalesce(l.symbol || iif(l.offset IS NULL, '', printf('+0x%x', l.offset)), l.address) AS location,
           l.module,
           i.name AS interface, i.ifindex, i.kind AS interface_kind, coalesce(n.name, 'net:[' || n.inode || ']') AS netns,
           iif(k.protocol IS NULL, NULL, printf('0x%04x', k.protocol)) AS protocol, k.origin, k.trap, k.trap_group,
           strftime('%Y-%m-%dT%H:%M:%S', d.first_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.first_ns / 1000000 % 1000) AS first, strftime('%Y-%m-%dT%H:%M:%S', d.last_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.last_ns / 1000000 % 1000) AS last, r.hostname, d.run_id,
           d.window_start_ns, d.first_ns, d.last_ns
    FROM drops d JOIN locations l ON l.id = d.location_id JOIN kinds k ON k.id = d.kind_id
         JOIN interfaces i ON i.id = d.interface_id LEFT JOIN namespaces n ON n.id = i.namespace_id
         JOIN runs r ON r.id = d.run_id;

CREATE VIEW v_counters AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', d.since_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.since_ns / 1000000 % 1000) AS since, strftime('%Y-%m-%dT%H:%M:%S', d.until_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.until_ns / 1000000 % 1000) AS until, c.collector, c.name, d.delta,
           c.interface, c.ifindex, coalesce(n.name, 'net:[' || n.inode || ']') AS netns, c.labels, c.gauge, r.hostname, d.run_id,
           d.since_ns, d.until_ns
    FROM counter_changes d JOIN counters c ON c.id = d.counter_id
         LEFT JOIN namespaces n ON n.id = c.namespace_id JOIN runs r ON r.id = d.run_id;

CREATE VIEW v_gaps AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', g.since_ns / 1000000000, 'unixepoch') || printf('.%03dZ', g.since_ns / 1000000 % 1000) AS since, strftime('%Y-%m-%dT%H:%M:%S', g.until_ns / 1000000000, 'unixepoch') || printf('.%03dZ', g.until_ns / 1000000 % 1000) AS until,
           (g.until_ns - g.since_ns) / 1e9 AS seconds, g.cause, g.effect, g.scope, g.lost, g.detail,
           r.hostname, g.run_id, g.since_ns, g.until_ns
    FROM gaps g JOIN runs r ON r.id = g.run_id;

CREATE VIEW v_events AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', e.time_ns / 1000000000, 'unixepoch') || printf('.%03dZ', e.time_ns / 1000000 % 1000) AS time, e.kind, e.subject, e.detail, coalesce(n.name, 'net:[' || n.inode || ']') AS netns, e.ifindex, r.hostname,
           e.run_id, e.time_ns
    FROM events e LEFT JOIN namespaces n ON n.id = e.namespace_id JOIN runs r ON r.id = e.run_id;

CREATE VIEW v_watches AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', w.since_ns / 1000000000, 'unixepoch') || printf('.%03dZ', w.since_ns / 1000000 % 1000) AS since, strftime('%Y-%m-%dT%H:%M:%S', w.until_ns / 1000000000, 'unixepoch') || printf('.%03dZ', w.until_ns / 1000000 % 1000) AS until, (w.until_ns - w.since_ns) / 1e9 AS seconds,
           w.what, w.name, coalesce(n.name, 'net:[' || n.inode || ']') AS netns, w.limits, w.ending, r.hostname, w.run_id,
           w.since_ns, w.until_ns
    FROM watches w LEFT JOIN namespaces n ON n.id = w.namespace_id JOIN runs r ON r.id = w.run_id
"""


def upgrade() -> None:
    for view in ("v_drops", "v_counters", "v_gaps", "v_events"):
        op.execute(f"DROP VIEW {view}")
    for index in _DROPPED:
        op.execute(f"DROP INDEX {index}")
    # Other tables go on to mean the new ones by their names: migrations/env.py has foreign keys off.
    op.execute("PRAGMA legacy_alter_table = ON")
    for table in _REBUILT:
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_0002")
    op.execute("PRAGMA legacy_alter_table = OFF")
    _execute(_TABLES)
    for table, select in older.selects(lambda name: f"{name}_0002" if name in _REBUILT else name).items():
        op.execute(f"INSERT INTO {table} {select}")
    _write_watches()
    for table in (*(f"{name}_0002" for name in _REBUILT), "namespace_runs"):
        op.execute(f"DROP TABLE {table}")
    _execute(_VIEWS)


def _execute(statements: str) -> None:
    for statement in statements.split(";\n"):
        op.execute(statement)


def _write_watches() -> None:
    connection = op.get_bind()
    runs = connection.exec_driver_sql(f"{older.OLD_RUNS} FROM runs_0002").all()
    blind = connection.exec_driver_sql(f"{older.OLD_GAPS} FROM gaps {older.BLIND}").all()
    if rows := older.old_watches(runs, blind):
        connection.exec_driver_sql(older.INSERT_WATCH, rows)
