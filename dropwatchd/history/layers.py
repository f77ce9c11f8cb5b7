"""What a report reads: whole hours from their sums, and rows where an hour is not summed or not all of it is wanted."""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from dropwatchd.history.calendar import HOUR_NS
from dropwatchd.history.scope import LONGEST_CHANGE_NS, WIDEST_WINDOW_NS

# An hour whose drops, or changes, all lie within the window; a table may ask for more than that.
WITHIN = "h.since_ns >= :since AND h.until_ns < :until"


def drops(clause: str, whole: str = WITHIN) -> str:
    """Return tables of a WITH clause, the last of which, drop_rows, has the drops of a window as the table drops has.

    An hour is taken from its sums where the condition `whole` holds of its row h of the table hours; only rows that
    meet `clause` are. What is asked must be the same of an hour's rows as of their sum.
    """
    columns = "run_id, location_id, kind_id, interface_id, count, bytes, first_ns, last_ns"
    return f"""{_parts('drop', 'drops', f':since - {WIDEST_WINDOW_NS} + 1', ':until', whole)},
    drop_rows AS (
        SELECT hour_ns AS window_start_ns, {columns} FROM drop_whole CROSS JOIN drop_hours USING (hour_ns)
        WHERE {clause}
        UNION ALL
        SELECT window_start_ns, {columns} FROM drop_part CROSS JOIN drops
        WHERE window_start_ns >= begin_ns AND window_start_ns < end_ns AND {clause})"""


def changes(clause: str, whole: str = WITHIN, *, ever: bool = False) -> str:
    """Return the like for counter changes: change_rows. Those of all time are looked at where `ever` is said."""
    columns = "until_ns, run_id, counter_id, since_ns, delta"
    begin, end = ("0", str(2**63 - 1)) if ever else (":since + 1", f":until + {LONGEST_CHANGE_NS}")
    return f"""{_parts('change', 'counter_changes', begin, end, whole)},
    change_rows AS (
        SELECT {columns} FROM change_whole CROSS JOIN counter_hours USING (hour_ns) WHERE {clause}
        UNION ALL
        SELECT {columns} FROM change_part CROSS JOIN counter_changes
        WHERE until_ns >= begin_ns AND until_ns < end_ns AND {clause})"""


def moves(counters: str) -> str:
    """Return the like for all changes, ever, of counters that seldom move: hours are left out in which none did."""
    wanted = f"counter_id IN ({counters})"
    rests = f"NOT EXISTS (SELECT 1 FROM counter_hours m WHERE m.hour_ns = h.hour_ns AND m.{wanted})"
    return changes(wanted, f"h.since_ns NOTNULL AND {rests}", ever=True)


def _parts(name: str, table: str, begin: str, end: str, whole: str) -> str:
    """Return the hours that are taken whole, and the times before, between and after them."""
    return f"""
    {name}_whole AS MATERIALIZED (
        SELECT hour_ns FROM hours h
        WHERE h.what = '{table}' AND h.hour_ns >= {begin} AND h.hour_ns < {end} AND {whole} ORDER BY hour_ns),
    {name}_part AS MATERIALIZED (
        SELECT coalesce(lag(hour_ns) OVER (ORDER BY hour_ns) + {HOUR_NS}, {begin}) AS begin_ns, hour_ns AS end_ns
        FROM {name}_whole
        UNION ALL SELECT coalesce(max(hour_ns) + {HOUR_NS}, {begin}), {end} FROM {name}_whole)"""
