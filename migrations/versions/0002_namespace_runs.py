"""Until when the counters of each namespace were read: without it, one where nothing moves tells nothing."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
CREATE TABLE namespace_runs (
    run_id INTEGER NOT NULL,
    netns BIGINT NOT NULL,
    first_ns BIGINT NOT NULL,
    last_ns BIGINT NOT NULL,
    PRIMARY KEY (run_id, netns),
    FOREIGN KEY(run_id) REFERENCES runs (id)
) WITHOUT ROWID""")
