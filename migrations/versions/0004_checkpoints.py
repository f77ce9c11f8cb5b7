"""What was written of counts that go on in the kernel while the daemon is away."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE checkpoints (
            token BIGINT NOT NULL,
            number BIGINT NOT NULL,
            run_id INTEGER NOT NULL,
            PRIMARY KEY (token),
            FOREIGN KEY(run_id) REFERENCES runs (id)
        ) WITHOUT ROWID""")
