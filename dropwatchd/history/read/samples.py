"""Which of the sampled packets a report takes: some of each key, from all over the window."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from dropwatchd.history.identity import SCATTERED

MANY = 20_000  # packets in the window, from which on their index by key is quicker than to put them in order

# Whether there are so many, in a history that has the index.
HAS_MANY = f"""
    SELECT count(*) = {MANY} AND EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'packets_scattered')
    FROM (SELECT 1 FROM packets WHERE time_ns >= :since AND time_ns < :until LIMIT {MANY})"""


def some_of_each(clause: str, *, has_many: bool) -> str:
    """Return SQL for up to :most packets of each key that meet a condition: either way the same ones."""
    if has_many:
        return f"""
            SELECT p.* FROM (SELECT DISTINCT run_id, location_id, kind_id, interface_id FROM packets) k
            CROSS JOIN packets p ON p.id IN (
                SELECT id FROM packets INDEXED BY packets_scattered
                WHERE run_id = k.run_id AND location_id = k.location_id AND kind_id = k.kind_id
                      AND interface_id = k.interface_id AND {clause} ORDER BY {SCATTERED} LIMIT :most)"""
    return f"""
        SELECT * FROM packets WHERE id IN (
            SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY run_id, location_id, kind_id, interface_id
                                                          ORDER BY {SCATTERED}) AS place FROM packets WHERE {clause})
            WHERE place <= :most)"""
