"""How the kernel came to the first drop of each place and reason."""

from alembic import op

revision = "0006"
down_revision = "0005"

_TABLES = """
CREATE TABLE stacks (
    id INTEGER NOT NULL,
    frames TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX stacks_key ON stacks (frames);

CREATE TABLE first_stacks (
    run_id INTEGER NOT NULL,
    location_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    stack_id INTEGER NOT NULL,
    PRIMARY KEY (run_id, location_id, reason),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    FOREIGN KEY(location_id) REFERENCES locations (id),
    FOREIGN KEY(stack_id) REFERENCES stacks (id)
) WITHOUT ROWID;

CREATE VIEW v_stacks AS
    SELECT nullif(f.reason, '') AS reason,
           coalesce(l.symbol || iif(l.offset IS NULL, '', printf('+0x%x', l.offset)), l.address) AS location,
           l.module, s.frames, r.hostname, f.run_id
    FROM first_stacks f JOIN locations l ON l.id = f.location_id JOIN stacks s ON s.id = f.stack_id
         JOIN runs r ON r.id = f.run_id
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
