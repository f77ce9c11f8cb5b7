"""What the writer says to SQLite, many rows at a time, as text."""

# ruff: noqa: S608 - put together from texts of this module; values are bound.

_DROPS = """
    INSERT INTO drops (window_start_ns, window_width_ns, run_id, location_id, kind_id, interface_id, count, bytes,
                       first_ns, last_ns)"""
ADD = """
    ON CONFLICT DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes,
                              first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns)"""
ADD_DROPS = f"{_DROPS} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {ADD}"

# Windows that begin within a span become ones of a width. One unknown number of bytes makes the sum unknown. Those with
# drops more than a minute behind that width stay as they are: readers do not look for them so long before.
_FINE = """window_start_ns >= :since AND window_start_ns < :until AND window_width_ns < :width
           AND last_ns < window_start_ns - window_start_ns % :width + :width + 60000000000"""
FOLD_WINDOWS = f"""{_DROPS}
    SELECT window_start_ns - window_start_ns % :width AS start, :width, run_id, location_id, kind_id, interface_id,
           sum(count), CASE WHEN count(bytes) = count(*) THEN sum(bytes) END, min(first_ns), max(last_ns)
    FROM drops WHERE {_FINE} GROUP BY start, run_id, location_id, kind_id, interface_id {ADD}"""
DELETE_WINDOWS = f"DELETE FROM drops WHERE {_FINE}"
COUNT_WINDOWS = """
    SELECT count(*) FROM drops WHERE window_start_ns >= :since - :since % :width AND window_start_ns < :until"""

FINE_CHANGES = """
    SELECT until_ns, run_id, counter_id, since_ns, delta FROM counter_changes
    WHERE until_ns >= :since AND until_ns < :until AND until_ns - since_ns < :width ORDER BY until_ns"""
DELETE_CHANGE = "DELETE FROM counter_changes WHERE until_ns = ? AND run_id = ? AND counter_id = ?"
MARK_FOLDED = """
    INSERT INTO folded (what, width_ns, until_ns) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET until_ns = excluded.until_ns"""
UNMARK_FOLDED = "UPDATE folded SET until_ns = min(until_ns, ?)"  # a clock that was set back comes by again

# When something was last referred to, in `seen_ns`; of a device that is until when its row is valid.
SEE = {
    "locations": "UPDATE locations SET seen_ns = max(seen_ns, ?) WHERE id = ?",
    "kinds": "UPDATE kinds SET seen_ns = max(seen_ns, ?) WHERE id = ?",
    "counters": "UPDATE counters SET seen_ns = max(seen_ns, ?) WHERE id = ?",
    "interfaces": "UPDATE interfaces SET valid_until_ns = max(valid_until_ns, ?) WHERE id = ?",
}

