"""What the writer says to SQLite, many rows at a time, as text: SQLAlchemy's parameters cost half of the writing."""

ADD_DROPS = """
    INSERT INTO drops (window_start_ns, window_width_ns, run_id, location_id, kind_id, interface_id, count, bytes,
                       first_ns, last_ns)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes,
                              first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns)"""

SEE_INTERFACES = "UPDATE interfaces SET valid_until_ns = max(valid_until_ns, ?) WHERE id = ?"

INSERT_PACKETS = """
    INSERT INTO packets (run_id, location_id, kind_id, interface_id, time_ns, length, weight, link_header, data,
                         details)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

INSERT_STARTS = """
    INSERT INTO counter_starts (run_id, counter_id, time_ns, value) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"""

INSERT_CHANGES = """
    INSERT INTO counter_changes (until_ns, run_id, counter_id, since_ns, delta) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET since_ns = min(since_ns, excluded.since_ns), delta = delta + excluded.delta"""

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

MERGE_GAP = "UPDATE gaps SET until_ns = max(until_ns, ?), lost = lost + ? WHERE id = ?"

# A run without an end was killed: all that is known of it is up to when it watched.
CLOSE_CRASHED = """
    UPDATE runs SET ending = 'crashed',
           ended_ns = coalesce((SELECT until_ns FROM watches w WHERE w.run_id = runs.id
                                ORDER BY until_boot_ns DESC, until_ns DESC LIMIT 1), started_ns)
    WHERE ended_ns IS NULL"""

DESCRIBE_DEVICE = "UPDATE interfaces SET kind = ?, driver = ?, peer = ? WHERE id = ?"
SEE_NAMESPACES = "UPDATE namespaces SET valid_until_ns = max(valid_until_ns, ?) WHERE id = ?"
