"""Days have the sums of their hours, which reports over months read; those of what is there are made soon after."""

from alembic import op

revision = "0008"
down_revision = "0007"

_TABLES = """
CREATE TABLE days (
    what TEXT NOT NULL,
    day_ns BIGINT NOT NULL,
    since_ns BIGINT,
    until_ns BIGINT,
    summed_ns BIGINT,
    PRIMARY KEY (what, day_ns)
) WITHOUT ROWID;

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
) WITHOUT ROWID;

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
) WITHOUT ROWID
"""
_DAYS = "INSERT INTO days SELECT DISTINCT what, hour_ns - hour_ns % 86400000000000, NULL, NULL, NULL FROM hours"


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    op.execute(_DAYS)
