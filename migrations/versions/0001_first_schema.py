"""The first schema: runs, dimensions, drops, packets, counters, gaps, events, and the views to read them by hand."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE counters (
    id INTEGER NOT NULL,
    collector TEXT NOT NULL,
    name TEXT NOT NULL,
    netns BIGINT,
    ifindex INTEGER,
    interface TEXT,
    labels TEXT NOT NULL,
    gauge BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX counters_key ON counters (collector, name, coalesce(netns, -1), coalesce(ifindex, -1), coalesce(interface, ''), labels);

CREATE TABLE interfaces (
    id INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    netns BIGINT,
    netns_name TEXT,
    ifindex INTEGER,
    name TEXT,
    valid_from_ns BIGINT NOT NULL,
    valid_until_ns BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX interfaces_key ON interfaces (boot_id, coalesce(netns, -1), coalesce(netns_name, ''), coalesce(ifindex, -1), coalesce(name, ''));

CREATE TABLE kinds (
    id INTEGER NOT NULL,
    reason TEXT,
    protocol INTEGER,
    origin TEXT NOT NULL,
    trap TEXT,
    trap_group TEXT,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX kinds_key ON kinds (coalesce(reason, ''), coalesce(protocol, -1), origin, coalesce(trap, ''), coalesce(trap_group, ''));

CREATE TABLE locations (
    id INTEGER NOT NULL,
    symbol TEXT,
    "offset" INTEGER,
    module TEXT,
    address TEXT,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX locations_key ON locations (coalesce(symbol, ''), coalesce("offset", -1), coalesce(module, ''), coalesce(address, ''));

CREATE TABLE runs (
    id INTEGER NOT NULL,
    machine_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    hostname TEXT NOT NULL,
    kernel TEXT NOT NULL,
    version TEXT NOT NULL,
    source TEXT NOT NULL,
    started_ns BIGINT NOT NULL,
    last_seen_ns BIGINT NOT NULL,
    ended_ns BIGINT,
    ending TEXT,
    PRIMARY KEY (id)
);

CREATE TABLE collector_runs (
    run_id INTEGER NOT NULL,
    collector TEXT NOT NULL,
    first_ns BIGINT NOT NULL,
    last_ns BIGINT NOT NULL,
    rounds INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    busy_ns BIGINT NOT NULL,
    PRIMARY KEY (run_id, collector),
    FOREIGN KEY(run_id) REFERENCES runs (id)
) WITHOUT ROWID;

CREATE TABLE counter_changes (
    until_ns BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    counter_id INTEGER NOT NULL,
    since_ns BIGINT NOT NULL,
    delta BIGINT NOT NULL,
    PRIMARY KEY (until_ns, run_id, counter_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(counter_id) REFERENCES counters (id)
) WITHOUT ROWID;

CREATE TABLE counter_starts (
    run_id INTEGER NOT NULL,
    counter_id INTEGER NOT NULL,
    time_ns BIGINT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (run_id, counter_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(counter_id) REFERENCES counters (id)
) WITHOUT ROWID;

CREATE TABLE drops (
    window_start_ns BIGINT NOT NULL,
    window_width_ns BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    location_id INTEGER NOT NULL,
    kind_id INTEGER NOT NULL,
    interface_id INTEGER NOT NULL,
    count BIGINT NOT NULL,
    bytes BIGINT,
    first_ns BIGINT NOT NULL,
    last_ns BIGINT NOT NULL,
    PRIMARY KEY (window_start_ns, window_width_ns, run_id, location_id, kind_id, interface_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(location_id) REFERENCES locations (id),
    FOREIGN KEY(kind_id) REFERENCES kinds (id),
    FOREIGN KEY(interface_id) REFERENCES interfaces (id)
) WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    time_ns BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    netns BIGINT,
    ifindex INTEGER,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id)
);

CREATE INDEX events_time ON events (time_ns);

CREATE TABLE gaps (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    since_ns BIGINT NOT NULL,
    until_ns BIGINT NOT NULL,
    cause TEXT NOT NULL,
    effect TEXT NOT NULL,
    scope TEXT NOT NULL,
    lost BIGINT,
    detail TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id)
);

CREATE INDEX gaps_until ON gaps (until_ns);

CREATE TABLE packets (
    id INTEGER NOT NULL,
    time_ns BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    location_id INTEGER NOT NULL,
    kind_id INTEGER NOT NULL,
    interface_id INTEGER NOT NULL,
    length INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    link_header BOOLEAN NOT NULL,
    data BLOB NOT NULL,
    details TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(location_id) REFERENCES locations (id),
    FOREIGN KEY(kind_id) REFERENCES kinds (id),
    FOREIGN KEY(interface_id) REFERENCES interfaces (id)
);

CREATE INDEX packets_time ON packets (time_ns);
"""

VIEWS = """
CREATE VIEW v_drops AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', d.window_start_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.window_start_ns / 1000000 % 1000) AS window_start, d.window_width_ns / 1e9 AS window_seconds,
           d.count, d.bytes, k.reason,
           coalesce(l.symbol || coalesce(printf('+0x%x', l.offset), ''), l.address) AS location, l.module,
           i.name AS interface, i.ifindex, coalesce(i.netns_name, 'net:[' || i.netns || ']') AS netns,
           printf('0x%04x', k.protocol) AS protocol, k.origin, k.trap, k.trap_group,
           strftime('%Y-%m-%dT%H:%M:%S', d.first_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.first_ns / 1000000 % 1000) AS first, strftime('%Y-%m-%dT%H:%M:%S', d.last_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.last_ns / 1000000 % 1000) AS last, r.hostname, d.run_id
    FROM drops d JOIN locations l ON l.id = d.location_id JOIN kinds k ON k.id = d.kind_id
         JOIN interfaces i ON i.id = d.interface_id JOIN runs r ON r.id = d.run_id;

CREATE VIEW v_counters AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', d.since_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.since_ns / 1000000 % 1000) AS since, strftime('%Y-%m-%dT%H:%M:%S', d.until_ns / 1000000000, 'unixepoch') || printf('.%03dZ', d.until_ns / 1000000 % 1000) AS until, c.collector, c.name, d.delta,
           c.interface, c.ifindex, c.netns, c.labels, c.gauge, r.hostname, d.run_id
    FROM counter_changes d JOIN counters c ON c.id = d.counter_id JOIN runs r ON r.id = d.run_id;

CREATE VIEW v_gaps AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', g.since_ns / 1000000000, 'unixepoch') || printf('.%03dZ', g.since_ns / 1000000 % 1000) AS since, strftime('%Y-%m-%dT%H:%M:%S', g.until_ns / 1000000000, 'unixepoch') || printf('.%03dZ', g.until_ns / 1000000 % 1000) AS until,
           (g.until_ns - g.since_ns) / 1e9 AS seconds, g.cause, g.effect, g.scope, g.lost, g.detail,
           r.hostname, g.run_id
    FROM gaps g JOIN runs r ON r.id = g.run_id;

CREATE VIEW v_events AS
    SELECT strftime('%Y-%m-%dT%H:%M:%S', e.time_ns / 1000000000, 'unixepoch') || printf('.%03dZ', e.time_ns / 1000000 % 1000) AS time, e.kind, e.subject, e.detail, e.netns, e.ifindex, r.hostname, e.run_id
    FROM events e JOIN runs r ON r.id = e.run_id;
"""


def upgrade() -> None:
    op.execute("PRAGMA application_id = 1685223268")
    for statement in (TABLES + VIEWS).split(";\n"):
        if statement.strip():
            op.execute(statement)
