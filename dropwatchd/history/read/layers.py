"""What a report reads: whole days and hours from their sums, and rows where these are not, or not all of one is wanted.

A day is taken before its hours, and an hour before its rows.
"""

# ruff: noqa: S608 - the SQL is put together from texts of this package; values are bound.

from dropwatchd.history.calendar import DAY_NS, HOUR_NS
from dropwatchd.history.read.scope import LONGEST_CHANGE_NS, WIDEST_WINDOW_NS

SUMMED = -1  # in the place of the time when a window begins, where a row of drop_sums stands for several

# A span whose drops, or changes, all lie within the window; a table may ask for more than that.
WITHIN = "h.since_ns >= :since AND h.until_ns < :until"


def drops(clause: str, whole: str = WITHIN, *, sums: bool = False) -> str:
    """Return tables of a WITH clause, the last of which, drop_rows, has the drops of a window as the table drops has.

    A day or an hour is taken from its sums where the condition `whole` holds of its row h of the table days, or hours:
    there {sums} stands for the table of its sums, and {begin} for the column by which it is known. Only rows that meet
    `clause` are taken. What is asked must be the same of the rows of a span as of their sum. With `sums`, those of the
    table drop_sums are among them: see Pulled.
    """
    columns = "run_id, location_id, kind_id, interface_id, count, bytes, first_ns, last_ns"
    summed = f"UNION ALL SELECT {SUMMED}, {columns} FROM drop_sums WHERE {clause}" if sums else ""
    return f"""{_parts('drop', 'drops', f':since - {WIDEST_WINDOW_NS} + 1', ':until', whole)},
    drop_rows AS (
        SELECT day_ns AS window_start_ns, {columns} FROM drop_whole_days CROSS JOIN drop_days USING (day_ns)
        WHERE {clause}
        UNION ALL
        SELECT hour_ns, {columns} FROM drop_whole_hours CROSS JOIN drop_hours USING (hour_ns) WHERE {clause}
        UNION ALL
        SELECT window_start_ns, {columns} FROM drop_part CROSS JOIN drops
        WHERE window_start_ns >= begin_ns AND window_start_ns < end_ns AND {clause}
        {summed})"""


def changes(clause: str, whole: str = WITHIN, *, ever: bool = False) -> str:
    """Return the like for counter changes: change_rows. Those of all time are looked at where `ever` is said."""
    columns = "until_ns, run_id, counter_id, since_ns, delta"
    begin, end = ("0", str(2**63 - 1)) if ever else (":since + 1", f":until + {LONGEST_CHANGE_NS}")
    return f"""{_parts('counter', 'counter_changes', begin, end, whole)},
    change_rows AS (
        SELECT {columns} FROM counter_whole_days CROSS JOIN counter_days USING (day_ns) WHERE {clause}
        UNION ALL
        SELECT {columns} FROM counter_whole_hours CROSS JOIN counter_hours USING (hour_ns) WHERE {clause}
        UNION ALL
        SELECT {columns} FROM counter_part CROSS JOIN counter_changes
        WHERE until_ns >= begin_ns AND until_ns < end_ns AND {clause})"""


def moves(counters: str) -> str:
    """Return the like for all changes, ever, of counters that seldom move: spans are left out in which none did."""
    wanted = f"counter_id IN ({counters})"
    rests = f"NOT EXISTS (SELECT 1 FROM {{sums}} m WHERE m.{{begin}} = h.{{begin}} AND m.{wanted})"
    return changes(wanted, f"h.since_ns NOTNULL AND {rests}", ever=True)


def _parts(name: str, table: str, begin: str, end: str, whole: str) -> str:
    """Return the days and hours that are taken whole, and the times before, between and after them."""
    days, hours = f"{name}_whole_days", f"{name}_whole_hours"
    whole_day = whole.format(sums=f"{name}_days", begin="day_ns")
    whole_hour = whole.format(sums=f"{name}_hours", begin="hour_ns")
    return f"""
    {days} AS MATERIALIZED (
        SELECT day_ns FROM days h
        WHERE h.what = '{table}' AND h.day_ns >= {begin} AND h.day_ns < {end} AND {whole_day} ORDER BY day_ns),
    {hours} AS MATERIALIZED (
        SELECT hour_ns FROM hours h
        WHERE h.what = '{table}' AND h.hour_ns >= {begin} AND h.hour_ns < {end}
              AND h.hour_ns - h.hour_ns % {DAY_NS} NOT IN {days} AND {whole_hour} ORDER BY hour_ns),
    {name}_summed AS (
        SELECT day_ns AS since_ns, day_ns + {DAY_NS} AS until_ns FROM {days}
        UNION ALL SELECT hour_ns, hour_ns + {HOUR_NS} FROM {hours}),
    {name}_part AS MATERIALIZED (
        SELECT coalesce(lag(until_ns) OVER (ORDER BY since_ns), {begin}) AS begin_ns, since_ns AS end_ns
        FROM {name}_summed
        UNION ALL SELECT coalesce(max(until_ns), {begin}), {end} FROM {name}_summed)"""
