-- The tables of a history, without keys of names: for what a report takes out of the central one.

CREATE TABLE days (
    what TEXT NOT NULL,
    day_ns BIGINT NOT NULL,
    since_ns BIGINT,
    until_ns BIGINT,
    summed_ns BIGINT,
    PRIMARY KEY (what, day_ns)
)
 WITHOUT ROWID;

CREATE TABLE folded (
    what TEXT NOT NULL,
    width_ns BIGINT NOT NULL,
    until_ns BIGINT NOT NULL,
    PRIMARY KEY (what, width_ns)
)
 WITHOUT ROWID;

CREATE TABLE hours (
    what TEXT NOT NULL,
    hour_ns BIGINT NOT NULL,
    since_ns BIGINT,
    until_ns BIGINT,
    summed_ns BIGINT,
    PRIMARY KEY (what, hour_ns)
)
 WITHOUT ROWID;

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

CREATE TABLE locations (
    id INTEGER NOT NULL,
    symbol TEXT,
    "offset" INTEGER,
    module TEXT,
    address TEXT,
    seen_ns BIGINT NOT NULL,
    PRIMARY KEY (id)
);

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

CREATE TABLE stacks (
    id INTEGER NOT NULL,
    frames TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE totals (
    id INTEGER NOT NULL,
    folded INTEGER NOT NULL,
    machine_id TEXT NOT NULL,
    symbol TEXT,
    module TEXT,
    reason TEXT,
    origin TEXT NOT NULL,
    trap TEXT,
    interface TEXT,
    netns TEXT,
    count BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE checkpoints (
    token BIGINT NOT NULL,
    number BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    PRIMARY KEY (token),
    FOREIGN KEY(run_id) REFERENCES runs (id)
)
 WITHOUT ROWID;

CREATE TABLE collector_runs (
    run_id INTEGER NOT NULL,
    collector TEXT NOT NULL,
    rounds INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    busy_ns BIGINT NOT NULL,
    PRIMARY KEY (run_id, collector),
    FOREIGN KEY(run_id) REFERENCES runs (id)
)
 WITHOUT ROWID;

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

CREATE TABLE first_stacks (
    run_id INTEGER NOT NULL,
    location_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    stack_id INTEGER NOT NULL,
    PRIMARY KEY (run_id, location_id, reason),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(location_id) REFERENCES locations (id),
    FOREIGN KEY(stack_id) REFERENCES stacks (id)
)
 WITHOUT ROWID;

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

CREATE TABLE counter_changes (
    until_ns BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    counter_id INTEGER NOT NULL,
    since_ns BIGINT NOT NULL,
    delta BIGINT NOT NULL,
    PRIMARY KEY (until_ns, run_id, counter_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(counter_id) REFERENCES counters (id)
)
 WITHOUT ROWID;

CREATE TABLE counter_days (
    day_ns BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    counter_id INTEGER NOT NULL,
    since_ns BIGINT NOT NULL,
    until_ns BIGINT NOT NULL,
    delta BIGINT NOT NULL,
    PRIMARY KEY (day_ns, run_id, counter_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(counter_id) REFERENCES counters (id)
)
 WITHOUT ROWID;

CREATE TABLE counter_hours (
    hour_ns BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    counter_id INTEGER NOT NULL,
    since_ns BIGINT NOT NULL,
    until_ns BIGINT NOT NULL,
    delta BIGINT NOT NULL,
    PRIMARY KEY (hour_ns, run_id, counter_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(counter_id) REFERENCES counters (id)
)
 WITHOUT ROWID;

CREATE TABLE counter_starts (
    run_id INTEGER NOT NULL,
    counter_id INTEGER NOT NULL,
    time_ns BIGINT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (run_id, counter_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(counter_id) REFERENCES counters (id)
)
 WITHOUT ROWID;

CREATE TABLE drop_days (
    day_ns BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    location_id INTEGER NOT NULL,
    kind_id INTEGER NOT NULL,
    interface_id INTEGER NOT NULL,
    count BIGINT NOT NULL,
    bytes BIGINT,
    first_ns BIGINT NOT NULL,
    last_ns BIGINT NOT NULL,
    PRIMARY KEY (day_ns, run_id, location_id, kind_id, interface_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(location_id) REFERENCES locations (id),
    FOREIGN KEY(kind_id) REFERENCES kinds (id),
    FOREIGN KEY(interface_id) REFERENCES interfaces (id)
)
 WITHOUT ROWID;

CREATE TABLE drop_hours (
    hour_ns BIGINT NOT NULL,
    run_id INTEGER NOT NULL,
    location_id INTEGER NOT NULL,
    kind_id INTEGER NOT NULL,
    interface_id INTEGER NOT NULL,
    count BIGINT NOT NULL,
    bytes BIGINT,
    first_ns BIGINT NOT NULL,
    last_ns BIGINT NOT NULL,
    PRIMARY KEY (hour_ns, run_id, location_id, kind_id, interface_id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(location_id) REFERENCES locations (id),
    FOREIGN KEY(kind_id) REFERENCES kinds (id),
    FOREIGN KEY(interface_id) REFERENCES interfaces (id)
)
 WITHOUT ROWID;

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
)
 WITHOUT ROWID;

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

