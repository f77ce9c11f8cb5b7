"""Hours have their sums, which reports read in place of rows; those of what is there are made soon after."""

from alembic import op

revision = "0005"
down_revision = "0004"

_TABLES = """
CREATE TABLE hours (
    what TEXT NOT NULL,
    hour_ns BIGINT NOT NULL,
    since_ns BIGINT,
    until_ns BIGINT,
    summed_ns BIGINT,
    PRIMARY KEY (what, hour_ns)
) WITHOUT ROWID;

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
) WITHOUT ROWID;

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
) WITHOUT ROWID;

CREATE INDEX packets_scattered ON packets (run_id, location_id, kind_id, interface_id, id * 2654435761 % 4294967296, time_ns)
"""
_HOUR_NS = 3_600_000_000_000

# One row of each hour is looked for, not all rows.
_HOURS = """
    WITH RECURSIVE found(at) AS (
        SELECT min({column}) FROM {table}
        UNION ALL SELECT (SELECT min({column}) FROM {table} WHERE {column} >= at - at % {hour} + {hour})
        FROM found WHERE at NOTNULL)
    INSERT INTO hours SELECT '{table}', at - at % {hour}, NULL, NULL, NULL FROM found WHERE at NOTNULL
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table, column in (("drops", "window_start_ns"), ("counter_changes", "until_ns")):
        op.execute(_HOURS.format(table=table, column=column, hour=_HOUR_NS))
