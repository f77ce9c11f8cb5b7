"""Drops are added up for good, so that monitoring has counters that never fall; of what is on record, all are."""

from alembic import op

revision = "0007"
down_revision = "0006"

_STATEMENTS = (
    """
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
    )""",
    """
    CREATE TEMP TABLE summed AS
    SELECT r.machine_id, l.symbol, l.module, k.reason, k.origin, k.trap, i.name AS interface,
           coalesce(n.name, 'net:[' || n.inode || ']') AS netns, sum(d.count) AS count, min(d.first_ns) AS first_ns
    FROM drops d JOIN runs r ON r.id = d.run_id JOIN locations l ON l.id = d.location_id
         JOIN kinds k ON k.id = d.kind_id JOIN interfaces i ON i.id = d.interface_id
         LEFT JOIN namespaces n ON n.id = i.namespace_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8""",
    # The first are kept apart, as many as the daemon keeps; of the others all is added up.
    """
    INSERT INTO totals (folded, machine_id, symbol, module, reason, origin, trap, interface, netns, count)
    SELECT 0, machine_id, symbol, module, reason, origin, trap, interface, netns, count
    FROM summed ORDER BY first_ns LIMIT 400""",
    """
    INSERT INTO totals (folded, machine_id, origin, count)
    SELECT 2, machine_id, origin, sum(count)
    FROM (SELECT * FROM summed ORDER BY first_ns LIMIT -1 OFFSET 400) GROUP BY machine_id, origin""",
    "DROP TABLE summed",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
