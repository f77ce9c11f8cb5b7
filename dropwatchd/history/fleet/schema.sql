-- The central history of many hosts. Times are nanoseconds since 1970 UTC; keys are 64 bits of natural ones, made by
-- the hosts (dropwatch.key), so that no row needs a look-up. Every key begins with the host, but for what is the same
-- everywhere: locations and kinds.

-- `sendings` counts transactions: a second sender of the same host notices the first. `ahead_ns` is by how much the
-- host's clock was ahead of this server's. `tenant` is for whom the host works, if that matters: see tenants.sql.
CREATE TABLE dropwatch.hosts (
    host bigint PRIMARY KEY,
    machine_id text NOT NULL,
    hostname text NOT NULL,
    sendings bigint NOT NULL DEFAULT 0,
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ahead_ns bigint NOT NULL DEFAULT 0,
    tenant text,
    CHECK (host = dropwatch.key(machine_id))
);

-- One life of the daemon. `changes_ns` is up to when its counter changes were sent, and `reach_ns` when the latest of
-- them was, later where the clock was set back since; `complete`: there is no more to send.
CREATE TABLE dropwatch.runs (
    host bigint NOT NULL,
    run bigint NOT NULL,
    boot_id text NOT NULL,
    hostname text NOT NULL,
    kernel text NOT NULL,
    version text NOT NULL,
    started_ns bigint NOT NULL,
    ended_ns bigint,
    ending text,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changes_ns bigint NOT NULL DEFAULT 0,
    reach_ns bigint NOT NULL DEFAULT 0,
    complete boolean NOT NULL DEFAULT false,
    PRIMARY KEY (host, run)
);

CREATE TABLE dropwatch.locations (
    location bigint PRIMARY KEY,
    symbol text,
    "offset" bigint,
    module text,
    address text,
    CHECK (location = dropwatch.key(symbol, "offset"::text, module, address))
);

CREATE TABLE dropwatch.kinds (
    kind bigint PRIMARY KEY,
    reason text,
    protocol integer,
    origin text NOT NULL,
    trap text,
    trap_group text,
    CHECK (kind = dropwatch.key(reason, protocol::text, origin, trap, trap_group))
);

-- A network namespace under one name; rows of one namespace have the same `entity`.
CREATE TABLE dropwatch.namespaces (
    host bigint NOT NULL,
    namespace bigint NOT NULL,
    entity bigint NOT NULL,
    boot_id text NOT NULL,
    cookie bigint,
    inode bigint,
    name text,
    kind text,
    valid_from_ns bigint NOT NULL,
    valid_until_ns bigint NOT NULL,
    PRIMARY KEY (host, namespace)
);

CREATE TABLE dropwatch.interfaces (
    host bigint NOT NULL,
    interface bigint NOT NULL,
    boot_id text NOT NULL,
    namespace bigint,
    ifindex bigint,
    name text,
    kind text,
    driver text,
    peer text,
    valid_from_ns bigint NOT NULL,
    valid_until_ns bigint NOT NULL,
    PRIMARY KEY (host, interface)
);

CREATE TABLE dropwatch.counters (
    host bigint NOT NULL,
    counter bigint NOT NULL,
    collector text NOT NULL,
    name text NOT NULL,
    namespace bigint,
    ifindex bigint,
    interface text,
    labels text NOT NULL,
    gauge boolean NOT NULL,
    PRIMARY KEY (host, counter)
);

CREATE TABLE dropwatch.counter_starts (
    host bigint NOT NULL,
    run bigint NOT NULL,
    counter bigint NOT NULL,
    time_ns bigint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (host, run, counter)
);

