"""Removes places, kinds, devices, counters and namespaces that no row refers to any longer."""

# ruff: noqa: S608 - the SQL is put together from texts of this module; values are bound.

from sqlite3 import Connection

from dropwatchd.history.write.connection import scalar
from dropwatchd.model import NANO

# A row is told to be seen once an hour, and a fold makes a counter's change end up to two hours later.
SEEN_EVERY_NS = 3600 * NANO
_LATE_NS = 4 * SEEN_EVERY_NS
_ROWS = 5000

# Counters at the start of a run tell that they were read, as long as a watch says when.
_STARTS = """
    DELETE FROM counter_starts WHERE (run_id, counter_id) IN (
        SELECT s.run_id, s.counter_id
        FROM counter_starts s JOIN counters c ON c.id = s.counter_id LEFT JOIN namespaces n ON n.id = c.namespace_id
        WHERE s.time_ns < :before AND NOT EXISTS (
            SELECT 1 FROM watches w LEFT JOIN namespaces o ON o.id = w.namespace_id
            WHERE w.run_id = s.run_id AND w.what = 'counters' AND w.name = c.collector
                  AND (n.id IS NULL OR o.id IS NULL OR o.entity = n.entity))
        LIMIT :rows)"""

# All rows of a namespace go together: the id of the first is its number in the others, and is given again.
_NAMESPACES = """
    DELETE FROM namespaces WHERE entity IN (
        SELECT entity FROM namespaces GROUP BY entity
        HAVING max(valid_until_ns) < :before AND NOT max(id IN (
            SELECT namespace_id FROM interfaces WHERE namespace_id NOTNULL
            UNION SELECT namespace_id FROM counters WHERE namespace_id NOTNULL
            UNION SELECT namespace_id FROM watches WHERE namespace_id NOTNULL
            UNION SELECT namespace_id FROM events WHERE namespace_id NOTNULL))
        LIMIT :rows)"""

# A run that goes on tells of each stack once, however long nothing is dropped there.
_FIRST_STACKS = """
    DELETE FROM first_stacks WHERE (run_id, location_id, reason) IN (
        SELECT f.run_id, f.location_id, f.reason FROM first_stacks f LEFT JOIN locations l ON l.id = f.location_id
        WHERE coalesce(l.seen_ns, 0) < :before AND f.run_id NOT IN (SELECT max(id) FROM runs GROUP BY machine_id)
        LIMIT :rows)"""
_STACKS = """
    DELETE FROM stacks WHERE id IN (
        SELECT id FROM stacks WHERE id NOT IN (SELECT stack_id FROM first_stacks) LIMIT :rows)"""

_UNSEEN = {
    "locations": "seen_ns < :before AND id NOT IN (SELECT location_id FROM first_stacks)",
    "kinds": "seen_ns < :before",
    "counters": "seen_ns < :before AND id NOT IN (SELECT counter_id FROM counter_starts)",
    # What a device is was told once: of this boot it is kept, whether it dropped or not.
    "interfaces": "valid_until_ns < :before AND (boot_id != :boot OR kind IS NULL)",
}


def forget(connection: Connection, boot_id: str, now_ns: int) -> int:
    """Remove some of what was last seen before all that is kept; return how many rows.

    Foreign keys must be off: to look for references would read the whole history for each row.
    """
    oldest_ns = scalar(connection, """
        SELECT min(first) FROM (SELECT min(window_start_ns) AS first FROM drops
                                UNION ALL SELECT min(time_ns) FROM packets
                                UNION ALL SELECT min(until_ns) FROM counter_changes)""")
    bound = {"before": min(now_ns, oldest_ns or now_ns) - _LATE_NS, "boot": boot_id, "rows": _ROWS}
    unseen = [f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {condition} LIMIT :rows)"
              for table, condition in _UNSEEN.items()]
    return sum(connection.execute(statement, bound).rowcount
               for statement in (_STARTS, _FIRST_STACKS, _STACKS, *unseen, _NAMESPACES))
