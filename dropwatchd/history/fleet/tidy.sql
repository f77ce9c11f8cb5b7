-- Partitions of a day each, and their end. Rows of other days lie in the partition "rest" of their table. Each step that
-- changes these functions runs this anew.

CREATE OR REPLACE FUNCTION dropwatch.day(time_ns bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS
    $$ SELECT time_ns - time_ns % 86400000000000 $$;

CREATE OR REPLACE FUNCTION dropwatch.now_ns() RETURNS bigint STABLE LANGUAGE sql AS
    $$ SELECT (extract(epoch FROM now()) * 1e9)::bigint $$;

-- Make the partitions from so many days ago to so many days ahead; rows that lie in the rest move into theirs.
CREATE OR REPLACE FUNCTION dropwatch.make_room(ago integer DEFAULT 2, ahead integer DEFAULT 7) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    parted text; timed text; since bigint; part text;
BEGIN
    FOR parted, timed IN VALUES ('drops', 'window_start_ns'), ('counter_changes', 'until_ns'), ('packets', 'time_ns')
    LOOP
        FOR place IN -ago..ahead LOOP
            since := dropwatch.day(dropwatch.now_ns()) + place * 86400000000000;
            part := parted || '_' || to_char(to_timestamp(since / 1000000000) AT TIME ZONE 'UTC', 'YYYYMMDD');
            CONTINUE WHEN to_regclass('dropwatch.' || part) IS NOT NULL;
            EXECUTE format('CREATE TABLE dropwatch.%I (LIKE dropwatch.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                           part, parted);
            EXECUTE format('WITH moved AS (DELETE FROM dropwatch.%I WHERE %I >= %s AND %I < %s RETURNING *) '
                           'INSERT INTO dropwatch.%I SELECT * FROM moved',
                           parted || '_rest', timed, since, timed, since + 86400000000000, part);
            EXECUTE format('ALTER TABLE dropwatch.%I ATTACH PARTITION dropwatch.%I FOR VALUES FROM (%s) TO (%s)',
                           parted, part, since, since + 86400000000000);
        END LOOP;
    END LOOP;
END $$;

-- Remove what is older than so many days, and before it what claims that there is none. Rows may reach an hour and a
-- minute into the next day. What a gauge was is the sum of its start and all its changes: it starts anew. Watches of a
-- run of which more may come stay, as long as nothing: they say up to when it was sent.
CREATE OR REPLACE FUNCTION dropwatch.tidy(days integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    bound bigint := dropwatch.day(dropwatch.now_ns()) - days * 86400000000000;
    claimed bigint := bound + 3660000000000;
    parted text; timed text; part regclass;
BEGIN
    UPDATE dropwatch.expired SET until_ns = greatest(until_ns, claimed);
    DELETE FROM dropwatch.watches w WHERE until_ns < claimed AND what <> 'daemon' AND EXISTS (
        SELECT FROM dropwatch.runs r WHERE r.host = w.host AND r.run = w.run AND complete);
    UPDATE dropwatch.watches SET since_ns = least(claimed, until_ns)
        WHERE since_ns < least(claimed, until_ns) AND what <> 'daemon';
    DELETE FROM dropwatch.gaps WHERE until_ns < bound;
    DELETE FROM dropwatch.events WHERE time_ns < bound;
    INSERT INTO dropwatch.counter_starts AS t (host, run, counter, time_ns, value)
        SELECT host, run, counter, max(until_ns), dropwatch.wrapped(sum(delta))
        FROM dropwatch.counter_changes JOIN dropwatch.counters USING (host, counter)
        WHERE until_ns < bound AND gauge GROUP BY host, run, counter
        ON CONFLICT (host, run, counter) DO UPDATE
        SET value = dropwatch.wrapped(t.value::numeric + excluded.value), time_ns = excluded.time_ns;
    FOR parted, timed IN VALUES ('drops', 'window_start_ns'), ('counter_changes', 'until_ns'), ('packets', 'time_ns')
    LOOP
        FOR part IN SELECT inhrelid FROM pg_inherits
                    WHERE inhparent = ('dropwatch.' || parted)::regclass
                          AND inhrelid::regclass::text ~ '_[0-9]{8}$'
                          AND right(inhrelid::regclass::text, 8)
                              < to_char(to_timestamp(bound / 1000000000) AT TIME ZONE 'UTC', 'YYYYMMDD')
        LOOP
            EXECUTE format('DROP TABLE %s', part);
        END LOOP;
        EXECUTE format('DELETE FROM dropwatch.%I WHERE %I < %s', parted || '_rest', timed, bound);
    END LOOP;
END $$;