-- So many packets were dropped within a minute, by when their windows began. A row of an hour, where the host had
-- folded its minutes before they were sent, has what was dropped in all of that hour: minutes that are here are part of
-- it, and not to be added. Numbers only grow.
CREATE TABLE dropwatch.drops (
    host bigint NOT NULL,
    run bigint NOT NULL,
    location bigint NOT NULL,
    kind bigint NOT NULL,
    interface bigint NOT NULL,
    window_start_ns bigint NOT NULL,
    window_width_ns bigint NOT NULL,
    count bigint NOT NULL,
    bytes bigint,
    first_ns bigint NOT NULL,
    last_ns bigint NOT NULL,
    PRIMARY KEY (host, run, window_start_ns, window_width_ns, location, kind, interface)
) PARTITION BY RANGE (window_start_ns);
CREATE TABLE dropwatch.drops_rest PARTITION OF dropwatch.drops DEFAULT;
CREATE INDEX drops_time ON dropwatch.drops USING brin (window_start_ns) WITH (pages_per_range = 16);

-- Counters that moved, minute by minute in whole rounds of readings.
CREATE TABLE dropwatch.counter_changes (
    host bigint NOT NULL,
    run bigint NOT NULL,
    counter bigint NOT NULL,
    until_ns bigint NOT NULL,
    since_ns bigint NOT NULL,
    delta bigint NOT NULL,
    PRIMARY KEY (host, run, counter, until_ns)
) PARTITION BY RANGE (until_ns);
CREATE TABLE dropwatch.counter_changes_rest PARTITION OF dropwatch.counter_changes DEFAULT;
CREATE INDEX counter_changes_time ON dropwatch.counter_changes USING brin (until_ns) WITH (pages_per_range = 16);

-- Sampled packets, which come only where they were asked for.
CREATE TABLE dropwatch.packets (
    host bigint NOT NULL,
    run bigint NOT NULL,
    time_ns bigint NOT NULL,
    packet bigint NOT NULL,
    location bigint NOT NULL,
    kind bigint NOT NULL,
    interface bigint NOT NULL,
    length bigint NOT NULL,
    weight bigint NOT NULL,
    link_header boolean NOT NULL,
    data bytea NOT NULL,
    details text,
    PRIMARY KEY (host, run, time_ns, packet)
) PARTITION BY RANGE (time_ns);
CREATE TABLE dropwatch.packets_rest PARTITION OF dropwatch.packets DEFAULT;
CREATE INDEX packets_time ON dropwatch.packets USING brin (time_ns) WITH (pages_per_range = 16);

-- What was watched, as far as what was seen has been sent. `part` tells times of one watch apart, between which
-- something was lost before it was sent; `place` is the row's number in the history of the host.
CREATE TABLE dropwatch.watches (
    host bigint NOT NULL,
    run bigint NOT NULL,
    watch bigint NOT NULL,
    part integer NOT NULL,
    place bigint NOT NULL,
    what text NOT NULL,
    name text NOT NULL,
    namespace bigint,
    since_ns bigint NOT NULL,
    until_ns bigint NOT NULL,
    since_boot_ns bigint,
    until_boot_ns bigint,
    limits text NOT NULL,
    ending text NOT NULL,
    PRIMARY KEY (host, run, watch, part)
);
CREATE INDEX watches_until ON dropwatch.watches (until_ns);

-- The ledger of each host. `gap` is the row's number there, negative for what was lost on the way here.
CREATE TABLE dropwatch.gaps (
    host bigint NOT NULL,
    run bigint NOT NULL,
    gap bigint NOT NULL,
    since_ns bigint NOT NULL,
    until_ns bigint NOT NULL,
    cause text NOT NULL,
    effect text NOT NULL,
    scope text NOT NULL,
    lost bigint,
    detail text NOT NULL,
    PRIMARY KEY (host, run, gap, since_ns)
);
CREATE INDEX gaps_until ON dropwatch.gaps (until_ns);

CREATE TABLE dropwatch.events (
    host bigint NOT NULL,
    run bigint NOT NULL,
    event bigint NOT NULL,
    time_ns bigint NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL,
    namespace bigint,
    ifindex bigint,
    PRIMARY KEY (host, run, event, time_ns)
);
CREATE INDEX events_time ON dropwatch.events (time_ns);

-- Up to when rows were removed by dropwatch.tidy().
CREATE TABLE dropwatch.expired (until_ns bigint NOT NULL);
INSERT INTO dropwatch.expired VALUES (0);
