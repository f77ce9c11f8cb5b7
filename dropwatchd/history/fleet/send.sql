-- Revision 0003: what most sendings are, in one statement of few bytes: counts of minutes and changes of counters whose
-- names are there, and watches and interfaces that went on. It has the rights of who calls it, and writes nothing that
-- he could not.

-- Rows that move have room beside them, and no index on what moves (HOT updates). Reports of all hosts read all watches.
DROP INDEX dropwatch.watches_until;
ALTER TABLE dropwatch.watches SET (fillfactor = 70);
ALTER TABLE dropwatch.hosts SET (fillfactor = 70);
ALTER TABLE dropwatch.runs SET (fillfactor = 70);
ALTER TABLE dropwatch.interfaces SET (fillfactor = 70);

-- The same as dropwatch.key() of one text. As an expression of its own it takes no query, which a session that lasts for
-- one sending would parse and plan for each statement: a third of all it does. So does own_host() in guard.sql.
ALTER TABLE dropwatch.hosts DROP CONSTRAINT hosts_check;
ALTER TABLE dropwatch.hosts ADD CHECK (host =
    ('x' || encode(substr(sha256(convert_to(length(machine_id) || ':' || machine_id, 'UTF8')), 1, 8), 'hex'))
    ::bit(64)::bigint);

-- Return when this was sent, in microseconds; NULL where what the sender takes for known is no longer so: it was not the
-- last who sent for this host (`last_sent` is what was returned to him then), or his schema is too old. Numbers are small
-- ones where that is shorter on the wire; those called place count from 1. What a row does where one is there is what
-- dropwatchd/upload/send.py has it do.
CREATE FUNCTION dropwatch.send(
    schema_of_sender text, own_host bigint, own_run bigint, last_sent bigint, sent_ns bigint, new_changes_ns bigint,
    new_reach_ns bigint,
    -- Watches by their keys and parts (none is 0), each up to a time after `base_ns`, and `skew_ns` and so much less on
    -- CLOCK_BOOTTIME.
    moved_watches bigint[], parts integer[], base_ns bigint, skew_ns bigint, later bigint[], drift bigint[],
    -- Interfaces by their keys that are valid for longer, up to a time after `base_ns`.
    seen_interfaces bigint[], seen bigint[],
    -- What was dropped: where, why and by which interface, of which each row has one; the minute after that of `base_ns`,
    -- and the first and last drop, from that minute's begin and from the first on.
    locations bigint[], kinds bigint[], interfaces bigint[], place_of_drop integer[], minutes bigint[], counts bigint[],
    octets bigint[], firsts bigint[], lasts bigint[],
    -- Times of counter changes: their end after `base_ns`, and how long; then by how much each counter moved in which.
    ends bigint[], spans bigint[], changed bigint[], place_of_counter integer[], place_of_span integer[], deltas bigint[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now_at CONSTANT timestamptz := clock_timestamp();
    ahead CONSTANT bigint := sent_ns - (extract(epoch FROM statement_timestamp()) * 1e9)::bigint;
    minute_ns CONSTANT bigint := 60000000000;
    many bigint;
BEGIN
    UPDATE dropwatch.hosts SET sendings = sendings + 1, sent_at = now_at,
                               ahead_ns = CASE WHEN abs(ahead) < 1000000000 THEN 0 ELSE ahead END
    WHERE host = own_host AND (extract(epoch FROM sent_at) * 1e6)::bigint = last_sent
          AND EXISTS (SELECT FROM dropwatch.revision WHERE usable_from <= schema_of_sender);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE dropwatch.runs SET changes_ns = new_changes_ns, reach_ns = new_reach_ns
    WHERE host = own_host AND run = own_run AND NOT complete;
    GET DIAGNOSTICS many = ROW_COUNT;
    IF many <> 1 THEN
        RAISE serialization_failure USING MESSAGE = 'the run that goes on is not there';
    END IF;
    UPDATE dropwatch.watches t SET until_ns = base_ns + m.later, until_boot_ns = base_ns + m.later - skew_ns - m.drift,
                                   ending = ''
    FROM unnest(moved_watches, parts, later, drift) AS m (watch, part, later, drift)
    WHERE t.host = own_host AND t.run = own_run AND t.watch = m.watch AND t.part = coalesce(m.part, 0)
          AND t.until_ns <= base_ns + m.later;
    GET DIAGNOSTICS many = ROW_COUNT;
    IF many <> cardinality(moved_watches) THEN
        RAISE serialization_failure USING MESSAGE = 'a watch that goes on is not there';
    END IF;
    IF cardinality(seen) > 0 THEN
        UPDATE dropwatch.interfaces t SET valid_until_ns = greatest(t.valid_until_ns, base_ns + s.seen)
        FROM unnest(seen_interfaces, seen) AS s (interface, seen)
        WHERE t.host = own_host AND t.interface = s.interface;
        GET DIAGNOSTICS many = ROW_COUNT;
        IF many <> cardinality(seen) THEN
            RAISE serialization_failure USING MESSAGE = 'an interface that goes on is not there';
        END IF;
    END IF;
    IF cardinality(counts) > 0 THEN
        INSERT INTO dropwatch.drops AS t (host, run, location, kind, interface, window_start_ns, window_width_ns, count,
                                          bytes, first_ns, last_ns)
        SELECT own_host, own_run, locations[d.place], kinds[d.place], interfaces[d.place],
               base_ns - base_ns % minute_ns + d.minute * minute_ns, minute_ns, d.count, d.octets,
               base_ns - base_ns % minute_ns + d.minute * minute_ns + d.first,
               base_ns - base_ns % minute_ns + d.minute * minute_ns + d.first + d.last
        FROM unnest(place_of_drop, minutes, counts, octets, firsts, lasts)
             AS d (place, minute, count, octets, first, last)
        ON CONFLICT (host, run, window_start_ns, window_width_ns, location, kind, interface) DO UPDATE
        SET count = excluded.count, bytes = excluded.bytes, first_ns = least(t.first_ns, excluded.first_ns),
            last_ns = greatest(t.last_ns, excluded.last_ns)
        WHERE excluded.count > t.count;
    END IF;
    IF cardinality(deltas) > 0 THEN
        INSERT INTO dropwatch.counter_changes AS t (host, run, counter, until_ns, since_ns, delta)
        SELECT own_host, own_run, changed[c.counter], base_ns + ends[c.span], base_ns + ends[c.span] - spans[c.span],
               c.delta
        FROM unnest(place_of_counter, place_of_span, deltas) AS c (counter, span, delta)
        ON CONFLICT (host, run, counter, until_ns) DO UPDATE
        SET since_ns = least(t.since_ns, excluded.since_ns), delta = t.delta + excluded.delta;
    END IF;
    RETURN (extract(epoch FROM now_at) * 1e6)::bigint;
END $$;