INSERT_PACKETS = """
    INSERT INTO packets (run_id, location_id, kind_id, interface_id, time_ns, length, weight, link_header, data,
                         details)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

ADD_STACK = "INSERT INTO stacks (frames) VALUES (?) ON CONFLICT DO NOTHING"
INSERT_FIRST_STACKS = """
    INSERT INTO first_stacks (run_id, location_id, reason, stack_id)
    SELECT ?, ?, ?, id FROM stacks WHERE frames = ? ON CONFLICT DO NOTHING"""

INSERT_COUNTERS = """
    INSERT INTO counters (collector, name, namespace_id, ifindex, interface, labels, gauge, seen_ns)
    VALUES (:collector, :name, :namespace_id, :ifindex, :interface, :labels, :gauge, :seen_ns)
    ON CONFLICT DO NOTHING"""
INSERT_STARTS = """
    INSERT INTO counter_starts (run_id, counter_id, time_ns, value) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"""

# Counters have 64 bits. What they moved is added modulo 2^64, by halves, which do not overflow.
_HIGH, _LOW = "({} >> 32)", "({} & 4294967295)"


def _joined(high: str, low: str) -> str:
    return f"((({high} + ({low} >> 32)) << 32) | ({low} & 4294967295))"


def summed(number: str) -> str:
    """Return SQL for the sum of a number of each row."""
    return _joined(f"sum{_HIGH.format(number)}", f"sum{_LOW.format(number)}")


def added(one: str, other: str) -> str:
    """Return SQL for the sum of two numbers."""
    return _joined(*(f"({half.format(one)} + {half.format(other)})" for half in (_HIGH, _LOW)))


SUM_DELTAS, _ADDED = summed("delta"), added("delta", "excluded.delta")
ADD_CHANGE = f"""
    ON CONFLICT DO UPDATE SET since_ns = min(since_ns, excluded.since_ns), until_ns = max(until_ns, excluded.until_ns),
                              delta = {_ADDED}"""

# What a gauge was is the sum of its start and all its changes: where changes go, it starts with what they made of it.
REBASE_GAUGES = f"""
    INSERT INTO counter_starts (run_id, counter_id, time_ns, value)
    SELECT run_id, counter_id, max(until_ns), {SUM_DELTAS} FROM counter_changes
    WHERE until_ns < ? AND counter_id IN (SELECT id FROM counters WHERE gauge) GROUP BY run_id, counter_id
    ON CONFLICT DO UPDATE SET value = {added('value', 'excluded.value')}, time_ns = excluded.time_ns"""

INSERT_CHANGES = f"""
    INSERT INTO counter_changes (until_ns, run_id, counter_id, since_ns, delta) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET since_ns = min(since_ns, excluded.since_ns), delta = {_ADDED}"""

INSERT_COLLECTED = """
    INSERT INTO collector_runs (run_id, collector, rounds, failures, busy_ns) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET rounds = rounds + excluded.rounds, failures = failures + excluded.failures,
                              busy_ns = busy_ns + excluded.busy_ns"""

INSERT_EVENTS = """
    INSERT INTO events (run_id, time_ns, kind, subject, detail, namespace_id, ifindex) VALUES (?, ?, ?, ?, ?, ?, ?)"""

INSERT_WATCHES = """
    INSERT INTO watches (run_id, what, name, namespace_id, since_ns, until_ns, since_boot_ns, until_boot_ns, limits,
                         ending)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET until_ns = excluded.until_ns, until_boot_ns = excluded.until_boot_ns,
                              ending = excluded.ending"""

INSERT_GAP = """
    INSERT INTO gaps (run_id, since_ns, until_ns, cause, effect, scope, lost, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
EXPIRED_AGAIN = """
    UPDATE gaps SET since_ns = min(since_ns, ?), until_ns = max(until_ns, ?)
    WHERE cause = ? AND scope = ? AND detail = ?"""
MERGE_GAP = """
    UPDATE gaps SET until_ns = max(until_ns, ?), lost = lost + ?
    WHERE id = ? AND since_ns = ? AND cause = ? AND effect = ? AND scope = ? AND detail = ?"""

# There is one source at most that goes on without us: what another one had told is of no use any more.
FORGET_CHECKPOINTS = "DELETE FROM checkpoints WHERE token <> ?"
ADD_CHECKPOINT = """
    INSERT INTO checkpoints (token, number, run_id) VALUES (?, 1, ?)
    ON CONFLICT DO UPDATE SET number = number + 1, run_id = excluded.run_id RETURNING number"""
# What it tells next comes after what was watched up to here, by the run that wrote last.
FIND_CHECKPOINT = """
    SELECT c.number, w.until_ns, w.until_boot_ns
    FROM checkpoints c JOIN watches w ON w.run_id = c.run_id
    WHERE c.token = ? AND w.what = 'software' ORDER BY w.until_boot_ns DESC LIMIT 1"""

# A machine's last run that has left anything: what it saw, or what nobody had seen before it.
LAST_RUN = """
    SELECT id, boot_id, ending, started_ns FROM runs r WHERE machine_id = ?
    ORDER BY EXISTS (SELECT 1 FROM watches WHERE run_id = r.id)
             OR EXISTS (SELECT 1 FROM gaps WHERE run_id = r.id AND cause IN (?, ?)) DESC, id DESC LIMIT 1"""
# The last that it saw; drops come before counters, for they are written at other moments.
LAST_WATCHED = """
    SELECT until_ns, until_boot_ns FROM watches WHERE run_id = ?
    ORDER BY what = 'counters', until_boot_ns DESC, until_ns DESC LIMIT 1"""
WATCHED_HARDWARE = "SELECT EXISTS (SELECT 1 FROM watches WHERE run_id = ? AND what = 'hardware')"

# A run without an end was killed, or lost its file: all that is known of it is up to when it watched.
CLOSE_CRASHED = """
    UPDATE runs SET ending = ?,
           ended_ns = coalesce((SELECT until_ns FROM watches w WHERE w.run_id = runs.id
                                ORDER BY until_boot_ns DESC, until_ns DESC LIMIT 1), started_ns)
    WHERE ended_ns IS NULL"""
END_RUN = "UPDATE runs SET ended_ns = ?, ending = ? WHERE id = ?"

DESCRIBE_DEVICE = "UPDATE interfaces SET kind = ?, driver = ?, peer = ? WHERE id = ?"
NAME_NAMESPACE = """UPDATE OR IGNORE namespaces SET name = ?, kind = ?
                    WHERE boot_id = ? AND cookie = ? AND name IS NULL"""

SEE_NAMESPACES = "UPDATE namespaces SET valid_until_ns = max(valid_until_ns, ?) WHERE id = ?"


_U64 = 1 << 64


def signed(value: int) -> int:
    """Return a number of any size as SQLite's signed 64 bits; readers take it modulo 2^64."""
    value %= _U64
    return value - _U64 if value >= _U64 >> 1 else value
